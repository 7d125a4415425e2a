"""What happened to a refund that a second person has to approve: asked for, approved or rejected, or too late."""

from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherApproval

__all__ = ["approval_lines", "end_of", "request_text"]


def approval_lines(approval: VoucherApproval) -> Iterator[StoryLine]:
    """Yield the lines of one request, which was read ``with_call``."""
    tone = "attention" if approval.is_waiting else "none"
    yield StoryLine(
        approval.requested_at, request_text(approval), tone, approval.requested_by, approval.reason
    )
    words = {"amount": amount_text(approval.amount, approval.currency)}
    if approval.decided_at:
        if approval.is_withdrawn:
            text, tone = _("The request to refund %(amount)s was withdrawn: nothing was refunded."), "none"
        elif approval.outcome == "approved":
            text, tone = _("The refund of %(amount)s was approved."), "done"
        else:
            text, tone = _("The refund of %(amount)s was rejected: nothing was refunded."), "refused"
        yield StoryLine(approval.decided_at, text % words, tone, approval.decided_by, approval.conclusion)
        if approval.was_dropped:
            text = _(
                "The refund of %(amount)s was approved and not carried out in time: nothing was refunded."
            )
            yield StoryLine(approval.expires_at, text % words, "attention")
    elif approval.expires_at <= timezone.now():
        text = _("The refund of %(amount)s was not approved in time: nothing was refunded.")
        yield StoryLine(approval.expires_at, text % words)


def end_of(approval: VoucherApproval) -> str:
    """Return in a few words what became of a request, which was read ``with_call``."""
    if approval.is_withdrawn:
        return _("withdrawn")
    if approval.outcome == "open" and not approval.is_waiting:
        return _("not approved in time")
    if approval.was_dropped:
        return _("approved, not carried out in time")
    return str(approval.get_outcome_display())


def request_text(approval: VoucherApproval) -> str:
    """Return the sentence that says what was asked for, and until when it may be approved."""
    text = _("A refund of %(amount)s was asked for: a second person may approve it until %(until)s.")
    until = date_format(localtime(approval.expires_at), "SHORT_DATETIME_FORMAT")
    return text % {"amount": amount_text(approval.amount, approval.currency), "until": until}
