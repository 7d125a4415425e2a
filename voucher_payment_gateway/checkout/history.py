"""The story of an order's gift vouchers: one sentence in plain words for each step, in the order of time.

A reservation that only replaces another one of the same amount is no step: it changes nothing for the customer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.summary import is_missing
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.gateway.records.archived import as_operations
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.orders import known_number, order_created_at
from voucher_payment_gateway.rules.states import OPEN_STATES

__all__ = ["StoryLine", "story_of"]

DONE = {
    "reserve": _("%(amount)s reserved on gift voucher …%(hint)s"),
    "charge": _("%(amount)s paid with gift voucher …%(hint)s"),
    "refund": _("%(amount)s returned to gift voucher …%(hint)s"),
    "cancel": _("Gift voucher …%(hint)s released"),
    "issue": _("Gift voucher of %(amount)s issued"),
    "activate": _("Gift voucher activated"),
    "deactivate": _("Gift voucher deactivated"),
    "recharge": _("%(amount)s put on gift voucher …%(hint)s"),
}
TRIED = {
    "reserve": _("Reserve %(amount)s on gift voucher …%(hint)s"),
    "charge": _("Pay %(amount)s with gift voucher …%(hint)s"),
    "refund": _("Return %(amount)s to gift voucher …%(hint)s"),
    "cancel": _("Release gift voucher …%(hint)s"),
    "issue": _("Issue a gift voucher of %(amount)s"),
    "activate": _("Activate the gift voucher"),
    "deactivate": _("Deactivate the gift voucher"),
    "recharge": _("Put %(amount)s on gift voucher …%(hint)s"),
}
STATES = {
    "due": _("about to be done"),
    "sending": _("being done"),
    "succeeded": _("done"),
    "refused": _("refused, no money moved"),
    "unknown": _("being checked"),
    "not_applied": _("not carried out, no money moved"),
    "manual": _("being checked by our staff"),
}


ENDED = {
    "expired": _("Gift voucher …%(hint)s is no longer held"),
    "taken_over": _("Gift voucher …%(hint)s was used for another order and is no longer held"),
    "refused": _("Gift voucher …%(hint)s could not be charged"),
}
NOT_RESERVED = _("Gift voucher …%(hint)s could not be reserved again")
"""In place of ``refused`` where the hold had ended and no charge was sent."""
ENDED_TEXT = _("no money moved")


@dataclass(frozen=True)
class StoryLine:
    """One step: the text says what was done or attempted, the state how it ended."""

    text: str
    state: str
    state_text: str
    at: datetime
    is_open: bool


def story_of(order: Any) -> list[StoryLine]:
    """Return a line for each step of the gift vouchers that paid ``order`` or that it sold, oldest first."""
    if is_missing(order) or not (number := known_number(order)):
        return []
    created_at = order_created_at(order)
    payments = VoucherPayment.current.of_order(number, created_at)
    sales = VoucherSale.current.of_order(number, created_at).exclude(origin="topped_up")
    related = VoucherOperation.current.select_related("payment", "sale")
    is_own = Q(payment__in=payments) | Q(sale__in=sales)
    live = list(related.filter(is_own).order_by("pk"))
    operations = [*as_operations(VoucherArchivedOperation.current.filter(is_own)), *live]
    # the last charge of each payment: one whose hold could not be made again was not sent
    was_sent = {each.payment_id: each.attempts > 0 for each in operations if each.kind == "charge"}
    ended = payments.filter(ended_at__isnull=False).exclude(status="cancelled")
    endings = [_ended_line(payment, was_charged=was_sent.get(payment.pk, False)) for payment in ended]
    return sorted([*map(_line, _steps(operations)), *endings], key=lambda line: line.at)


def _steps(operations: Iterable[VoucherOperation]) -> Iterator[VoucherOperation]:
    """Leave out what changed nothing for the customer: reservations that were made again for the same amount, and a
    charge in whose place another one was made, since the order was changed before it was sent."""
    reserved: dict[int | None, Decimal] = {}
    for operation in operations:
        if operation.kind == "reserve":
            is_replacement = (
                bool(operation.target_id) or reserved.get(operation.payment_id) == operation.amount
            )
            reserved[operation.payment_id] = operation.amount
            if is_replacement:
                continue
        if operation.error_code != "order_changed":
            yield operation


def _ended_line(payment: VoucherPayment, *, was_charged: bool) -> StoryLine:
    is_unreserved = payment.end_reason == "refused" and not was_charged
    words = NOT_RESERVED if is_unreserved else ENDED[payment.end_reason]
    text = str(words) % {"hint": payment.code_hint}
    at = payment.ended_at or payment.updated_at
    return StoryLine(text, payment.status, str(ENDED_TEXT), at, is_open=False)


def _line(operation: VoucherOperation) -> StoryLine:
    wording = DONE if operation.state == "succeeded" else TRIED
    words = {
        "amount": amount_text(operation.amount, operation.currency),
        "hint": operation.subject.code_hint,
    }
    return StoryLine(
        text=str(wording[operation.kind]) % words,
        state=operation.state,
        state_text=str(STATES[operation.state]),
        at=operation.settled_at or operation.created_at,
        is_open=operation.state in OPEN_STATES,
    )
