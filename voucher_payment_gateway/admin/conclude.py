"""The page on which a person decides an operation in ``manual``: the fitting bookings are read, one is chosen or none.

No money moves. A double click, or two clerks at the same moment, decide once: the second finds nothing to decide.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.addresses import APP, order_address, statement_address
from voucher_payment_gateway.admin.statement import Entry, problem_text, read_statement
from voucher_payment_gateway.admin.story import operation_line
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.states import MONEY_KINDS

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["MAY_CONCLUDE", "ConcludePages"]

MAY_CONCLUDE = f"{APP}.change_voucheroperation"
"""The permission to decide."""

NOT_BOOKED = "-"


class ConclusionForm(forms.Form):
    """How it ended, and why."""

    outcome = forms.ChoiceField(widget=forms.RadioSelect)
    reason = forms.CharField(max_length=255, widget=forms.TextInput(attrs={"class": "vTextField"}))

    def __init__(self, *args: Any, outcomes: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcome: Any = self.fields["outcome"]
        outcome.choices = outcomes
        outcome.label, self.fields["reason"].label = _("How did it end?"), _("reason")


@dataclass(frozen=True)
class Choices:
    """What may have become of an operation: ids and sentences. ``problem`` says why that cannot be read just now."""

    outcomes: list[tuple[str, str]]
    problem: str = ""


class ConcludePages(AnyPage):
    """Gives the admin of payments the page of a decision."""

    def get_urls(self) -> list[Any]:
        @transaction.non_atomic_requests
        @never_cache
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            return self.conclude_page(request, pk)

        own = path("operation/<int:pk>/", self.admin_site.admin_view(view), name=f"{APP}_conclude")
        return [own, *super().get_urls()]

    def conclude_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what may have become of the operation, or record the decision. 404 where there is none to make."""
        if not (self.has_view_permission(request) and request.user.has_perm(MAY_CONCLUDE)):
            raise PermissionDenied
        operation = VoucherOperation.current.select_related("payment", "sale").filter(pk=pk).first()
        if operation is None:
            raise Http404
        if operation.state != "manual":
            messages.warning(request, _("There is nothing to decide (any more)."))
            return self._back(operation)
        choices = _choices(operation)
        form = ConclusionForm(request.POST or None, outcomes=choices.outcomes)
        if not choices.problem and request.method == "POST" and form.is_valid():
            self._conclude(request, operation, form.cleaned_data)
            return self._back(operation)
        return self._shown(request, operation, choices, form)

    def _conclude(self, request: HttpRequest, operation: VoucherOperation, given: dict[str, str]) -> None:
        remote_id = "" if given["outcome"] == NOT_BOOKED else given["outcome"]
        actor = request.user.get_username()
        try:
            gateway.conclude(operation, remote_id=remote_id, actor=actor, reason=given["reason"])
        except VoucherGatewayError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The decision is recorded."))

    def _back(self, operation: VoucherOperation) -> HttpResponse:
        return HttpResponseRedirect(
            f"{order_address(self.admin_site, operation.order_number)}#operation-{operation.pk}"
        )

    def _shown(
        self, request: HttpRequest, operation: VoucherOperation, choices: Choices, form: forms.Form
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Decide operation %(number)s") % {"number": operation.pk},
            "line": operation_line(operation),
            "order": operation.order_number,
            "order_address": order_address(self.admin_site, operation.order_number),
            "statement": statement_address(self.admin_site, operation.voucher_id, operation.account),
            "problem": choices.problem,
            "form": form,
        }
        return TemplateResponse(request, f"admin/{APP}/conclude.html", context)


def _choices(operation: VoucherOperation) -> Choices:
    """Return the bookings that the operation may have made: of its kind and amount, and of no other operation."""
    if operation.kind not in MONEY_KINDS:
        outcomes = [(operation.voucher_id, _("The Voucher Cloud shows it: it was done."))]
        return Choices([*outcomes, (NOT_BOOKED, _("It was not done, and will not be."))])
    try:
        statement = read_statement(operation.voucher_id, operation.account)
    except (VoucherGatewayError, ImproperlyConfigured) as error:
        return Choices([], problem_text(error))
    if statement.problem:
        return Choices([], statement.problem)
    fitting = [entry for entry in statement.entries if _fits(entry, operation)]
    booked = [(entry.theirs.id, _text(entry, operation.currency)) for entry in fitting if entry.theirs]
    return Choices([*booked, (NOT_BOOKED, _("None of them: nothing was booked, and nothing will be."))])


def _fits(entry: Entry, operation: VoucherOperation) -> bool:
    """Whether it is a booking of the kind and amount, which no operation but this one has."""
    if entry.theirs is None or (entry.ours is not None and entry.ours.pk != operation.pk):
        return False
    return (entry.theirs.type, entry.theirs.amount) == (operation.kind, operation.amount)


def _text(entry: Entry, currency: str) -> str:
    """Return what a clerk chooses between: kind, amount, when, the order number there and the id."""
    booking: Any = entry.theirs
    at = date_format(localtime(booking.created_at), "SHORT_DATETIME_FORMAT") if booking.created_at else "–"
    words = {
        "kind": dict(VoucherOperation.Kind.choices)[booking.type],
        "amount": amount_text(booking.amount, currency),
        "at": at,
        "number": booking.order_number or "–",
        "id": booking.id,
    }
    return (
        _("It is this booking: %(kind)s of %(amount)s, %(at)s, order number %(number)s, id %(id)s.") % words
    )
