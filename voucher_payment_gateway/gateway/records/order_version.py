"""The version of an order's payments that a page has shown, and its confirmation: of two pages that were confirmed the
first acts, and the other is told what changed (compare-and-set).

Each confirmation is a row under the next number of the order, so two at the same moment conflict on it, and each has
seen all before it.
"""

import hashlib
from decimal import Decimal

from django.db.models import QuerySet

from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import BOOKS

__all__ = [
    "CONFIRMATION",
    "PAGE",
    "confirm_version",
    "discard_amount",
    "last_operation",
    "order_version",
    "verb_key",
    "was_confirmed",
]

CONFIRMATION = "admin"
"""In place of a verb in the row of a confirmation; its key is the number of that."""

PAGE = "admin_page"
"""In place of a verb in the row of a page that was confirmed; its key is that of the page, its amount what the
person refunds alone by it."""

FIGURES = (
    "pk",
    "status",
    "amount_agreed",
    "amount_authorized",
    "amount_captured",
    "amount_refunded",
    "cancel_requested_at",
)
"""A renewed reservation changes none of these, nor what a page states."""


def order_version(number: str, *shown: object) -> str:
    """Return the version of the payments of an order, and of what else the page has ``shown``: the number of
    confirmations, the last operation, and a digest."""
    payments = VoucherPayment.current.filter(order_number=number).order_by("pk").values_list(*FIGURES)
    operations = VoucherOperation.current.of_payments(order_number=number).filter(BOOKS)
    booked = list(operations.order_by("pk").values_list("pk", "state"))
    digest = hashlib.sha256(repr((list(payments), booked, shown)).encode()).hexdigest()[:16]
    return f"{_confirmations(number).count()}-{booked[-1][0] if booked else 0}-{digest}"


def last_operation(version: str) -> int:
    """Return the primary key of the last operation that books which that version has seen; 0 where it is malformed."""
    parts = version.split("-")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else 0


def confirm_version(
    number: str, version: str, *shown: object, page: str, amount: Decimal | None = None
) -> VoucherIdempotencyKey:
    """Write the next confirmation of the order, by the page with this key; raise ConflictError unless ``version`` is
    its version now, and where the page was confirmed before. ``amount`` is what is about to be refunded by the person
    who confirms it alone. Returns the row of the page."""
    if order_version(number, *shown) != version:
        raise ConflictError
    confirmation = str(int(version.split("-")[0]) + 1)
    row = VoucherIdempotencyKey(order_number=number, verb=PAGE, key=page, amount=amount)
    with atomic_or_conflict():
        VoucherIdempotencyKey(order_number=number, verb=CONFIRMATION, key=confirmation).save(
            force_insert=True
        )
        row.save(force_insert=True)
    return row


def was_confirmed(number: str, page: str) -> bool:
    """Return whether the page with this key was confirmed: it acts once, also where nothing came of it."""
    rows = VoucherIdempotencyKey.current.filter(order_number=number, verb=PAGE, key=page)
    return bool(rows.exists())


def discard_amount(page: VoucherIdempotencyKey) -> None:
    """Count the amount of a page no more: nothing came of it."""
    VoucherIdempotencyKey.current.filter(pk=page.pk).update(amount=None)


def verb_key(page: str) -> str:
    """Return the idempotency key that the verb gets for the key of a page."""
    return f"{CONFIRMATION}:{page}"


def _confirmations(number: str) -> "QuerySet[VoucherIdempotencyKey]":
    return VoucherIdempotencyKey.current.filter(order_number=number, verb=CONFIRMATION)
