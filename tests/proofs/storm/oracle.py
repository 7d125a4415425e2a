"""The oracle: compares the shop's rows with the cloud's own books at the end of a day, in integer cents.

It shares no code with the package: it reads the shop's rows only. An operation in ``manual`` may have been booked or
not; the booking of every other operation must be exactly what its row says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Any

from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, LedgerError

__all__ = ["problems"]

Row = dict[str, Any]
NOTHING: Mapping[tuple[str, str], int] = {}
BY_REFUNDS_ONLY: Mapping[int, int] = {}
NONE: Set[str] = frozenset()


def problems(
    cloud,
    vouchers,
    highest_totals,
    *,
    doubled: Mapping[tuple[str, str], int] = NOTHING,
    answered: Set[str] = NONE,
    after_return: str = "stays",
    otherwise: Mapping[int, int] = BY_REFUNDS_ONLY,
) -> list[str]:
    """Return every difference between the shop's rows and the cloud's books; an empty list is right.

    ``highest_totals``: the highest total that each order had, by its number. ``doubled``: the number of duplicates of
    each request. Nothing on our side can prevent these, so their surplus bookings are left out here; ``reconciled``
    checks that ``reconcile`` reports them. ``answered``: the bookings that a worker received and could record.
    ``after_return``: what the shop does with the total of an order when something of it comes back. ``otherwise``: the
    cents of each payment, by its id, that went back without a refund.
    """
    given = (highest_totals, Counter(doubled), answered, after_return, otherwise)
    return list(_problems(cloud, vouchers, *given))


def _problems(
    cloud,
    vouchers,
    highest_totals,
    doubled: Counter[tuple[str, str]],
    answered: Set[str],
    after_return: str,
    otherwise: Mapping[int, int],
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
    yield from _unrecorded_answers(answered & books.ids, operations)
    payments = list(VoucherPayment.objects.values())
    references = {row["reference"] for rows in operations.values() for row in rows if row["kind"] == "charge"}
    for number in books.charges.keys() - references:
        yield f"the charge {number} is booked and not in our rows"
    for payment in payments:
        back_otherwise = otherwise.get(payment["id"], 0)
        for problem in _of_payment(payment, operations[payment["id"]], books, back_otherwise):
            yield f"payment {payment['id']} of {payment['order_number']} ({payment['status']}): {problem}"
    for number, total in highest_totals.items():
        yield from _of_order(number, _cents(total), payments, operations, books, after_return)


class Books:
    """Our bookings at the cloud: charges by their order number, refunds by their charge."""

    def __init__(self, cloud, vouchers, known: set[str], doubled: Counter[tuple[str, str]]) -> None:
        """``known``: the ids in our rows. ``doubled``: the number of duplicates of each request."""
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
            elif row.type == "refund":
                self.refunds[row.charge_id].append(row)

    def charged(self, operations: list[Row]) -> list[Any]:
        """Return the charges booked under the numbers of these operations."""
        numbers = {row["reference"] for row in operations if row["kind"] == "charge"}
        return [row for number in numbers for row in self.charges.get(number, ())]

    def refunded(self, operations: list[Row]) -> list[Any]:
        """Return our refunds of what these operations charged."""
        return [row for charge in self.charged(operations) for row in self.refunds.get(charge.id, ())]


def _unrecorded_answers(answered: Set[str], operations: dict[int, list[Row]]) -> Iterator[str]:
    """A worker received these bookings and did not crash: they must be in our rows, at least as late answers."""
    rows = [row for of_payment in operations.values() for row in of_payment]
    late = {answer["remote_id"] for row in rows for answer in row["late_answers"]}
    for remote_id in answered - late - {row["remote_id"] for row in rows}:
        yield f"the booking {remote_id} was answered and is nowhere in our rows"


def _of_payment(payment: Row, operations: list[Row], books: Books, back_otherwise: int) -> Iterator[str]:
    charged = _sum(books.charged(operations))
    refunded = _sum(books.refunded(operations)) + back_otherwise
    for kind, booked, column in (
        ("charge", charged, "amount_captured"),
        ("refund", refunded, "amount_refunded"),
    ):
        difference = booked - _cents(payment[column])
        undecided = [
            _cents(row["amount"]) for row in operations if row["kind"] == kind and row["state"] == "manual"
        ]
        if difference not in _subset_sums(undecided):
            yield f"{column} is {payment[column]}, booked are {booked} cents"
    if charged > _cents(payment["amount_agreed"]):
        yield f"agreed to {payment['amount_agreed']}, charged {charged} cents"
    if payment["status"] == "cancelled" and charged != refunded:
        yield f"cancelled, yet {charged} cents were charged and {refunded} went back"
    for operation in operations:
        yield from _of_operation(operation, books)
    yield from _unfulfilled_cancel_request(payment, operations)
    yield from _code_not_erased(payment)


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


def _unfulfilled_cancel_request(payment: Row, operations: list[Row]) -> Iterator[str]:
    left_to_a_person = any(
        row["state"] in ("manual", "due") or (row["kind"] == "refund" and row["state"] == "refused")
        for row in operations
    )
    open_statuses = ("selected", "authorized", "captured", "refunded")
    if payment["cancel_requested_at"] and payment["status"] in open_statuses and not left_to_a_person:
        yield "the cancel request was not carried out"


def _code_not_erased(payment: Row) -> Iterator[str]:
    """A code is worth its balance: it is erased as soon as nothing more can be reserved with it."""
    all_charged = payment["amount_captured"] and payment["amount_captured"] >= payment["amount_agreed"]
    if payment["sealed_code"] and (all_charged or payment["status"] in ("cancelled", "failed")):
        yield "its code is kept, though nothing needs it any more"


def _of_order(
    number: str, total: int, payments: list[Row], operations: Any, books: Books, after_return: str
) -> Iterator[str]:
    own = [payment for payment in payments if payment["order_number"] == number]
    paid = sum(
        _cents(payment["amount_captured"])
        + _cents(payment["amount_authorized"])
        - (_cents(payment["amount_refunded"]) if after_return == "lowered" else 0)
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
