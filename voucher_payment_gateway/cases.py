"""The cases that need a person: which they are, in one place for the page "needs attention" and for the notices to
staff, and the words for them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.models.conditions import IS_MANUAL, IS_NOT_VALID, IS_OPEN

__all__ = ["CASES", "KINDS_OF_ATTENTION", "LONG_OPEN", "OF_ORDERS", "RECENT"]

LONG_OPEN = timedelta(hours=2)
"""An outcome that is open for longer than any rule waits."""

RECENT = timedelta(days=30)
"""Sales that failed are shown this long: what was done about them may be known to people alone."""

OF_ORDERS = ("order_gone", "order_cancelled", "order_overpaid")

KINDS_OF_ATTENTION = {
    "approvals": (
        _("Refunds that wait for a second person"),
        _(
            "Another person than who asked for it must approve or reject it. After its time it ends by itself, and "
            "nothing is refunded."
        ),
    ),
    "manual": (
        _("Operations that a person has to decide"),
        _(
            "Look at the statement of the gift voucher. Is there a booking with the order number sent, or a new "
            "refund? Then it was booked, else it was not: decide so, or have it recorded by voucher_review with the "
            "number of the operation."
        ),
    ),
    "open": (
        _("Operations open for more than two hours"),
        _(
            "Do not repeat them by hand. Ask the technicians whether voucher_settle runs, and whether the client may "
            "read bookings."
        ),
    ),
    "unpaid": (
        _("Confirmed orders that the gift voucher does not pay any more"),
        _(
            "Do not ship. Ask the customer for another way to pay or another gift voucher, then cancel the payment "
            "that failed."
        ),
    ),
    "refused": (
        _("Refunds that the gift voucher could not take"),
        _("Give the amount back in another way, such as store credit, and tell the customer."),
    ),
    "orders": (
        _("Orders that are gone, cancelled or paid too much"),
        _("Refund what the gift voucher has paid for nothing, or explain why it is right."),
    ),
    "sales": (
        _("Sold gift vouchers that could not be created or activated"),
        _(
            "Ask the technicians to activate the gift voucher, or to sell it once more; until then the buyer has none "
            "that is valid."
        ),
    ),
    "deliveries": (
        _("Deliveries that failed"),
        _("Check the address and send the gift voucher again. It is also tried again by itself."),
    ),
    "differences": (
        _("Differences found by reconciling"),
        _("Compare the statement of the gift voucher with the till, then write down the explanation."),
    ),
}
"""The title of each kind of case, and what to do."""


def _approvals(now: datetime) -> QuerySet[Any]:
    requests: QuerySet[Any] = VoucherApproval.current.to_decide(now)
    return requests


def _manual(now: datetime) -> QuerySet[Any]:
    return VoucherOperation.current.filter(IS_MANUAL)


def _open(now: datetime) -> QuerySet[Any]:
    return VoucherOperation.current.filter(IS_OPEN, created_at__lt=now - LONG_OPEN)


def _unpaid(now: datetime) -> QuerySet[Any]:
    unpaid: QuerySet[Any] = VoucherPayment.current.unpaid()
    return unpaid


def _refused(now: datetime) -> QuerySet[Any]:
    refunds: QuerySet[Any] = VoucherOperation.current.refused_lately()
    return refunds


def _sales(now: datetime) -> QuerySet[Any]:
    """Return the sales that failed, and that no newer one of the same key stands in for; and those whose activation was
    refused."""
    newer = VoucherSale.current.filter(
        order_number=OuterRef("order_number"), key=OuterRef("key"), pk__gt=OuterRef("pk")
    )
    not_valid = VoucherSale.current.filter(IS_NOT_VALID, updated_at__gt=now - RECENT)
    return not_valid.exclude(Exists(newer), status="failed")


def _deliveries(now: datetime) -> QuerySet[Any]:
    undelivered = VoucherSale.current.filter(delivered_at=None, deliver_due_at__isnull=False)
    return undelivered.exclude(delivery_error="")


def _differences(now: datetime) -> QuerySet[Any]:
    return VoucherDifference.current.filter(gone_at=None, explained_at=None).exclude(kind__in=OF_ORDERS)


def _orders(now: datetime) -> QuerySet[Any]:
    return VoucherDifference.current.filter(gone_at=None, explained_at=None, kind__in=OF_ORDERS)


CASES: Final[dict[str, Callable[[datetime], QuerySet[Any]]]] = {
    "approvals": _approvals,
    "manual": _manual,
    "open": _open,
    "unpaid": _unpaid,
    "refused": _refused,
    "sales": _sales,
    "deliveries": _deliveries,
    "orders": _orders,
    "differences": _differences,
}
"""The rows of each kind that need a person at an instant, in no order: each by a partial index."""
