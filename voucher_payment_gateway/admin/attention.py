"""All that needs a person, on one page: what it is, what to do, and where that is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from voucher_payment_gateway.admin.addresses import (
    APP,
    admin_address,
    conclude_address,
    order_address,
    statement_address,
)
from voucher_payment_gateway.admin.conclude import MAY_CONCLUDE
from voucher_payment_gateway.admin.sale_story import delivery_problem
from voucher_payment_gateway.admin.sentences import DIFFERENCES, KINDS_OF_ATTENTION, voucher_name
from voucher_payment_gateway.admin.story import operation_line, unpaid_text
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.conditions import IS_FAILED, IS_MANUAL, IS_OPEN

if TYPE_CHECKING:
    AnyPage = admin.ModelAdmin[Any]
else:
    AnyPage = admin.ModelAdmin

__all__ = ["LONG_OPEN", "MAX_ROWS", "RECENT", "AttentionPages", "Section"]

MAX_ROWS = 100
"""The newest rows of each section."""

LONG_OPEN = timedelta(hours=2)
"""An outcome that is open for longer than any rule waits: see docs/how-to/run-settle.md."""

RECENT = timedelta(days=30)
"""Refused refunds and sales that failed are shown this long: what was done about them may be known to people alone."""

OF_ORDERS = ("order_gone", "order_cancelled", "order_overpaid")


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
    """All of one kind. ``advice`` says in a sentence what to do."""

    kind: str
    title: Any
    advice: Any
    items: list[Item]

    @property
    def is_cut(self) -> bool:
        return len(self.items) == MAX_ROWS


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
            Section(kind, *KINDS_OF_ATTENTION[kind], [self._item(request, row) for row in rows])
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
            return conclude_address(site, row.pk)
        if isinstance(row, VoucherOperation):
            return f"{order_address(site, row.order_number)}#operation-{row.pk}"
        if isinstance(row, VoucherPayment):
            return order_address(site, row.order_number)
        return admin_address(site, row)

    def _item(self, request: HttpRequest, row: Any) -> Item:
        at, text, facts = _described(row)
        statement = statement_address(self.admin_site, row.voucher_id, row.account)
        order = order_address(self.admin_site, row.order_number) if row.order_number else ""
        is_decision = (
            isinstance(row, VoucherOperation)
            and row.state == "manual"
            and request.user.has_perm(MAY_CONCLUDE)
        )
        address = self._address(row, is_decision=is_decision)
        return Item(at, text, row.order_number, order, address, facts, statement, is_decision)


def _described(row: Any) -> tuple[datetime, str, list[tuple[str, str]]]:
    """Return when it happened, a sentence, and its ids."""
    if isinstance(row, VoucherOperation):
        line = operation_line(row)
        return line.at, line.text, line.facts
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
    if sale.status != "failed":
        return delivery_problem(sale)
    text = _("The gift voucher of %(amount)s that was sold could not be created.")
    return text % {"amount": amount_text(sale.amount, sale.currency)}


def _rows(user: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the rows of each kind, newest first: one statement each, by an index of what has not ended."""
    now = timezone.now()
    operations = VoucherOperation.current.select_related("payment", "sale", "idempotency_key")
    long_open = operations.filter(IS_OPEN, created_at__lt=now - LONG_OPEN)
    yield "manual", list(operations.filter(IS_MANUAL).order_by("-settled_at")[:MAX_ROWS])
    yield "open", list(long_open.order_by("-due_at")[:MAX_ROWS])
    unpaid = VoucherPayment.current.needing_attention()
    yield "unpaid", list(unpaid.order_by("-pk")[:MAX_ROWS])
    refunds = operations.refused_refunds().filter(settled_at__gt=now - RECENT)
    yield "refused", list(refunds.order_by("-settled_at")[:MAX_ROWS])
    if user.has_perm(f"{APP}.view_vouchersale"):
        yield "sales", list(_failed_sales(now)[:MAX_ROWS])
        yield "deliveries", list(_failed_deliveries()[:MAX_ROWS])
    if user.has_perm(f"{APP}.view_voucherdifference"):
        found = VoucherDifference.current.filter(gone_at=None, explained_at=None).order_by("-pk")
        yield "orders", list(found.filter(kind__in=OF_ORDERS)[:MAX_ROWS])
        yield "differences", list(found.exclude(kind__in=OF_ORDERS)[:MAX_ROWS])


def _failed_sales(now: datetime) -> Any:
    """Return the sales that failed, and that no newer one of the same key stands in for."""
    newer = VoucherSale.current.filter(
        order_number=OuterRef("order_number"), key=OuterRef("key"), pk__gt=OuterRef("pk")
    )
    failed = VoucherSale.current.filter(IS_FAILED, updated_at__gt=now - RECENT)
    return failed.filter(~Exists(newer)).order_by("-updated_at", "-pk")


def _failed_deliveries() -> Any:
    undelivered = VoucherSale.current.filter(delivered_at=None, deliver_due_at__isnull=False)
    return undelivered.exclude(delivery_error="").order_by("-deliver_due_at")
