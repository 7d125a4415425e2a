"""The story of an order's gift vouchers for the staff: a sentence for each step, with who, when, why and the ids.

The facts are those of the customer's story (``checkout.history``); nothing is left out, but renewals of a reservation
that follow one another are one step.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from voucher_payment_gateway.admin.approval_story import approval_lines
from voucher_payment_gateway.admin.order_records import OrderRecords
from voucher_payment_gateway.admin.sale_story import sale_lines
from voucher_payment_gateway.admin.sentences import DIFFERENCES, DONE, ENDED, OUTCOMES, TRIED, voucher_name
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.states import OPEN_STATES

__all__ = ["StoryLine", "operation_line", "operation_text", "story_lines", "unpaid_text"]


def story_lines(records: OrderRecords) -> list[StoryLine]:
    """Return a line for each step of the order's payments and sales, and for each difference, oldest first."""
    steps = list(_steps(records.operations))
    used = {step.rows[-1].payment_id for step in steps}
    lines = [operation_line(step.rows[-1], renewals=len(step.rows) - 1) for step in steps]
    for payment in records.payments:
        lines += _payment_lines(payment, has_operations=payment.pk in used)
    for sale in records.sales:
        lines += sale_lines(sale)
    for difference in records.differences:
        lines += _difference_lines(difference)
    for approval in records.approvals:
        lines += approval_lines(approval)
    lines += _archive_lines(records.operations)
    return sorted(lines, key=lambda line: line.at)


@dataclass
class _Step:
    """One operation, or a reservation with the renewals that followed it."""

    rows: list[VoucherOperation] = field(default_factory=list)


def _steps(operations: Iterable[VoucherOperation]) -> Iterator[_Step]:
    """Yield the steps; renewals of the same amount, with nothing of the payment in between, are one."""
    last: dict[int, _Step] = {}
    for operation in operations:
        before = last.get(operation.payment_id or 0)
        if before is not None and _is_renewal(before, operation):
            before.rows.append(operation)
            continue
        step = _Step([operation])
        if operation.payment_id:
            last[operation.payment_id] = step
        yield step


def _is_renewal(before: _Step, operation: VoucherOperation) -> bool:
    first = before.rows[0]
    is_reservation = (
        operation.kind == first.kind == "reserve" and operation.state == first.state == "succeeded"
    )
    return is_reservation and (operation.amount, operation.actor) == (first.amount, first.actor)


def operation_text(operation: VoucherOperation) -> str:
    """Return the sentence that says what was done or attempted, with its amount and outcome."""
    state = operation.state
    key = "unverified" if operation.is_unverified else state
    key = operation.error_code if state == "not_applied" and operation.error_code in OUTCOMES else key
    words = {
        "amount": amount_text(operation.amount, operation.currency),
        "voucher": voucher_name(operation.subject),
        "outcome": OUTCOMES.get(key, ""),
    }
    return str((DONE if state == "succeeded" else TRIED)[operation.kind]) % words


def operation_line(operation: VoucherOperation, renewals: int = 0) -> StoryLine:
    """Return the line of an operation, with its number, ids and key."""
    text = operation_text(operation)
    if renewals:
        renewed = ngettext("It was renewed once.", "It was renewed %(count)s times.", renewals)
        text = f"{text} {renewed % {'count': renewals}}"
    if operation.concluded_by:
        decided = _("Decided by %(who)s: %(why)s") % {
            "who": operation.concluded_by,
            "why": operation.conclusion,
        }
        text = f"{text} {decided}"
    return StoryLine(
        at=operation.settled_at or operation.sending_at or operation.created_at,
        text=text,
        tone=_tone(operation.state),
        actor=operation.actor,
        reason=operation.reason,
        facts=_facts(operation),
        anchor=f"operation-{operation.pk}",
    )


def _tone(state: str) -> str:
    if state in OPEN_STATES:
        return "open"
    return {"succeeded": "done", "manual": "attention", "refused": "refused"}.get(state, "none")


def _facts(operation: VoucherOperation) -> list[tuple[str, str]]:
    remote = _("reservation id") if operation.kind == "reserve" else _("remote id")
    key = operation.idempotency_key
    facts = [
        (_("operation"), str(operation.pk)),
        (remote, operation.remote_id),
        (_("acts on"), operation.target_id),
        (_("order number sent"), operation.reference),
        (_("attempts"), str(operation.attempts) if operation.attempts > 1 else ""),
        (_("error code"), operation.error_code),
        (_("idempotency key"), key.key if key else ""),
    ]
    return [(label, value) for label, value in facts if value]


def _archive_lines(operations: Iterable[VoucherOperation]) -> Iterator[StoryLine]:
    """Yield a line for each move of operations into the archive."""
    moves = {each.archived_order.pk: each.archived_order for each in operations if each.is_archived}
    text = _(
        "These steps were moved to the archive: the money of this order cannot go back to its gift vouchers any more."
    )
    for move in moves.values():
        yield StoryLine(move.archived_at, text, actor=move.archived_by)


def _payment_lines(payment: VoucherPayment, *, has_operations: bool) -> Iterator[StoryLine]:
    words: dict[str, Any] = {
        "voucher": voucher_name(payment),
        "amount": amount_text(payment.amount_agreed, payment.currency),
    }
    if not has_operations:
        yield StoryLine(payment.created_at, _("Gift voucher %(voucher)s was entered.") % words)
    if payment.confirmed_at:
        text = _("The order was confirmed: %(amount)s agreed with gift voucher %(voucher)s.")
        yield StoryLine(payment.confirmed_at, text % words)
    if payment.cancel_requested_at:
        is_done = payment.status == "cancelled"
        text = _("Gift voucher %(voucher)s was taken off the order.") if is_done else _(
            "It was asked to take gift voucher %(voucher)s off the order; that is not done yet."
        )  # fmt: skip
        yield StoryLine(payment.cancel_requested_at, text % words, "none" if is_done else "open")
    if payment.ended_at and payment.status != "cancelled" and payment.end_reason in ENDED:
        tone = "attention" if payment.confirmed_at else "none"
        yield StoryLine(payment.ended_at, str(ENDED[payment.end_reason]) % words, tone)


def unpaid_text(payment: VoucherPayment) -> str:
    """Return the sentence that says what was agreed with a confirmed payment and is not paid."""
    text = _("%(amount)s agreed with gift voucher %(voucher)s is not paid (%(status)s).")
    amount = amount_text(payment.amount_chargeable, payment.currency)
    return text % {
        "amount": amount,
        "voucher": voucher_name(payment),
        "status": payment.get_status_display(),
    }


def _difference_lines(difference: VoucherDifference) -> Iterator[StoryLine]:
    text = str(DIFFERENCES[difference.kind]) % {"voucher": voucher_name(difference)}
    tone = "attention" if difference.is_open else "none"
    facts = [(_("remote id"), difference.remote_id), (_("order number there"), difference.reference)]
    shown = [(label, value) for label, value in facts if value and not difference.kind.startswith("order_")]
    yield StoryLine(difference.first_seen_at, text, tone, facts=shown)
    if difference.explained_at:
        yield StoryLine(
            difference.explained_at,
            _("Explained: %(text)s") % {"text": _last_explanation(difference)},
            actor=difference.explained_by,
        )
    elif difference.gone_at:
        yield StoryLine(difference.gone_at, _("That difference is gone."))


def _last_explanation(difference: VoucherDifference) -> str:
    """Return the last explanation, without the instant and the name in front of it."""
    return difference.explanation.rpartition(f" {difference.explained_by}: ")[2].strip()
