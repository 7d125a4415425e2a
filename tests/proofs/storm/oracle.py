"""What must be true at the end of a day, from the cloud's own books in integer cents.

It shares no code with the package: of the shop it reads the rows alone. An operation in ``manual`` may have booked
or not; every other one must have booked exactly what its row says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Any

from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LedgerError

__all__ = ["problems"]

Row = dict[str, Any]
NOTHING: Mapping[tuple[str, str], int] = {}
NONE: Set[str] = frozenset()


def problems(
    cloud, vouchers, dearest, *, doubled: Mapping[tuple[str, str], int] = NOTHING, answered: Set[str] = NONE
) -> list[str]:
    """Return every difference between the shop's rows and the cloud's books; none is right.

    ``dearest``: what each order cost at most, by its number. ``doubled``: how often what was sent a second time on its
    way. Nothing on our side can keep that from happening, so what it booked too often is left out here: ``reconciled``
    sees to it that it is told. ``answered``: the bookings that a worker was told of and lived to write down.
    """
    return list(_problems(cloud, vouchers, dearest, Counter(doubled), answered))


def _problems(
    cloud, vouchers, dearest, doubled: Counter[tuple[str, str]], answered: Set[str]
) -> Iterator[str]:
    try:
        cloud.ledger.check()
    except LedgerError as error:
        yield f"ledger: {error}"
    operations: dict[int, list[Row]] = defaultdict(list)
    for operation in VoucherOperation.objects.values():
        operations[operation["payment_id"]].append(operation)
    known = {row["remote_id"] for rows in operations.values() for row in rows}
    books = Books(cloud, vouchers, known, doubled)
    yield from _forgotten(answered & books.ids, operations)
    payments = list(VoucherPayment.objects.values())
    references = {row["reference"] for rows in operations.values() for row in rows if row["kind"] == "charge"}
    for number in books.charges.keys() - references:
        yield f"the charge {number} is booked and not in our rows"
    for payment in payments:
        for problem in _of_payment(payment, operations[payment["id"]], books):
            yield f"payment {payment['id']} of {payment['order_number']} ({payment['status']}): {problem}"
    for number, total in dearest.items():
        yield from _of_order(number, _cents(total), payments, operations, books)


class Books:
    """Our bookings as the cloud has them: charges by their number, refunds by the charge they belong to."""

    def __init__(self, cloud, vouchers, known: set[str], doubled: Counter[tuple[str, str]]) -> None:
        """``known``: the ids in our rows. ``doubled``: how often what was sent a second time on its way."""
        self.charges: dict[str, list[Any]] = defaultdict(list)
        self.refunds: dict[str, list[Any]] = defaultdict(list)
        self.ids: set[str] = set()
        for row in (row for voucher in vouchers for row in cloud.bookings(voucher.id)):
            if row.client_id != LOCAL_CLIENT_ID:
                continue
            self.ids.add(row.id)
            what = (row.type, row.order_number if row.type == "charge" else row.charge_id)
            if row.id not in known and doubled[what]:
                doubled[what] -= 1
            elif row.type == "charge":
                self.charges[row.order_number].append(row)
            else:
                self.refunds[row.charge_id].append(row)

    def charged(self, operations: list[Row]) -> list[Any]:
        """Return the charges booked under the numbers of these operations."""
        numbers = {row["reference"] for row in operations if row["kind"] == "charge"}
        return [row for number in numbers for row in self.charges.get(number, ())]

    def refunded(self, operations: list[Row]) -> list[Any]:
        """Return our refunds of what these operations charged."""
        return [row for charge in self.charged(operations) for row in self.refunds.get(charge.id, ())]


def _forgotten(answered: Set[str], operations: dict[int, list[Row]]) -> Iterator[str]:
    """A worker was told of these bookings, and lived: they stand in our rows, if only as an answer that came late."""
    rows = [row for of_payment in operations.values() for row in of_payment]
    late = {answer["remote_id"] for row in rows for answer in row["late_answers"]}
    for remote_id in answered - late - {row["remote_id"] for row in rows}:
        yield f"the booking {remote_id} was answered and is nowhere in our rows"


def _of_payment(payment: Row, operations: list[Row], books: Books) -> Iterator[str]:
    charged, refunded = books.charged(operations), books.refunded(operations)
    for kind, booked, column in (
        ("charge", charged, "amount_captured"),
        ("refund", refunded, "amount_refunded"),
    ):
        difference = _sum(booked) - _cents(payment[column])
        undecided = [
            _cents(row["amount"]) for row in operations if row["kind"] == kind and row["state"] == "manual"
        ]
        if difference not in _subset_sums(undecided):
            yield f"{column} is {payment[column]}, booked are {_sum(booked)} cents"
    if _sum(charged) > _cents(payment["amount_agreed"]):
        yield f"agreed to {payment['amount_agreed']}, charged {_sum(charged)} cents"
    if payment["status"] == "cancelled" and _sum(charged) != _sum(refunded):
        yield f"cancelled, yet {_sum(charged)} cents were charged and {_sum(refunded)} went back"
    for operation in operations:
        yield from _of_operation(operation, books)
    yield from _unheard_wish(payment, operations)
    yield from _kept_code(payment)


def _of_operation(operation: Row, books: Books) -> Iterator[str]:
    kind, state = operation["kind"], operation["state"]
    if state in ("due", "sending", "unknown"):
        yield f"the {kind} {operation['number']} is still {state} ({operation['error_code']})"
    if kind == "charge":
        booked = books.charges.get(operation["reference"], [])
    elif kind == "refund":
        booked = [
            row for row in books.refunds.get(operation["target_id"], ()) if row.id == operation["remote_id"]
        ]
    else:
        return
    cents = _cents(operation["amount"])
    expected = {"succeeded": {cents}, "manual": {0, cents}}.get(state, {0})
    if _sum(booked) not in expected:
        yield f"the {kind} {operation['number']} of {cents} cents is {state}, booked are {_sum(booked)} cents"


def _unheard_wish(payment: Row, operations: list[Row]) -> Iterator[str]:
    left_to_a_person = any(
        row["state"] in ("manual", "due") or (row["kind"] == "refund" and row["state"] == "refused")
        for row in operations
    )
    open_statuses = ("selected", "authorized", "captured", "refunded")
    if payment["cancel_requested_at"] and payment["status"] in open_statuses and not left_to_a_person:
        yield "the wish to cancel was not carried out"


def _kept_code(payment: Row) -> Iterator[str]:
    """A code is cash: it is erased as soon as nothing more can be reserved with it."""
    all_charged = payment["amount_captured"] and payment["amount_captured"] >= payment["amount_agreed"]
    if payment["sealed_code"] and (all_charged or payment["status"] in ("cancelled", "failed")):
        yield "its code is kept, though nothing needs it any more"


def _of_order(number: str, total: int, payments: list[Row], operations: Any, books: Books) -> Iterator[str]:
    own = [payment for payment in payments if payment["order_number"] == number]
    paid = sum(
        _cents(payment["amount_captured"]) + _cents(payment["amount_authorized"])
        for payment in own
        if payment["status"] != "cancelled"
    )
    if paid > total:
        yield f"order {number} of {total} cents is paid with {paid}"
    kept = sum(
        _sum(books.charged(operations[payment["id"]])) - _sum(books.refunded(operations[payment["id"]]))
        for payment in own
    )
    if kept > total:
        yield f"order {number} of {total} cents keeps {kept} at the cloud"


def _subset_sums(amounts: list[int]) -> set[int]:
    sums = {0}
    for amount in amounts:
        sums |= {known + amount for known in sums}
    return sums


def _sum(rows: list[Any]) -> int:
    return sum(_cents(row.amount) for row in rows)


def _cents(amount: Any) -> int:
    euros, _, cents = f"{amount:.2f}".partition(".")
    return int(euros) * 100 + int(cents)
