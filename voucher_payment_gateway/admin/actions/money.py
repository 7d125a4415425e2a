"""What capture, refund and cancel have in common: the verbs of the gateway behind a page that moves money once.

A page has a key, made when it is shown, and the version of the order that it has shown. The key makes the verb
idempotent: a double click, a second tab of the page or the back button move nothing again. The version is confirmed
before: of two clerks with a page each, the second one is told what changed, and confirms again.
"""

import secrets
from abc import abstractmethod
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.actions.action import Action, ActionForm, Preview, Told
from voucher_payment_gateway.admin.actions.meanwhile import (
    changes_since,
    refunds_meanwhile,
    same_return_note,
)
from voucher_payment_gateway.admin.actions.outcome import outcome_of
from voucher_payment_gateway.admin.actions.second_person import (
    needs_second_person,
    request_approval,
    told_of_request,
)
from voucher_payment_gateway.admin.actions.target import Target, of_order, of_payment
from voucher_payment_gateway.admin.addresses import order_address
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.order_version import (
    confirm_version,
    discard_amount,
    order_version,
    verb_key,
    was_confirmed,
)
from voucher_payment_gateway.models import VoucherApproval, VoucherIdempotencyKey

__all__ = ["KEY_PATTERN", "MoneyAction", "MoneyForm"]

KEY_PATTERN = r"^[0-9a-f]{32}$"

MORE_THAN_STATED = _(
    "By now more money would move than was stated. Nothing was done: open the page again, and read what is stated now."
)


class MoneyForm(ActionForm):
    """Why; ``key`` is that of the page, ``seen`` the version of the order that it has shown."""

    key = forms.RegexField(KEY_PATTERN, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=100, widget=forms.HiddenInput)


class MoneyAction(Action):
    """An action on an order's payments, or on a single payment. One that ``gives_back`` shows what was asked for or
    refunded already."""

    verb: ClassVar[str]
    gives_back: ClassVar[bool] = False
    form: ClassVar[type[ActionForm]] = MoneyForm

    def __init__(self) -> None:
        self.routes = {  # type: ignore[misc]
            f"order_{self.slug}": f"order/{self.slug}/",
            f"voucherpayment_{self.slug}": f"<int:pk>/{self.slug}/",
        }

    def find(self, request: Any, pk: int | None) -> Target | None:
        return of_order(request.GET.get("number", "")) if pk is None else of_payment(pk)

    def back(self, site: Any, subject: Target) -> str:
        return order_address(site, subject.number)

    def heading(self, subject: Target) -> Any:
        return _("%(action)s, order %(number)s") % {"action": self.title, "number": subject.number}

    def initial(self, subject: Target, preview: Preview) -> dict[str, Any]:
        return {"key": secrets.token_hex(16), "seen": preview.seen}

    def preview(self, subject: Target) -> Preview:
        try:
            planned: Preview = self.planned(subject)
            lines = refunds_meanwhile(subject.number) if self.gives_back else []
            seen = order_version(subject.number, *shown(planned))
            return replace(planned, seen=seen, lines=lines, notes=[*planned.notes, *same_return_note(lines)])
        except (VoucherGatewayError, ImproperlyConfigured) as error:
            return Preview("", problem=str(error))

    @abstractmethod
    def planned(self, subject: Target) -> Preview:
        """Return what the verb would do. Raises what the verb would raise before anything is sent."""

    @abstractmethod
    def move(self, subject: Target, given: dict[str, Any], most: Decimal, **call: str) -> object:
        """Call the verb, which moves ``most`` or less, with its key, actor and reason."""

    def confirm(self, subject: Target, preview: Any, given: dict[str, Any], user: Any) -> list[Told]:
        most = self.stated(preview, given)
        amount = most if self.gives_back and most else None
        if amount and needs_second_person(subject.number, subject.currency, amount):
            return request_approval(subject, self.verb, amount, given, user, shown(preview))
        page = confirm_version(
            subject.number, given["seen"], *shown(preview), page=given["key"], amount=amount
        )
        told = self.carried_out(subject, given, most, user.get_username())
        if amount and not self.was_written(subject, verb_key(given["key"])):
            discard_amount(page)  # it came to nothing, so its amount does not count
        return told

    def stated(self, preview: Preview, given: dict[str, Any]) -> Decimal:
        """Return what moves at most, by what the page has stated and was given."""
        return preview.most

    def carried_out(self, subject: Target, given: dict[str, Any], most: Decimal, actor: str) -> list[Told]:
        """Call the verb, and return what became of it: nothing, where it would move more than ``most`` by now."""
        key, error = verb_key(given["key"]), None
        try:
            self.move(subject, given, most, key=key, actor=actor, reason=given["reason"])
        except VoucherGatewayError as raised:
            if raised.code == "more_than_allowed":
                return [Told.error(MORE_THAN_STATED)]
            error = raised
        return outcome_of(subject.number, self.verb, key, error)

    def was_written(self, subject: Target, key: str) -> bool:
        """Return whether a call of the verb with this key has written anything."""
        rows = VoucherIdempotencyKey.current.filter(order_number=subject.number, verb=self.verb, key=key)
        return bool(rows.exists())

    def repeated(self, subject: Target, posted: Any) -> list[Told] | None:
        key = posted.get("key", "")
        if not was_confirmed(subject.number, key):
            return None
        is_written = self.was_written(subject, verb_key(key))
        if is_written and (told := outcome_of(subject.number, self.verb, verb_key(key))):
            return told
        request = VoucherApproval.current.with_call().filter(order_number=subject.number, key=key).first()
        if request is not None:
            return told_of_request(request)
        return [
            Told.warning(_("This page was confirmed before: look at the order before you open it again."))
        ]

    def changes_since(self, subject: Target, seen: str) -> list[StoryLine]:
        return changes_since(subject.number, seen)


def shown(preview: Preview) -> tuple[str, ...]:
    """Return what the version of a page rests on beside the records: the steps, with their amounts."""
    return tuple(str(step) for step in preview.steps)
