"""Approve or reject a refund that another person asked for. Approved, it runs once, with the key of the request."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import router
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.action import (
    Action,
    ActionForm,
    ChoiceForm,
    Choices,
    Preview,
    Told,
)
from voucher_payment_gateway.admin.actions.cancel import Cancel
from voucher_payment_gateway.admin.actions.meanwhile import (
    changes_since,
    refunds_meanwhile,
    same_return_note,
)
from voucher_payment_gateway.admin.actions.money import MoneyAction
from voucher_payment_gateway.admin.actions.refund import Refund
from voucher_payment_gateway.admin.actions.target import Target, of_order, of_payment
from voucher_payment_gateway.admin.addresses import order_address
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_version import confirm_version, order_version, verb_key
from voucher_payment_gateway.models import VoucherApproval, VoucherIdempotencyKey

__all__ = ["APPROVE", "Approve"]

OF_VERB: dict[str, MoneyAction] = {action.verb: action for action in (Refund(), Cancel())}


class ApprovalForm(ChoiceForm):
    """Approved or rejected, and why; ``seen`` is the version of order and request that the page has shown."""

    question: ClassVar[Any] = _("Your decision")
    seen = forms.CharField(max_length=100, widget=forms.HiddenInput)


class Approve(Action):
    """Decides a request; never by the person who made it, whatever permissions that one has."""

    slug = "approve"
    permission = "approve_voucherapproval"
    title: ClassVar[Any] = _("Approve or reject a refund")
    button: ClassVar[Any] = _("Record the decision")
    routes: ClassVar[dict[str, str]] = {"approve": "approval/<int:pk>/"}
    form: ClassVar[type[ActionForm]] = ApprovalForm

    def may_see(self, user: Any, subject: VoucherApproval) -> bool:
        return super().may_see(user, subject) and str(user.pk) != subject.requester_id

    def may_decide(self, user: Any, subject: VoucherApproval) -> bool:
        """Return whether this user gets a link to the page of one of the requests ``to_decide``."""
        return self.is_allowed(user) and self.may_see(user, subject)

    def find(self, request: Any, pk: int | None) -> VoucherApproval | None:
        found: VoucherApproval | None = (
            VoucherApproval.current.select_related("payment").filter(pk=pk).first()
        )
        return found

    def is_possible(self, subject: VoucherApproval) -> bool:
        return subject.is_waiting or _is_unfinished(subject)

    def heading(self, subject: VoucherApproval) -> Any:
        return _("Approve or reject the refund of %(amount)s") % {
            "amount": amount_text(subject.amount, subject.currency)
        }

    def back(self, site: Any, subject: VoucherApproval) -> str:
        return order_address(site, subject.order_number)

    def initial(self, subject: VoucherApproval, preview: Preview) -> dict[str, Any]:
        return {"seen": preview.seen}

    def changes_since(self, subject: VoucherApproval, seen: str) -> list[StoryLine]:
        return changes_since(subject.order_number, seen)

    def preview(self, subject: VoucherApproval) -> Choices:
        words = {
            "amount": amount_text(subject.amount, subject.currency),
            "number": subject.order_number,
            "who": subject.requested_by,
        }
        sentence = _("%(who)s asks to refund %(amount)s of order %(number)s.")
        if subject.verb == "cancel":
            sentence = _(
                "%(who)s asks to take the gift vouchers off order %(number)s, by which %(amount)s is refunded."
            )
        facts = [
            (_("reason"), subject.reason),
            (_("gift voucher"), voucher_name(subject.payment) if subject.payment else ""),
            (_("asked at"), date_format(localtime(subject.requested_at), "SHORT_DATETIME_FORMAT")),
            (_("expires at"), date_format(localtime(subject.expires_at), "SHORT_DATETIME_FORMAT")),
        ]
        steps, problem = _now(subject)
        lines = refunds_meanwhile(subject.order_number, subject)
        reject = [("rejected", _("Reject it: nothing is refunded."))] if subject.outcome == "open" else []
        approve = [] if problem else [("approved", _("Approve it: %(amount)s is refunded now.") % words)]
        return Choices(
            sentence % words,
            steps,
            [(label, value) for label, value in facts if value],
            [*([problem] if problem else []), *same_return_note(lines)],
            seen=order_version(subject.order_number, *_shown(subject, steps)),
            lines=lines,
            decisions=approve + reject,
        )

    def confirm(
        self, subject: VoucherApproval, preview: Preview, given: dict[str, Any], user: Any
    ) -> list[Told]:
        with atomic_or_conflict():
            page = f"approval:{subject.pk}:{given['seen']}"
            confirm_version(subject.order_number, given["seen"], *_shown(subject, preview.steps), page=page)
            if subject.outcome == "open":
                _decide(subject, given["decision"], user.get_username(), given["reason"])
            else:
                _resume(subject)
        if given["decision"] == "rejected":
            return [Told.success(_("The request is rejected; nothing is refunded."))]
        target = _target(subject)
        if target is None:
            raise ConflictError
        call = {"key": subject.key, "reason": subject.reason}
        told = OF_VERB[subject.verb].carried_out(target, call, subject.amount, subject.requested_by)
        if not _was_written(subject):
            _reopen(subject)
        return told


APPROVE = Approve()

REQUESTER_GONE = _(
    "%(who)s may not refund any more, or has no account any more: reject it. Who may refund can ask for it again."
)


def _shown(subject: VoucherApproval, steps: list[Any]) -> tuple[str, ...]:
    """Return what the version of the page rests on beside the records of the order: the request, and the steps."""
    return (f"{subject.pk} {subject.outcome} {subject.decided_at}", *map(str, steps))


def _target(subject: VoucherApproval) -> Target | None:
    return of_payment(subject.payment.pk) if subject.payment is not None else of_order(subject.order_number)


def _now(subject: VoucherApproval) -> tuple[list[Any], str]:
    """Return what would happen now, voucher by voucher, and why it cannot be approved any more, if that is so."""
    target = _target(subject)
    if target is None:
        return [], str(_("The shop has no order with this number."))
    if not _requester_may_still(subject):
        words = {"who": subject.requested_by}
        return [], str(REQUESTER_GONE) % words
    try:
        planned = OF_VERB[subject.verb].planned(target)
    except (VoucherGatewayError, ImproperlyConfigured) as error:
        return [], str(error)
    if planned.problem:
        return [], planned.problem
    if _still_fits(subject, planned):
        return planned.steps, ""
    return planned.steps, str(
        _("The amounts have changed since it was asked for: reject it, and have it asked for again.")
    )


def _requester_may_still(subject: VoucherApproval) -> bool:
    """Return whether who asked may still do what was asked for: it is done in their name."""
    users: Any = get_user_model()
    try:
        requester = users._base_manager.using(router.db_for_write(users)).get(pk=subject.requester_id)
    except (users.DoesNotExist, ValidationError, ValueError):  # or the shop has another user model by now
        return False
    return bool(requester.is_active and OF_VERB[subject.verb].is_allowed(requester))


def _still_fits(subject: VoucherApproval, planned: Any) -> bool:
    """Return whether the amount may still be refunded; of a cancel, whether it refunds exactly that, as far as
    it is known."""
    if subject.verb == "cancel":
        return bool(planned.most == subject.amount)
    return bool(planned.most >= subject.amount)


def _decide(subject: VoucherApproval, decision: str, who: str, why: str) -> None:
    """Record the decision; raise ConflictError where another person was first, or its time is over."""
    now = timezone.now()
    fields = {"outcome": decision, "decided_by": who[:150], "decided_at": now, "conclusion": why}
    if VoucherApproval.current.waiting(now).filter(pk=subject.pk).update(**fields) != 1:
        raise ConflictError
    subject.decided_at = now


def _resume(subject: VoucherApproval) -> None:
    """Resume an approved request that was not carried out; raise ConflictError where another person was first, it was
    decided otherwise meanwhile, or its time is over."""
    now = timezone.now()
    as_read = VoucherApproval.current.to_decide(now).filter(pk=subject.pk, outcome="approved")
    if as_read.filter(decided_at=subject.decided_at).update(decided_at=now) != 1:
        raise ConflictError
    subject.decided_at = now


def _reopen(subject: VoucherApproval) -> None:
    """Let an approved request wait again: the refund was refused before anything was written. Not where another person
    has resumed it since, who may be refunding it."""
    as_resumed = {"outcome": "approved", "decided_at": subject.decided_at}
    approved = VoucherApproval.current.filter(pk=subject.pk, **as_resumed)
    approved.update(outcome="open", decided_by="", decided_at=None, conclusion="")


def _was_written(subject: VoucherApproval) -> bool:
    call = {"order_number": subject.order_number, "verb": subject.verb, "key": verb_key(subject.key)}
    return bool(VoucherIdempotencyKey.current.filter(**call).exists())


def _is_unfinished(subject: VoucherApproval) -> bool:
    """Return whether it was approved, and the process ended before the refund was written: within its time it may be
    done again."""
    is_in_time = subject.expires_at > timezone.now()
    return subject.outcome == "approved" and is_in_time and not _was_written(subject)
