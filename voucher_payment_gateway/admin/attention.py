"""All that needs a person, on one page: what it is, what to do, and where that is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.addresses import (
    APP,
    admin_address,
    approval_address,
    conclude_address,
    order_address,
    statement_address,
)
from voucher_payment_gateway.admin.approval_story import request_text
from voucher_payment_gateway.admin.sale_story import delivery_problem
from voucher_payment_gateway.admin.sentences import DIFFERENCES, voucher_name
from voucher_payment_gateway.admin.story import operation_line, unpaid_text
from voucher_payment_gateway.cases import CASES, KINDS_OF_ATTENTION, OF_ORDERS
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherApproval, VoucherOperation, VoucherPayment, VoucherSale

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["MAX_ROWS", "AttentionPages", "Section"]

MAX_ROWS = 100
"""The newest rows of each section."""


@dataclass(frozen=True)
class Item:
    """One thing to do. ``address`` leads to where it is decided, if ``is_decision``, or looked at; ``statement`` to the
    voucher's bookings."""

    at: datetime
    text: str
    order: str
    order_address: str
    address: str
    facts: list[tuple[str, str]]
    statement: str
    is_decision: bool


@dataclass(frozen=True)
class Section:
    """All of one kind. ``advice`` says in a sentence what to do; ``is_cut``: there are more, which are older."""

    kind: str
    title: Any
    advice: Any
    items: list[Item]
    is_cut: bool


class AttentionPages(AnyPage):
    """Gives the admin of payments the page "needs attention"."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.attention_page)
        return [path("attention/", view, name=f"{APP}_attention"), *super().get_urls()]

    def attention_page(self, request: HttpRequest) -> HttpResponse:
        """Show the sections that this user may look at, those with something in them first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sections = [
            Section(
                kind,
                *KINDS_OF_ATTENTION[kind],
                [self._item(request, row) for row in rows[:MAX_ROWS]],
                len(rows) > MAX_ROWS,
            )
            for kind, rows in _rows(request.user)
        ]
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Needs attention"),
            "sections": [section for section in sections if section.items],
            "quiet": [section for section in sections if not section.items],
            "max_rows": MAX_ROWS,
        }
        return TemplateResponse(request, f"admin/{APP}/attention.html", context)

    def _address(self, row: Any, *, is_decision: bool) -> str:
        """Return where a person decides about this row, or looks at it."""
        site = self.admin_site
        if is_decision:
            is_request = isinstance(row, VoucherApproval)
            return approval_address(site, row.pk) if is_request else conclude_address(site, row.pk)
        if isinstance(row, VoucherOperation):
            return f"{order_address(site, row.order_number)}#operation-{row.pk}"
        if isinstance(row, VoucherPayment | VoucherApproval):
            return order_address(site, row.order_number)
        return admin_address(site, row)

    def _item(self, request: HttpRequest, row: Any) -> Item:
        at, text, facts = _described(row)
        is_request = isinstance(row, VoucherApproval)
        statement = "" if is_request else statement_address(self.admin_site, row.voucher_id, row.account)
        order = order_address(self.admin_site, row.order_number) if row.order_number else ""
        is_decision = _may_decide(request.user, row)
        address = self._address(row, is_decision=is_decision)
        return Item(at, text, row.order_number, order, address, facts, statement, is_decision)


def _may_decide(user: Any, row: Any) -> bool:
    from voucher_payment_gateway.admin.actions.approve import APPROVE
    from voucher_payment_gateway.admin.actions.decide import DECIDE

    if isinstance(row, VoucherApproval):
        return APPROVE.may_decide(user, row)
    return isinstance(row, VoucherOperation) and DECIDE.is_possible(row) and DECIDE.is_allowed(user)


def _described(row: Any) -> tuple[datetime, str, list[tuple[str, str]]]:
    """Return when it happened, a sentence, and its ids."""
    if isinstance(row, VoucherOperation):
        line = operation_line(row)
        return line.at, line.text, line.facts
    if isinstance(row, VoucherApproval):
        facts = [(_("asked by"), row.requested_by), (_("reason"), row.reason)]
        return row.requested_at, request_text(row), facts
    if isinstance(row, VoucherPayment):
        return row.ended_at or row.updated_at, unpaid_text(row), []
    if isinstance(row, VoucherSale):
        return (
            row.updated_at,
            _sale_text(row),
            [(_("recipient"), row.recipient_email)] * bool(row.recipient_email),
        )
    amounts = [
        (str(row._meta.get_field(name).verbose_name), amount_text(amount, row.currency))
        for name in ("amount_ours", "amount_theirs")
        if (amount := getattr(row, name)) is not None
    ]
    ids = [(_("remote id"), row.remote_id), (_("order number there"), row.reference)]
    shown = [] if row.kind in OF_ORDERS else [(label, value) for label, value in ids if value]
    return row.first_seen_at, str(DIFFERENCES[row.kind]) % {"voucher": voucher_name(row)}, [*amounts, *shown]


def _sale_text(sale: VoucherSale) -> str:
    words = {"amount": amount_text(sale.amount, sale.currency), "voucher": voucher_name(sale)}
    if sale.status == "failed":
        return _("The gift voucher of %(amount)s that was sold could not be created.") % words
    if sale.status == "issued":
        return _("Gift voucher %(voucher)s of %(amount)s is paid and could not be activated.") % words
    return delivery_problem(sale)


NEWEST_FIRST = {
    "approvals": ("-pk",),
    "manual": ("-settled_at",),
    "open": ("-due_at",),
    "unpaid": ("-pk",),
    "refused": ("-settled_at",),
    "sales": ("-updated_at", "-pk"),
    "deliveries": ("-deliver_due_at",),
    "orders": ("-pk",),
    "differences": ("-pk",),
}
PERMISSIONS = {
    **dict.fromkeys(("sales", "deliveries"), f"{APP}.view_vouchersale"),
    **dict.fromkeys(("orders", "differences"), f"{APP}.view_voucherdifference"),
}
"""Of the kinds for which it takes another one than to view payments."""


def _rows(user: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the rows of each kind, newest first, and one more than fits if there is one: one statement each, by an
    index of what has not ended."""
    now = timezone.now()
    for kind, cases in CASES.items():
        if kind in PERMISSIONS and not user.has_perm(PERMISSIONS[kind]):
            continue
        rows = cases(now)
        if rows.model is VoucherOperation:
            rows = rows.select_related("payment", "sale", "idempotency_key")
        yield kind, list(rows.order_by(*NEWEST_FIRST[kind])[: MAX_ROWS + 1])
