"""What a person must know before more is refunded: requests that wait, refunds made since, and what a page missed."""

from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.approval_story import request_text
from voucher_payment_gateway.admin.story import operation_line
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.gateway.records.order_version import last_operation
from voucher_payment_gateway.models import VoucherApproval, VoucherOperation
from voucher_payment_gateway.models.conditions import BOOKS
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["changes_since", "refunds_meanwhile", "same_return_note"]

MAX_LINES = 20
"""The newest of each kind: a page is for one order, and is to be read."""


def refunds_meanwhile(number: str, request: VoucherApproval | None = None) -> list[StoryLine]:
    """Return a line for each request of the order that waits, but for ``request``, and for each refund made since it,
    or else since the first of them, was asked for; oldest first."""
    waiting = VoucherApproval.current.waiting().filter(order_number=number).order_by("-pk")
    others = list(waiting.exclude(pk=request.pk if request else None)[:MAX_LINES])
    since = min((each.requested_at for each in ([request] if request else others)), default=None)
    if since is None:
        return []
    lines = [
        StoryLine(each.requested_at, request_text(each), "attention", each.requested_by, each.reason)
        for each in others
    ]
    refunds = VoucherOperation.current.of_payments(order_number=number).filter(
        kind__in=GIVES_BACK, created_at__gte=since
    )
    related = refunds.select_related("payment", "idempotency_key").order_by("-pk")
    return sorted([*lines, *map(operation_line, related[:MAX_LINES])], key=lambda line: line.at)


def same_return_note(lines: list[StoryLine]) -> list[str]:
    """Return the sentence that goes with these lines, if there are any."""
    text = _("Something was asked for or refunded already: see that it is not for the same return.")
    return [text] if lines else []


def changes_since(number: str, seen: str) -> list[StoryLine]:
    """Return a line for each operation that books and that the version ``seen`` of the order does not know."""
    operations = VoucherOperation.current.of_payments(order_number=number).filter(BOOKS)
    newer = operations.select_related("payment", "idempotency_key").filter(pk__gt=last_operation(seen))
    return [operation_line(operation) for operation in reversed(newer.order_by("-pk")[:MAX_LINES])]
