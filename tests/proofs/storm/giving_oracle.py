"""The oracle of what is given: each key of a top up or of store credit moves its amount once, or that is reported.

It shares no code with the package: it reads the shop's rows, what the shop asked for, and the cloud's own books.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.proofs.storm.books import Books, in_cents, sum_of, was_active
from tests.proofs.storm.giving import Given, Promise
from tests.proofs.storm.selling import Sold
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["giving_problems"]

Row = dict[str, Any]


def giving_problems(cloud: Any, given: Given, sold: Sold, *, doubled: Counter[tuple[str, str]]) -> list[str]:
    """Return every call whose amount is on vouchers twice or not at all, and every sale whose row says another amount
    than the cloud's books; an empty list is right. ``doubled``: the copies of each request."""
    operations = list(VoucherOperation.objects.exclude(sale=None).values())
    known = set(VoucherOperation.objects.exclude(remote_id="").values_list("remote_id", flat=True))
    books = Books(cloud, cloud.store.state.vouchers.values(), known, Counter(doubled))
    sales = list(VoucherSale.objects.values())
    found = [
        f"{promise.key} of {promise.amount}: {problem}"
        for promise in given.promises
        for problem in _of_promise(cloud, promise, operations, sales, books, sold)
    ]
    for sale in sales:
        own = [row for row in operations if row["sale_id"] == sale["id"] and row["kind"] == "recharge"]
        for problem in _of_sale(sale, own, books):
            found.append(f"sale {sale['id']} of {sale['order_number']} ({sale['status']}): {problem}")
    return found


def _of_promise(
    cloud: Any, promise: Promise, operations: list[Row], sales: list[Row], books: Books, sold: Sold
) -> Iterator[str]:
    recharges = [row for row in operations if row["reason"] == promise.key and row["kind"] == "recharge"]
    new = [row for row in sales if row["reason"] == promise.key and row["origin"] == "credit"]
    if len(recharges) + len(new) > 1:
        yield f"there are {len(recharges)} recharges and {len(new)} vouchers"
    moved = sum_of(books.recharged(recharges))
    moved += sum(in_cents(row["amount"]) for row in new if was_active(cloud, row["voucher_id"]))
    amount = in_cents(promise.amount)
    if moved not in (0, amount):
        yield f"{moved} cents are there"
    is_told = any(row["sale_id"] in sold.told for row in recharges) or any(
        row["id"] in sold.told for row in new
    )
    is_withdrawn = any(row["state"] in ("not_applied", "manual") for row in recharges)
    if promise.was_done and recharges and moved != amount:
        yield f"the call returned, and {moved} cents are there"
    if promise.was_accepted and not moved and not is_told and not is_withdrawn:
        yield "the call was accepted, nothing is there, and the shop was not told"


def _of_sale(sale: Row, recharges: list[Row], books: Books) -> Iterator[str]:
    topped_up = sum(in_cents(row["amount"]) for row in recharges if row["state"] == "succeeded")
    if in_cents(sale["amount_topped_up"]) != topped_up:
        yield f"topped up by {sale['amount_topped_up']}, its operations by {topped_up} cents"
    for row in recharges:
        booked, cents = sum_of(books.recharged([row])), in_cents(row["amount"])
        if booked not in {"succeeded": {cents}, "manual": {0, cents}}.get(row["state"], {0}):
            yield f"the recharge {row['number']} of {cents} cents is {row['state']}, booked are {booked} cents"
