"""What stands on top of an order's page: what gift vouchers hold, have agreed, keep, and what is owed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.wording import amount_text
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.cover import agreed

__all__ = ["Figures", "figures_of"]


@dataclass(frozen=True)
class Figures:
    """Names, labels and amounts, as the reader's locale writes them; ``note`` says what they rest on."""

    rows: list[tuple[str, str, str]]
    note: str = ""


def figures_of(order: Any, payments: list[VoucherPayment]) -> Figures:
    """Return the figures of ``order`` by ``gateway.cover``, or, where it is gone or cannot be read, the sums of its
    payments. Nothing is sent."""
    if order is None:
        return Figures(list(_sums(payments)), _("The shop has no order with this number."))
    try:
        cover = gateway.cover(order)
    except (PaymentStateError, ImproperlyConfigured):
        note = _("The order's own total or currency cannot be read: these are the sums of its payments.")
        return Figures(list(_sums(payments)), note)
    currency = cover.currency or (payments[0].currency if payments else "")
    amounts = {
        "total": (_("Order total"), cover.total),
        "held": (_("Held"), cover.held),
        "agreed": (_("Agreed, not charged yet"), cover.agreed),
        "captured": (_("Charged"), cover.captured),
        "refunded": (_("Refunded"), cover.refunded),
        "kept": (_("Kept"), cover.kept),
        "due": (_("Owed in another way"), cover.due),
    }
    rows = [(name, label, amount_text(amount, currency)) for name, (label, amount) in amounts.items()]
    return Figures(rows, _firmness(cover))


def _firmness(cover: "gateway.Cover") -> str:
    if not cover.agreed and not cover.held:
        return ""
    if cover.is_firm:
        return _("Live reservations stand behind all that is still to be charged.")
    return _("Not all that is agreed is reserved at this moment; it is reserved again when it is charged.")


def _sums(payments: list[VoucherPayment]) -> Iterable[tuple[str, str, str]]:
    """Yield the sums of the payments that were not cancelled, in the currency of each."""
    live = [payment for payment in payments if payment.status != "cancelled"]
    for currency in sorted({payment.currency for payment in live}):
        own = [payment for payment in live if payment.currency == currency]
        amounts = {
            "held": (_("Held"), _sum(payment.amount_authorized for payment in own)),
            "agreed": (_("Agreed, not charged yet"), _sum(map(agreed, own))),
            "captured": (_("Charged"), _sum(payment.amount_captured for payment in own)),
            "refunded": (_("Refunded"), _sum(payment.amount_refunded for payment in own)),
            "kept": (_("Kept"), _sum(payment.amount_refundable for payment in own)),
        }
        for name, (label, amount) in amounts.items():
            yield name, label, amount_text(amount, currency)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
