"""Cover: the amount that the vouchers of an order pay, and the amount due by another payment method."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.gateway.records.reused_number import without_earlier_order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts, known_number, order_facts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.cover import agreed, outstanding
from voucher_payment_gateway.rules.states import GIVES_BACK

__all__ = ["Cover", "cover", "cover_of"]


@dataclass(frozen=True)
class Cover:
    """How an order is covered, in units of ``currency`` with two places. Cancelled payments do not count.

    ``due`` is the total less what vouchers have settled (``captured``, or with ``TOTAL_AFTER_RETURN = "lowered"``
    ``kept``), less what unconfirmed reservations hold, less what confirmed payments have agreed and not captured. Gift
    vouchers that the order sells are due in any case, since no gift voucher pays for them.
    """

    total: Decimal
    currency: str
    captured: Decimal
    """The amount charged to vouchers."""
    refunded: Decimal
    """The part of it that went back to them."""
    kept: Decimal
    """The part of it that the shop has kept: ``captured - refunded``."""
    held: Decimal
    """The amount that reservations hold now."""
    agreed: Decimal
    """The amount that confirmed payments have agreed and not captured, whether it is held now or not."""
    covered: Decimal
    """The amount that vouchers have settled, hold, have agreed, or are about to be charged."""
    due: Decimal
    """The amount for another payment method, never below zero."""
    held_until: datetime | None
    """When the first reservation ends; None where nothing is held."""
    is_firm: bool
    """Whether live reservations stand behind every amount that is still to be charged, and a capture now charges
    exactly ``held``. False while an agreed amount is not held, something is due and a voucher is only selected or
    lapsed, and while a voucher is about to expire, holds more than the order needs, is in another currency than the
    order, or has an open operation: call ``authorize_selected`` before another payment method takes ``due``."""


def cover(order: Any) -> Cover:
    """Return how the vouchers of ``order`` cover it, to the cent. Nothing is sent; one statement, and one call of
    ``SOLD_VOUCHERS`` where vouchers pay the order.

    Raises PaymentStateError and AmountError where the order has vouchers and no usable total or currency. Without
    vouchers all amounts of such an order are 0.00, and its ``currency`` is empty.
    """
    return cover_of(order, read_order(known_number(order)))


def cover_of(order: Any, view: OrderView) -> Cover:
    """Return the same for an order whose payments were read just now."""
    facts = _facts(order, view)
    view = without_earlier_order(view, facts.created_at)
    live = [payment for payment in view.payments if payment.status != "cancelled"]
    facts = with_sold(facts, order) if live else facts
    captured = sum((payment.amount_captured for payment in live), ZERO)
    refunded = sum((payment.amount_refunded for payment in live), ZERO)
    held = sum((payment.amount_authorized for payment in live), ZERO)
    return Cover(
        total=facts.total,
        currency=facts.currency,
        captured=captured,
        refunded=refunded,
        kept=captured - refunded,
        held=held,
        agreed=sum((agreed(payment) for payment in live), ZERO),
        covered=view.covered(),
        due=view.due_of(facts),
        held_until=min(
            (p.reserved_until for p in live if p.reserved_until and p.amount_authorized), default=None
        ),
        is_firm=_is_firm(view, live, facts),
    )


def _facts(order: Any, view: OrderView) -> OrderFacts:
    try:
        return order_facts(order)
    except PaymentStateError:
        if view.payments:
            raise
        return OrderFacts(view.order_number, ZERO, "")


def _is_firm(view: OrderView, live: list[VoucherPayment], facts: OrderFacts) -> bool:
    due, outstanding_sum = view.due(facts.payable), sum((outstanding(payment) for payment in live), ZERO)
    if outstanding_sum and view.covered() > facts.payable:  # more is held than the order needs of vouchers
        return False
    return not any(_can_change(payment, facts.currency, due) for payment in live) and not _may_go_back(live)


def _may_go_back(live: list[VoucherPayment]) -> bool:
    """Return whether a person has to decide about a refund of which something is due again, if it was made."""
    charged = [payment.pk for payment in live if payment.amount_captured]
    if gateway_settings().TOTAL_AFTER_RETURN == "stays" or not charged:
        return False
    refunds = VoucherOperation.current.filter(payment__in=charged, kind__in=GIVES_BACK, state="manual")
    return bool(refunds.exists())


def _can_change(payment: VoucherPayment, currency: str, due: Decimal) -> bool:
    """Return whether the amount this payment contributes can still change."""
    is_paying = payment.status != "failed"
    can_be_held = payment.status in ("selected", "lapsed") and bool(payment.sealed_code) and due > ZERO
    ended = payment.status == "authorized" and not is_usable_now(payment)
    is_not_held = agreed(payment) > payment.amount_authorized
    is_in_other_currency = is_paying and payment.currency != currency
    return payment.has_open_operation or ended or can_be_held or is_not_held or is_in_other_currency
