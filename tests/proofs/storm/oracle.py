"""The oracle: compares the shop's rows with the cloud's own books at the end of a day, in integer cents.

It shares no code with the package: it reads the shop's rows only. An operation in ``manual`` may have been booked or
not; the booking of every other operation must be exactly what its row says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import Any

from tests.proofs.storm.books import Books, in_cents, sum_of
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LedgerError

__all__ = ["problems"]

Row = dict[str, Any]
NOTHING: Mapping[tuple[str, str], int] = {}
NONE: Set[str] = frozenset()
OPEN = ("due", "sending", "unknown")


def problems(
    cloud,
    vouchers,
    highest_totals,
    *,
    doubled: Mapping[tuple[str, str], int] = NOTHING,
    answered: Set[str] = NONE,
    after_return: str = "stays",
) -> list[str]:
    """Return every difference between the shop's rows and the cloud's books; an empty list is right.

    ``highest_totals``: the highest total that each order had, by its number. ``doubled``: the number of duplicates of
    each request. Nothing on our side can prevent these, so their surplus bookings are left out here; ``reconciled``
    checks that ``reconcile`` reports them. ``answered``: the bookings that a worker received and could record.
    ``after_return``: what the shop does with the total of an order when something of it comes back.
    """
    return list(_problems(cloud, vouchers, highest_totals, Counter(doubled), answered, after_return))


def _problems(
    cloud, vouchers, highest_totals, doubled: Counter[tuple[str, str]], answered: Set[str], after_return: str
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
    for kind, booked_under in (("charge", books.charges), ("recharge", books.recharges)):
        references = {row["reference"] for rows in operations.values() for row in rows if row["kind"] == kind}
        for number in booked_under.keys() - references:
            yield f"the {kind} {number} is booked and not in our rows"
    for payment in payments:
        for problem in _of_payment(payment, operations[payment["id"]], books):
            yield f"payment {payment['id']} of {payment['order_number']} ({payment['status']}): {problem}"
    for number, total in highest_totals.items():
        yield from _of_order(number, in_cents(total), payments, operations, books, after_return)


def _unrecorded_answers(answered: Set[str], operations: dict[int, list[Row]]) -> Iterator[str]:
    """A worker received these bookings and did not crash: they must be in our rows, at least as late answers."""
    rows = [row for of_payment in operations.values() for row in of_payment]
    late = {answer["remote_id"] for row in rows for answer in row["late_answers"]}
    for remote_id in answered - late - {row["remote_id"] for row in rows}:
        yield f"the booking {remote_id} was answered and is nowhere in our rows"


def _of_payment(payment: Row, operations: list[Row], books: Books) -> Iterator[str]:
    charged, given_back = sum_of(books.charged(operations)), books.given_back(operations)
    for kinds, booked, column in (
        (("charge",), charged, "amount_captured"),
        (("refund", "recharge"), given_back, "amount_refunded"),
    ):
        manual = [row for row in operations if row["kind"] in kinds and row["state"] == "manual"]
        undecided = [in_cents(row["amount"]) for row in manual]
        if column == "amount_refunded":
            undecided += _undecided_replacements(payment)
        if booked - in_cents(payment[column]) not in _subset_sums(undecided):
            yield f"{column} is {payment[column]}, booked are {booked} cents"
    if charged > in_cents(payment["amount_agreed"]):
        yield f"agreed to {payment['amount_agreed']}, charged {charged} cents"
    if given_back > charged:
        yield f"charged {charged} cents, and {given_back} went back"
    if payment["status"] == "cancelled" and charged != given_back:
        yield f"cancelled, yet {charged} cents were charged and {given_back} went back"
    for operation in operations:
        yield from _of_operation(operation, books)
    yield from _unfulfilled_cancel_request(payment, operations)
    yield from _code_not_erased(payment)


def _undecided_replacements(payment: Row) -> list[int]:
    """Return what new vouchers in place of refunds are worth whose activation a person has not decided."""
    undecided = VoucherOperation.objects.filter(
        kind="activate", state="manual", sale__replaces_refund__payment=payment["id"]
    )
    return [in_cents(amount) for amount in undecided.values_list("amount", flat=True)]


def _of_operation(operation: Row, books: Books) -> Iterator[str]:
    kind, state = operation["kind"], operation["state"]
    if state in OPEN and operation["voucher_id"] not in books.gone:
        yield f"the {kind} {operation['number']} is still {state} ({operation['error_code']})"
    if kind in ("charge", "recharge"):
        booked_under = books.charges if kind == "charge" else books.recharges
        booked = booked_under.get(operation["reference"], [])
    elif kind == "refund":
        booked = [
            row for row in books.refunds.get(operation["target_id"], ()) if row.id == operation["remote_id"]
        ]
    else:
        return
    cents = in_cents(operation["amount"])
    expected = {"succeeded": {cents}, "manual": {0, cents}}.get(state, {0})
    if sum_of(booked) not in expected:
        yield f"the {kind} {operation['number']} of {cents} cents is {state}, booked are {sum_of(booked)} cents"


def _unfulfilled_cancel_request(payment: Row, operations: list[Row]) -> Iterator[str]:
    left_to_a_person = any(
        row["state"] in ("manual", "due", "unknown")
        or (row["kind"] in ("refund", "recharge") and row["state"] == "refused")
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
        in_cents(payment["amount_captured"])
        + in_cents(payment["amount_authorized"])
        - (in_cents(payment["amount_refunded"]) if after_return == "lowered" else 0)
        for payment in own
        if payment["status"] != "cancelled"
    )
    if paid > total:
        yield f"order {number} of {total} cents is paid with {paid}"
    own_operations = [operations[payment["id"]] for payment in own]
    kept = sum(sum_of(books.charged(rows)) - books.given_back(rows) for rows in own_operations)
    if kept > total:
        yield f"order {number} of {total} cents keeps {kept} at the cloud"


def _subset_sums(amounts: list[int]) -> set[int]:
    sums = {0}
    for amount in amounts:
        sums |= {known + amount for known in sums}
    return sums
