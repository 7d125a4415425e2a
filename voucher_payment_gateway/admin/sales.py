"""Sold vouchers with their operations, and what a clerk may do: take one back, send one again, decide an outcome."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.filters import CreatedFilter, DeliveryFilter, OriginFilter, StatusFilter
from voucher_payment_gateway.admin.links import LinkedToOrder
from voucher_payment_gateway.admin.lists import FastList
from voucher_payment_gateway.admin.pages import (
    Current,
    OfAccounts,
    OnlyWhatIsShown,
    ReadOnly,
    amount_column,
)
from voucher_payment_gateway.admin.payments import OperationInline
from voucher_payment_gateway.admin.sale_actions import ACTIONS, SaleAction
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.sales import claim_sale
from voucher_payment_gateway.models import VoucherSale

if TYPE_CHECKING:
    Page = admin.ModelAdmin[VoucherSale]
else:
    Page = admin.ModelAdmin

__all__ = ["VoucherSaleAdmin"]

FOLDER = "admin/voucher_payment_gateway/vouchersale"
APP = "voucher_payment_gateway"

AMOUNT = amount_column(VoucherSale, "amount")
TOPPED_UP = amount_column(VoucherSale, "amount_topped_up")


@admin.register(VoucherSale)
class VoucherSaleAdmin(LinkedToOrder, ReadOnly, OnlyWhatIsShown, Current, OfAccounts, FastList, Page):
    """One voucher sold or given; its code is never shown."""

    change_form_template = f"{FOLDER}/change_form.html"
    list_display = ("order_number", "code_hint", "status", "origin", AMOUNT, "currency", "created_at")
    list_filter = (DeliveryFilter, StatusFilter, OriginFilter, CreatedFilter)
    inlines = (OperationInline,)
    fields = readonly_fields = (
        "order_number",
        "account",
        "key",
        "origin",
        "code_hint",
        "status",
        "target",
        "end_reason",
        AMOUNT,
        TOPPED_UP,
        "currency",
        "voucher_id",
        "valid_until",
        "taxable",
        "tax_rate",
        "recipient_email",
        "recipient_name",
        "message",
        "delivery",
        "deliver_at",
        "delivered_at",
        "delivery_attempts",
        "delivery_error",
        "reminded_at",
        "actor",
        "reason",
        "created_at",
        "issued_at",
        "activated_at",
        "taken_back_at",
    )

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<int:pk>/{action.slug}/",
                self.admin_site.admin_view(self._view_of(action)),
                name=f"{APP}_vouchersale_{action.slug}",
            )
            for action in ACTIONS
        ]
        return own + super().get_urls()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        sale = kwargs.get("obj")
        context["sale_actions"] = [
            action
            for action in ACTIONS
            if sale and action.is_allowed(request.user) and action.is_possible(sale)
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    def _view_of(self, action: SaleAction) -> Any:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            if not action.is_allowed(request.user):
                raise PermissionDenied
            sale = VoucherSale.current.filter(pk=pk).first()
            if sale is None:
                raise Http404
            return self._answer(request, action, sale)

        if action.needs_autocommit:
            return transaction.non_atomic_requests(using=router.db_for_write(VoucherSale))(view)
        return view

    def _answer(self, request: HttpRequest, action: SaleAction, sale: VoucherSale) -> HttpResponse:
        """Show what will be done, and do it where the form was sent: once, since the form names the state it showed."""
        subject = action.subject(sale)
        initial = {"seen": sale.version, "operation": subject.pk if subject else None}
        form = action.form(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            self._carry_out(request, action, sale, form.cleaned_data)
            return HttpResponseRedirect(reverse(f"admin:{APP}_vouchersale_change", args=[sale.pk]))
        context = {
            **self.admin_site.each_context(request),
            "action": action,
            "form": form,
            "original": sale,
            "operation": subject,
            "opts": self.opts,
            "title": action.title,
        }
        return TemplateResponse(request, f"{FOLDER}/confirm.html", context)

    def _carry_out(self, request: HttpRequest, action: SaleAction, sale: VoucherSale, given: Any) -> None:
        fields = {name: value for name, value in given.items() if name != "seen"}
        try:
            claim_sale(sale, version=given["seen"])
        except ConflictError:
            messages.warning(
                request, _("The sale has changed meanwhile. Nothing was done; look at it again.")
            )
            return
        try:
            action.run(sale, actor=request.user.get_username(), **fields)
        except VoucherGatewayError as error:
            messages.error(request, str(error))
        else:
            self._tell(request, action, VoucherSale.current.get(pk=sale.pk))

    def _tell(self, request: HttpRequest, action: SaleAction, sale: VoucherSale) -> None:
        if action.is_done(sale):
            messages.success(request, action.done)
        else:
            messages.warning(
                request, _("It is noted and not done yet: it follows what is still open on the gift voucher.")
            )
