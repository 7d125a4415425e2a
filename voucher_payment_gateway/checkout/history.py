"""The story of an order's gift vouchers: one sentence in plain words for each operation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.checkout.summary import is_missing
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import known_number, order_created_at
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.rules.timing import belongs_from

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


@dataclass(frozen=True)
class StoryLine:
    """One operation: the text says what was done or attempted, the state how it ended."""

    text: str
    state: str
    state_text: str
    at: datetime
    is_open: bool


def story_of(order: Any) -> list[StoryLine]:
    """Return a line for each operation on the gift vouchers of ``order``, oldest first."""
    if is_missing(order) or not (number := known_number(order)):
        return []
    operations = VoucherOperation.current.filter(order_number=number).select_related("payment").order_by("pk")
    if created_at := order_created_at(order):
        operations = operations.filter(payment__created_at__gte=belongs_from(created_at))
    return [_line(operation) for operation in operations]


def _line(operation: VoucherOperation) -> StoryLine:
    wording = DONE if operation.state == "succeeded" else TRIED
    words = {
        "amount": amount_text(operation.amount, operation.currency),
        "hint": operation.payment.code_hint if operation.payment else "",
    }
    return StoryLine(
        text=str(wording[operation.kind]) % words,
        state=operation.state,
        state_text=str(STATES[operation.state]),
        at=operation.settled_at or operation.created_at,
        is_open=operation.state in OPEN_STATES,
    )
