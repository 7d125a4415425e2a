"""The filters of the lists, newest first: by an index, or where there is none among the newest rows alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.window import window_start
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.models.conditions import IS_FAILED, IS_HELD, IS_NOT_SOLD, IS_OPEN, WAS_CONCLUDED
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = [
    "LAPSING_DAYS",
    "AttentionFilter",
    "CreatedFilter",
    "DeliveryFilter",
    "OriginFilter",
    "StatusFilter",
]

LAPSING_DAYS = 3
"""A confirmed payment whose code is erased within this time lapses soon: after that it cannot be charged any more."""

LAPSING_MINUTES = 15
"""The same where no code is kept, until the reservation is surely dead: it is all that there is."""


class Windowed(admin.SimpleListFilter):
    """A filter that may look through the newest rows alone. ``is_cut``: whether there are older ones."""

    is_cut = False

    def newest(self, rows: Any) -> Any:
        start = window_start(rows.model)
        self.is_cut = start > 0
        return rows.filter(pk__gt=start) if start else rows


class AttentionFilter(admin.SimpleListFilter):
    """What a clerk looks for among payments."""

    title, parameter_name = _("needs attention"), "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("unpaid", _("confirmed and not paid")),
            ("unknown", _("outcome unknown")),
            ("decided", _("decided by a person")),
            ("lapsing", _("lapsing soon")),
            ("unconfirmed", _("not confirmed")),
            ("gone", _("order gone")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "unpaid":  # of all payments, however old: what is missed here is not paid
                return queryset.unpaid()
            case "unknown":
                unknown = VoucherOperation.current.filter(IS_OPEN, state="unknown")
                return queryset.filter(pk__in=_payments(unknown))
            case "decided":
                decided = VoucherOperation.current.filter(WAS_CONCLUDED)
                return queryset.filter(pk__in=_payments(decided))
            case "lapsing":
                return _lapsing(queryset)
            case "unconfirmed":
                return _unconfirmed(queryset)
            case "gone":
                gone = VoucherDifference.current.filter(gone_at=None, explained_at=None, kind="order_gone")
                return queryset.filter(pk__in=_payments(gone))
        return queryset


def _payments(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(payment__isnull=False).order_by().values("payment")


def _lapsing(payments: Any) -> Any:
    """Return the confirmed payments that can be charged a little while longer."""
    now = timezone.now()
    kept, held = (
        _with_code(now + timedelta(days=LAPSING_DAYS)),
        _held(now + timedelta(minutes=LAPSING_MINUTES)),
    )
    found = payments.filter(pk__in=kept.union(held.filter(sealed_code="")).order_by(), status__in=HELD_BEFORE)
    return found.filter(confirmed_at__isnull=False, cancel_requested_at=None)


def _unconfirmed(payments: Any) -> Any:
    """Return the payments of which no order was placed yet: each has its code, or holds its voucher."""
    pks = (
        _with_code(datetime.max.replace(tzinfo=UTC)).union(_held(datetime.max.replace(tzinfo=UTC))).order_by()
    )
    return payments.filter(pk__in=pks, status__in=("selected", "authorized"), confirmed_at=None)


def _with_code(until: datetime) -> Any:
    """Return the ids of the payments whose code is erased until then, by ``vpg_payment_code_kept``."""
    payments = VoucherPayment.current.exclude(sealed_code="").filter(code_kept_until__lt=until)
    return payments.order_by().values("pk")


def _held(until: datetime) -> Any:
    """Return the ids of the payments whose reservation is surely dead by then, by ``vpg_payment_dead``."""
    return VoucherPayment.current.filter(IS_HELD, reservation_dead_at__lt=until).order_by().values("pk")


class StatusFilter(Windowed):
    """The status of payments or sales. Those that failed are few and have an index."""

    title, parameter_name = VoucherPayment._meta.get_field("status").verbose_name, "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(model_admin.model.Status.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "failed":
            failed = queryset.filter(IS_FAILED)
            # in the order of the index: of sales by when they failed
            return failed.order_by("-updated_at", "-pk") if failed.model is VoucherSale else failed
        return self.newest(queryset).filter(status=self.value()) if self.value() else queryset


class OriginFilter(Windowed):
    """Whether a voucher was sold, given, or issued otherwise: all but the sold ones have an index."""

    title, parameter_name = VoucherSale._meta.get_field("origin").verbose_name, "origin__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(VoucherSale.Origin.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() and self.value() != "sold":
            return queryset.filter(IS_NOT_SOLD, origin=self.value())
        return self.newest(queryset).filter(origin="sold") if self.value() else queryset


class CreatedFilter(Windowed):
    """The last days."""

    title, parameter_name = VoucherPayment._meta.get_field("created_at").verbose_name, "created"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("last 24 hours")), ("7", _("last 7 days")), ("30", _("last 30 days"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        days = self.value()
        if days not in ("1", "7", "30"):
            return queryset
        begin = timezone.now() - timedelta(days=int(days))
        return self.newest(queryset).filter(created_at__gte=begin)


class DeliveryFilter(Windowed):
    """Whether the code has reached its buyer."""

    title, parameter_name = _("delivery"), "delivered"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failed", _("failed, is tried again")), ("waiting", _("waiting")), ("done", _("delivered"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        undelivered = queryset.filter(delivered_at=None, deliver_due_at__isnull=False)
        undelivered = undelivered.order_by("-deliver_due_at", "-pk")
        match self.value():
            case "failed":
                return undelivered.exclude(delivery_error="")
            case "waiting":
                return undelivered.filter(delivery_error="")
            case "done":
                return self.newest(queryset).filter(delivered_at__isnull=False)
        return queryset
