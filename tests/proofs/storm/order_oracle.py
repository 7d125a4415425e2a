"""The oracle of orders: what ships is paid as agreed or told, and no voucher is promised twice. In integer cents.

It shares no code with the package: it reads the shop's rows, what the shop was told, and the cloud's own books.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.proofs.storm.record import Promised, Record
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID

__all__ = ["KEY_AMOUNTS", "order_problems"]

Row = dict[str, Any]
CONFIRMED = timedelta(days=30)
"""``CONFIRMED_DAYS`` of the days."""

KEY_AMOUNTS = {"parcel": ("charge",), "return": ("refund", "recharge", "activate")}
"""The stories name a key and its reason by what it is for and its amount: ``parcel 5.00``. What comes back moves by one
of three kinds of operations: a new voucher is given where its activation has succeeded."""


def order_problems(
    cloud, vouchers, record: Record, *, after_return: str, stores_codes: bool = True
) -> list[str]:
    """Return every order that was not paid as it was agreed, and whose shop was not told; every charge that took more
    than the order needed, every key that moved more than its amount, every voucher and order that is promised more than
    it has, and every code of a confirmed payment that was erased too early."""
    payments = list(VoucherPayment.objects.values())
    operations = list(VoucherOperation.objects.order_by("number").values())
    return [
        *_unpaid(record, payments, operations),
        *_more_than_needed(record, payments, operations, after_return),
        *_moved_twice(operations),
        *_promised_twice(cloud, vouchers, payments, operations),
        *_promised_too_much(record, payments, after_return),
        *(_erased_too_early(payments) if stores_codes else ()),
    ]


def _unpaid(record: Record, payments: list[Row], operations: list[Row]) -> Iterator[str]:
    """Shipments that were accepted, of orders that were not paid as agreed, and nobody was told."""
    stands_told = {row["order_number"] for row in operations if row["state"] == "manual"}
    stands_told |= set(VoucherPayment.objects.unpaid().values_list("order_number", flat=True))
    for number, at, promised, is_known_unpaid in record.accepted:
        wanted = min(_still_wanted(promised, payments), *_lowest_totals(record, number, at))
        paid = sum(_cents(row["amount_captured"]) for row in payments if row["order_number"] == number)
        told = any(order == number and when >= at for order, when in record.told)
        told |= number in stands_told and not is_known_unpaid
        if paid < wanted and not told:
            yield f"order {number} shipped at {at:%d %H:%M:%S} with {paid} of {wanted} cents, and nobody was told"


def _still_wanted(promised: Promised, payments: list[Row]) -> int:
    """Return what was agreed with the payments that were not taken off since."""
    taken_off = {row["id"] for row in payments if row["status"] == "cancelled" or row["cancel_requested_at"]}
    return sum(_cents(amount) for pk, amount in promised.items() if pk not in taken_off)


def _lowest_totals(record: Record, number: str, since: Any) -> list[int]:
    """Return the totals of the order from ``since`` on."""
    latest = max(at for at, _ in record.totals[number])
    return [_cents(total) for total in record.totals_between(number, since, max(since, latest))]


def _more_than_needed(
    record: Record, payments: list[Row], operations: list[Row], after_return: str
) -> Iterator[str]:
    """Charges that took more than the order cost at any moment from their plan to their booking."""
    cancelled = {row["id"] for row in payments if row["status"] == "cancelled"}
    by_order: dict[str, list[Row]] = defaultdict(list)
    replacing = set(VoucherSale.objects.exclude(replaces_refund=None).values_list("pk", flat=True))
    for row in operations:
        is_of_payment = row["payment_id"] is not None and row["payment_id"] not in cancelled
        if row["state"] == "succeeded" and (is_of_payment or row["sale_id"] in replacing):
            by_order[row["order_number"]].append(row)
    for number, rows in by_order.items():
        taken = 0
        for charge in (row for row in rows if row["kind"] == "charge"):
            taken += _cents(charge["amount"])
            returned = sum(
                _cents(row["amount"])
                for row in rows
                if row["kind"] in KEY_AMOUNTS["return"] and row["created_at"] <= charge["settled_at"]
            )
            kept = taken - (returned if after_return == "lowered" else 0)
            planned_at = record.planned_again.get(charge["id"], charge["created_at"])
            totals = record.totals_between(number, planned_at, charge["settled_at"])
            if kept > max(map(_cents, totals)):
                yield f"order {number} cost {totals} and was charged {kept} cents by {charge['number']}"


def _moved_twice(operations: list[Row]) -> Iterator[str]:
    """A call with a key is made once, so what it moves is at most its amount."""
    moved: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in operations:
        what, _, amount = row["reason"].partition(" ")
        if row["kind"] in KEY_AMOUNTS.get(what, ()) and row["state"] in ("succeeded", "manual"):
            moved[row["order_number"], row["reason"], amount] += _cents(row["amount"])
    for (number, key, amount), cents in moved.items():
        if cents > round(float(amount) * 100):
            yield f"order {number}: the key {key!r} moved {cents} cents"


def _promised_twice(cloud, vouchers, payments: list[Row], operations: list[Row]) -> Iterator[str]:
    """What confirmed payments count on was the voucher's when it was agreed: all but tills and requests that an
    intermediary has doubled leave it there."""
    known = {row["remote_id"] for row in operations}
    for voucher in vouchers:
        if cloud.store.state.vouchers[voucher.id].deleted:
            continue
        counted_on = sum(_counted_on(row) for row in payments if row["voucher_id"] == voucher.id)
        taken = sum(
            _cents(row.amount)
            for row in cloud.bookings(voucher.id)
            if row.type == "charge" and (row.client_id != LOCAL_CLIENT_ID or row.id not in known)
        )
        balance = _cents(cloud.balance(voucher.id))
        if counted_on > balance + taken:
            yield f"{counted_on} cents of {voucher.code} are promised, {balance} are there and others took {taken}"


def _promised_too_much(record: Record, payments: list[Row], after_return: str) -> Iterator[str]:
    """An order is not promised more than it ever cost, though each of its vouchers may be."""
    for number, totals in record.totals.items():
        own = [row for row in payments if row["order_number"] == number and row["status"] != "cancelled"]
        returned = sum(_cents(row["amount_refunded"]) for row in own) if after_return == "lowered" else 0
        counted_on = sum(_counted_on(row) for row in own)
        promised = sum(_cents(row["amount_captured"]) for row in own) + counted_on - returned
        if promised > max(_cents(total) for _, total in totals):
            yield f"order {number} cost {[total for _, total in totals]} and is promised {promised} cents"


def _erased_too_early(payments: list[Row]) -> Iterator[str]:
    """What was agreed can be captured for ``CONFIRMED_DAYS``, unless it was taken off or refused."""
    for row in payments:
        left = row["confirmed_at"] and row["amount_agreed"] > row["amount_captured"]
        was_refused = row["status"] == "failed" or row["end_reason"] == "refused"
        has_ended = was_refused or row["status"] == "cancelled" or row["cancel_requested_at"]
        if not left or has_ended or row["sealed_code"]:
            continue
        if row["ended_at"] is None or row["ended_at"] < row["confirmed_at"] + CONFIRMED:
            yield f"the code of payment {row['id']} of {row['order_number']} was erased too early"


def _counted_on(row: Row) -> int:
    """Return what of a payment is agreed and can still be captured."""
    is_promise = row["confirmed_at"] and not row["cancel_requested_at"] and row["sealed_code"]
    if not is_promise or row["status"] in ("cancelled", "failed"):
        return 0
    return max(_cents(row["amount_agreed"]) - _cents(row["amount_captured"]), 0)


def _cents(amount: Any) -> int:
    return round(amount * 100)
