"""The oracle: compares the shop's rows with the remote's own books at the end of a day, in integer cents.

It shares no code with the package or with the client. In the books, each of our bookings names the operation that
made it; the client never sees that.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Judgement", "judge"]

OPEN = ("due", "sending", "unknown")


@dataclass
class Judgement:
    """The problems found. ``reported`` counts double bookings with a requested review, ``silent`` those without."""

    problems: list[str] = field(default_factory=list)
    wrong_cents: int = 0
    stuck: int = 0
    reported: int = 0
    silent: int = 0
    foreign: int = 0
    """Refunds by a clerk that were taken for ours in flight. If ours was never booked, the customer got the money once;
    otherwise the clerk's is a second refund, which our calls did not make."""


def judge(vouchers: Any, payments: Any, operations: Any) -> Judgement:
    """Compare the books with the shop's rows, to the cent."""
    judgement = Judgement()
    booked: dict[int, list[Any]] = defaultdict(list)
    by_id: dict[str, Any] = {}
    for voucher in vouchers:
        for row in voucher.rows:
            by_id[row.id] = row
            if row.by is not None:
                booked[row.by].append(row)
    of_payment: dict[int, list[Any]] = defaultdict(list)
    for operation in operations:
        of_payment[operation.payment_pk].append(operation)
        _judge_operation(judgement, operation, booked[operation.pk])
    for payment in payments:
        _judge_payment(judgement, payment, of_payment[payment.pk], booked, by_id)
    _judge_vouchers(judgement, vouchers)
    return judgement


def _judge_operation(judgement: Judgement, operation: Any, rows: list[Any]) -> None:
    if operation.state in OPEN:
        judgement.stuck += 1
        judgement.problems.append(f"{_name(operation)} is still {operation.state}")
    if len(rows) > 1:
        reported = operation.reviewed or operation.state == "manual"
        judgement.reported += reported
        judgement.silent += not reported
        how = "a review was requested" if reported else "no review was requested"
        judgement.problems.append(f"{_name(operation)} was booked {len(rows)} times, {how}")


def _judge_payment(
    judgement: Judgement, payment: Any, operations: list[Any], booked: Any, by_id: dict[str, Any]
) -> None:
    remote = sum(_signed(row) for operation in operations for row in booked[operation.pk])
    for operation in operations:
        if operation.kind == "refund" and _is_foreign(operation, by_id):
            judgement.foreign += 1
            remote -= 0 if booked[operation.pk] else _cents(operation.amount)
    undecided = [_signed(op) for op in operations if op.state == "manual" and op.kind in ("charge", "refund")]
    differences = {remote - _cents(payment.captured) + _cents(payment.refunded)}
    for cents in undecided:
        differences |= {difference - cents for difference in differences}
    off = min(differences, key=abs)
    if off:
        judgement.wrong_cents += abs(off)
        judgement.problems.append(f"payment {payment.pk} ({payment.status}) is off by {off} cents")
    if payment.status == "cancelled" and payment.captured != payment.refunded:
        judgement.wrong_cents += _cents(payment.captured - payment.refunded)
        judgement.problems.append(f"payment {payment.pk} is cancelled, but not all went back")
    if payment.cancel_requested_at and payment.status in ("authorized", "lapsed", "captured", "refunded"):
        needs_a_person = any(
            op.state == "manual" or (op.kind == "refund" and op.state == "refused") for op in operations
        )
        if not needs_a_person and not any(op.state in OPEN for op in operations):
            judgement.stuck += 1
            judgement.problems.append(f"payment {payment.pk}: the request to cancel was not carried out")


def _judge_vouchers(judgement: Judgement, vouchers: Any) -> None:
    for voucher in vouchers:
        if voucher.balance < 0:
            judgement.problems.append(f"the model is wrong: {voucher.id} holds {voucher.balance} cents")
            judgement.wrong_cents -= voucher.balance


def _is_foreign(operation: Any, by_id: dict[str, Any]) -> bool:
    row = by_id.get(operation.remote_id)
    theirs = operation.state == "succeeded" and row is not None and row.by is None
    return theirs and row.booked_at >= operation.began


def _signed(row: Any) -> int:
    """Return the cents that a charge (positive) or refund (negative) moved to the shop."""
    kind = getattr(row, "type", "") or row.kind
    cents: int = row.cents if hasattr(row, "cents") else _cents(row.amount)
    return cents if kind == "charge" else -cents


def _name(operation: Any) -> str:
    return f"the {operation.kind} {operation.pk} of {operation.amount} ({operation.state})"


def _cents(amount: Any) -> int:
    euros, _, cents = f"{amount:.2f}".partition(".")
    sign = -1 if euros.startswith("-") else 1
    return int(euros) * 100 + sign * int(cents)
