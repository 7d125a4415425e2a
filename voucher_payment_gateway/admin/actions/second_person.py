"""When a refund needs a second person: the rule of ``REFUND_APPROVAL_ABOVE``, and the request for an approval.

Counted is what was refunded of an order by one person alone, and what open requests ask for: a refund that is split in
two is no smaller. The rule is one of the admin; code, events and commands are not limited by it.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voucher_payment_gateway.admin.actions.action import Told
from voucher_payment_gateway.admin.actions.target import Target
from voucher_payment_gateway.admin.approval_story import approval_lines
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_version import confirm_version
from voucher_payment_gateway.gateway.records.refunded_alone import end_abandoned_pages, refunded_alone
from voucher_payment_gateway.models import VoucherApproval
from voucher_payment_gateway.money import ZERO

__all__ = [
    "ASK",
    "limit_below",
    "limit_note",
    "needs_second_person",
    "remaining_limit",
    "request_approval",
    "told_of_request",
]

ASK = gettext_lazy("Ask for the refund")
"""The button of a page that can only ask a second person."""


def remaining_limit(number: str, currency: str) -> Decimal | None:
    """Return how much more of this order one person may refund alone; None where there is no limit."""
    limits = gateway_settings().REFUND_APPROVAL_ABOVE
    if limits is None:
        return None
    waiting = VoucherApproval.current.waiting().filter(order_number=number)
    asked: Decimal = waiting.aggregate(sum=Sum("amount"))["sum"] or ZERO
    return max(limits.get(currency, ZERO) - refunded_alone(number) - asked, ZERO)


def needs_second_person(number: str, currency: str, amount: Decimal) -> bool:
    """Return whether a refund of ``amount`` is for a second person to approve. A page whose process ended before it has
    moved anything counts no more from then on."""
    if gateway_settings().REFUND_APPROVAL_ABOVE is None:
        return False
    end_abandoned_pages(number)
    return limit_below(number, currency, amount) is not None


def limit_below(number: str, currency: str, most: Decimal) -> Decimal | None:
    """Return how much one person may refund alone, where that is less than ``most``; None where it is enough."""
    left = remaining_limit(number, currency)
    return left if left is not None and left < most else None


def limit_note(left: Decimal | None, currency: str) -> list[str]:
    """Return the sentence that says from which amount on a second person is needed, if one may be."""
    if left is None:
        return []
    words = {"amount": amount_text(left, currency), "hours": f"{gateway_settings().REFUND_APPROVAL_HOURS:g}"}
    if not left:
        text = _("A second person must approve it, within %(hours)s hours: nothing is refunded before.")
    else:
        text = _(
            "More than %(amount)s must be approved by a second person, within %(hours)s hours: nothing is refunded "
            "before."
        )
    return [text % words]


def request_approval(
    target: Target, verb: str, amount: Decimal, given: dict[str, Any], user: Any, shown: tuple[str, ...]
) -> list[Told]:
    """Store the request as the confirmation of the page's version, and return what to tell. Raises ConflictError, with
    nothing written, where the order is not what the page has shown any more."""
    now = timezone.now()
    request = VoucherApproval(
        order_number=target.number,
        payment=target.payment,
        verb=verb,
        amount=amount,
        currency=target.currency,
        key=given["key"],
        requester_id=str(user.pk),
        requested_by=user.get_username()[:150],
        reason=given["reason"],
        requested_at=now,
        expires_at=now + timedelta(hours=gateway_settings().REFUND_APPROVAL_HOURS),
    )
    with atomic_or_conflict():
        confirm_version(target.number, given["seen"], *shown, page=given["key"])
        request.save(force_insert=True)
    return told_of_request(request)


def told_of_request(request: VoucherApproval) -> list[Told]:
    """Return what a page tells that has made this request: that it waits, or what became of it."""
    if not request.is_waiting:
        last = list(approval_lines(request))[-1]
        is_unfinished = request.outcome == "approved" and not request.was_dropped
        unfinished = [_("It is not carried out yet.")] if is_unfinished else []
        return [Told.warning(" ".join([last.text, *unfinished]))]
    text = _(
        "Your request is noted, and nothing is done yet: %(amount)s is refunded once a second person approves it, "
        "until %(until)s."
    )
    until = date_format(localtime(request.expires_at), "SHORT_DATETIME_FORMAT")
    return [Told.warning(text % {"amount": amount_text(request.amount, request.currency), "until": until})]
