"""The page of an order: the story of all its gift vouchers, and the links between it and the shop's own order page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.addresses import APP, admin_address, order_address, statement_address
from voucher_payment_gateway.admin.order_button import OrderButton
from voucher_payment_gateway.admin.order_figures import figures_of
from voucher_payment_gateway.admin.order_records import MAX_ROWS, OrderRecords, records_of
from voucher_payment_gateway.admin.sentences import voucher_name
from voucher_payment_gateway.admin.story import story_lines
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherPayment, VoucherSale
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import known_number, order_created_at

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["OrderButton", "OrderPages", "VoucherOrderAdminMixin"]

FOLDER = "admin/voucher_payment_gateway"


@dataclass(frozen=True)
class VoucherCard:
    """One voucher on the page of an order: a payment or a sale, with what it is now."""

    title: str
    status: str
    status_text: str
    rows: list[tuple[Any, str]]
    address: str
    statement: str


class OrderPages(AnyPage):
    """Gives the admin of payments the page of an order."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.order_page)
        return [path("order/", view, name=f"{APP}_order"), *super().get_urls()]

    def order_buttons(self, request: HttpRequest, order: Any, records: OrderRecords) -> list[OrderButton]:
        """Return what this user may do with the gift vouchers of an order; ``order`` is None where it is gone."""
        from voucher_payment_gateway.admin.actions.buttons import buttons_of_order
        from voucher_payment_gateway.admin.actions.target import Target

        number = known_number(order) if order is not None else ""
        target = Target(number, order, records.payments) if number else None
        return buttons_of_order(self.admin_site, request.user, target, records)

    def order_page(self, request: HttpRequest) -> HttpResponse:
        """Show the order ``?number=``. 404 where neither the shop nor the ledger has it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = request.GET.get("number", "")
        may = request.user.has_perm
        records = records_of(
            number,
            with_sales=may(f"{APP}.view_vouchersale"),
            with_differences=may(f"{APP}.view_voucherdifference"),
        )
        order = find_order(number) if number else None
        if order is None and not records:
            raise Http404
        own, earlier = records.split(order_created_at(order) if order is not None else None)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Order %(number)s: gift vouchers") % {"number": number},
            "number": number,
            "order_address": _shop_address(self.admin_site, request, order),
            "figures": figures_of(order, own.payments),
            "cards": self._cards(own),
            "lines": story_lines(own),
            "earlier": story_lines(earlier),
            "buttons": self.order_buttons(request, order, own),
            "max_rows": MAX_ROWS if records.is_cut else 0,
        }
        return TemplateResponse(request, f"{FOLDER}/order.html", context)

    def _cards(self, records: OrderRecords) -> list[VoucherCard]:
        site = self.admin_site

        def card(row: Any, title: Any, rows: list[tuple[Any, str]]) -> VoucherCard:
            return VoucherCard(
                title % {"voucher": voucher_name(row)},
                row.status,
                row.get_status_display(),
                [(label, value) for label, value in rows if value],
                admin_address(site, row),
                statement_address(site, row.voucher_id, row.account),
            )

        paid = [card(row, _("Gift voucher %(voucher)s pays"), _paid(row)) for row in records.payments]
        sold = [card(row, _("Gift voucher %(voucher)s was sold"), _sold(row)) for row in records.sales]
        return paid + sold


def _paid(payment: VoucherPayment) -> list[tuple[Any, str]]:
    shown = (
        ("amount_agreed", payment.amount_agreed),
        ("amount_authorized", payment.amount_authorized),
        ("amount_captured", payment.amount_captured),
        ("amount_refunded", payment.amount_refunded),
    )
    rows = [
        (_label(payment, name), amount_text(amount, payment.currency)) for name, amount in shown if amount
    ]
    is_held = payment.status == "authorized"
    return [
        *rows,
        (_label(payment, "voucher_id"), payment.voucher_id),
        (_label(payment, "reservation_id"), payment.reservation_id if is_held else ""),
        (_label(payment, "end_reason"), payment.get_end_reason_display()),
    ]


def _sold(sale: VoucherSale) -> list[tuple[Any, str]]:
    return [
        (_label(sale, "amount"), amount_text(sale.amount, sale.currency)),
        (_label(sale, "origin"), sale.get_origin_display()),
        (_label(sale, "voucher_id"), sale.voucher_id),
        (_label(sale, "recipient_email"), sale.recipient_email),
        (_label(sale, "end_reason"), sale.get_end_reason_display()),
    ]


def _label(row: Any, name: str) -> Any:
    return row._meta.get_field(name).verbose_name


def _shop_address(site: Any, request: HttpRequest, order: Any) -> str:
    """Return the address of the shop's own admin page of the order, if this user may look at it."""
    if order is None or not site.is_registered(type(order)):
        return ""
    page = site.get_model_admin(type(order))
    return admin_address(site, order) if page.has_view_permission(request, order) else ""


class VoucherOrderAdminMixin(AnyPage):
    """For the shop's own ``OrderAdmin``: the order's gift vouchers and what they cover, with links to their story and
    to each payment.

    Shown to users with the permission ``view_voucherpayment``; a fieldset of its own at the end, read-only. Put it
    before ``ModelAdmin``. The number of statements does not depend on the number of vouchers.
    """

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj)]
        return [*fields, "gift_vouchers"] if _is_shown(request, obj) else fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in super().get_fields(request, obj) if name != "gift_vouchers"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = [*super().get_fieldsets(request, obj)]
        own = (_("Gift vouchers"), {"fields": ("gift_vouchers",)})
        return [*fieldsets, own] if _is_shown(request, obj) else fieldsets

    @admin.display(description=_("Gift vouchers"))
    def gift_vouchers(self, order: Any) -> SafeString | str:
        """What gift vouchers pay of the order, and the link to their story."""
        number = known_number(order)
        if not number:
            return "–"
        own, _earlier = records_of(number, with_differences=False).split(order_created_at(order))
        context = {
            "figures": figures_of(order, own.payments),
            "payments": [(payment, admin_address(self.admin_site, payment)) for payment in own.payments],
            "sales": len(own.sales),
            "address": order_address(self.admin_site, number) if own else "",
        }
        return render_to_string(f"{FOLDER}/order_field.html", context)


def _is_shown(request: HttpRequest, order: Any) -> bool:
    return order is not None and request.user.has_perm(f"{APP}.view_voucherpayment")
