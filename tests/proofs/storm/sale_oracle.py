"""The oracle of sales: one voucher each, active only where paid for, spent ones left alone, no code lost.

It shares no code with the package: it reads the shop's rows, what the shop asked for and was handed, and the cloud's
own books, in integer cents.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tests.proofs.storm.selling import Sold
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["sale_problems"]

Row = dict[str, Any]
OPEN = ("due", "sending", "unknown")
TWICE_BY = ("crash", "locked", "commit unanswered", "mail unanswered")
"""Faults after which a code may be handed over twice: it was handed over and that was not noted."""


def sale_problems(
    cloud, orders, sold: Sold, *, doubled: Mapping[tuple[str, str], int], seen: Counter[str]
) -> list[str]:
    """Return every sale that is not what the shop asked for, by the cloud's books; an empty list is right.

    ``doubled``: the number of copies of each request that an intermediary sent later. Nothing on our side can prevent
    what they do to the status of a voucher. ``seen``: the faults of the day.
    """
    sales = list(VoucherSale.objects.exclude(origin="topped_up").values())
    operations: dict[int, list[Row]] = defaultdict(list)
    for row in VoucherOperation.objects.filter(sale__isnull=False).values():
        operations[row["sale_id"]].append(row)
    books = {
        each.id: each for each in cloud.store.state.vouchers.values() if each.id not in _others(cloud, orders)
    }
    found = [
        f"the voucher {each} was created for no sale"
        for each in books.keys() - {row["voucher_id"] for row in sales}
    ]
    may_be_twice = any(seen[fault] for fault in TWICE_BY)
    for sale in sales:
        problems = _of_sale(
            cloud, sale, operations[sale["id"]], books.get(sale["voucher_id"]), sold, doubled, may_be_twice
        )
        found += [
            f"sale {sale['id']} of {sale['order_number']} ({sale['status']}): {problem}"
            for problem in problems
        ]
    return [*found, *_of_orders(orders, sales, operations, books, sold)]


def _others(cloud, orders) -> set[str]:
    """Return the vouchers that no order of the day has sold."""
    numbers = {order.number for order in orders}
    return {each.id for each in cloud.store.state.vouchers.values() if each.order_number not in numbers}


def _of_sale(
    cloud, sale: Row, operations: list[Row], voucher: Any, sold: Sold, doubled: Any, may_be_twice: bool
) -> Iterator[str]:
    for row in operations:
        if row["state"] in OPEN:
            yield f"the {row['kind']} {row['number']} is still {row['state']} ({row['error_code']})"
    if voucher is None:
        if sale["status"] not in ("taken_back", "failed"):
            yield "its voucher does not exist"
        return
    if (voucher.amount_cents, voucher.currency) != (_cents(sale["amount"]), sale["currency"]):
        yield f"sold for {sale['amount']}, its voucher began with {voucher.amount_cents} cents"
    is_sold = sale["origin"] == "sold"
    if is_sold and voucher.valid_until is not None and sale["order_number"] not in sold.was_asked:
        yield "its voucher was activated, and the order was never paid"
    yield from _status(cloud, sale, voucher, sold, doubled)
    yield from _code(sale, voucher, sold, may_be_twice)


def _status(cloud, sale: Row, voucher: Any, sold: Sold, doubled: Any) -> Iterator[str]:
    is_there = {"active": "active", "issued": "inactive", "taken_back": "inactive", "failed": "inactive"}
    expected = is_there.get(sale["status"], "inactive")
    is_gone = sale["status"] == "taken_back" and (voucher.deleted or bool(voucher.booking_ids))
    if (voucher.status != expected or voucher.deleted > is_gone) and not doubled["status", voucher.id]:
        yield f"its voucher is {voucher.status}, deleted {voucher.deleted}"
    if sale["status"] == "taken_back" and not is_gone:
        yield "its voucher was never deleted, though nothing was booked on it"
    spent = sum(
        {"charge": 1, "refund": -1}.get(row.type, 0) * _cents(row.amount) for row in _bookings(cloud, voucher)
    )
    if sale["status"] == "taken_back" and spent:
        yield f"taken back, and {spent} cents of it were spent"
    if sale["status"] != sale["target"] and sale["status"] != "failed" and sale["id"] not in sold.told:
        yield f"wanted is {sale['target']}, and the shop was not told"


def _bookings(cloud, voucher: Any) -> list[Any]:
    return [] if voucher.deleted else list(cloud.bookings(voucher.id))


def _code(sale: Row, voucher: Any, sold: Sold, may_be_twice: bool) -> Iterator[str]:
    times = sold.times(voucher.code)
    waits_on_a_page = sale["delivery"] == "page" and sale["sealed_code"] and not sale["delivered_at"]
    if sale["status"] == "active" and not times and not waits_on_a_page:
        yield "its code was never handed over"
    if times > 1 and not may_be_twice:
        yield f"its code was handed over {times} times"
    if times and voucher.valid_until is None:
        yield "its code was handed over, and the voucher was never active"
    if sale["sealed_code"] and (sale["delivered_at"] or sale["status"] == "taken_back"):
        yield "its code is kept, though nothing needs it any more"


def _of_orders(orders, sales: list[Row], operations: Any, books: Any, sold: Sold) -> Iterator[str]:
    """A line of an order has one voucher that is or was active and was not taken back; a paid one that was never
    returned has exactly one, unless the shop was told."""
    sales = [row for row in sales if row["origin"] == "sold"]
    for order in orders:
        lines = order.note.split()
        valid = [
            row
            for row in sales
            if row["order_number"] == order.number and _is_valid(books.get(row["voucher_id"]))
        ]
        if len(valid) > len(lines):
            yield f"order {order.number} sells {len(lines)} vouchers, and {len(valid)} are valid"
        for key in (line.partition("=")[0] for line in lines):
            own = [row for row in sales if (row["order_number"], row["key"]) == (order.number, key)]
            valid = [row for row in own if _is_valid(books.get(row["voucher_id"]))]
            if len(valid) > 1:
                yield f"order {order.number}: {len(valid)} vouchers for {key}"
            is_told = any(row["id"] in sold.told for row in own)
            is_wanted = order.number in sold.paid and order.number not in sold.returned
            if is_wanted and not valid and not is_told:
                yield f"order {order.number} is paid, and nothing is there for {key}"


def _is_valid(voucher: Any) -> bool:
    return voucher is not None and voucher.status == "active" and not voucher.deleted


def _cents(amount: Any) -> int:
    return round(amount * 100)
