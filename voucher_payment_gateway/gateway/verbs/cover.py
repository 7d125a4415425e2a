"""Cover: the amount that the vouchers of an order pay, and the amount due by another payment method."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.gateway.records.reused_number import without_earlier_order
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import OrderFacts, known_number, order_facts

__all__ = ["Cover", "cover"]


@dataclass(frozen=True)
class Cover:
    """How an order is covered, in units of ``currency`` with two places: ``total = captured + held + due``, unless
    vouchers pay more than the order costs now."""

    total: Decimal
    currency: str
    captured: Decimal
    """The amount charged to vouchers, without cancelled payments."""
    held: Decimal
    """The amount that reservations hold."""
    covered: Decimal
    """The amount that vouchers have paid, hold, or are about to be charged, without cancelled payments."""
    due: Decimal
    """The amount for another payment method, never below zero."""
    held_until: datetime | None
    """When the first reservation ends; None where nothing is held."""
    is_firm: bool
    """Whether a later capture charges exactly ``held``. False while something is due and a voucher is only selected or
    lapsed, and while a voucher is about to expire, holds more than the order needs, is in another currency than the
    order, or has an open operation: call ``authorize_selected`` before another payment method takes ``due``."""


def cover(order: Any) -> Cover:
    """Return how the vouchers of ``order`` cover it, to the cent. Nothing is sent; one statement.

    Raises PaymentStateError and AmountError where the order has vouchers and no usable total or currency. Without
    vouchers all amounts of such an order are 0.00, and its ``currency`` is empty.
    """
    view = read_order(known_number(order))
    facts = _facts(order, view)
    view = without_earlier_order(view, facts.created_at)
    live = [payment for payment in view.payments if payment.status not in ("cancelled", "failed")]
    captured = sum((payment.amount_captured for payment in live), ZERO)
    held = sum((payment.amount_authorized for payment in live), ZERO)
    due = view.due(facts.total)
    ends = [
        payment.reserved_until for payment in live if payment.reserved_until and payment.amount_authorized
    ]
    return Cover(
        total=facts.total,
        currency=facts.currency,
        captured=captured,
        held=held,
        covered=view.covered(),
        due=due,
        held_until=min(ends, default=None),
        is_firm=captured + held + due == facts.total
        and not any(payment.currency != facts.currency or _is_open(payment, due) for payment in live),
    )


def _facts(order: Any, view: OrderView) -> OrderFacts:
    try:
        return order_facts(order)
    except PaymentStateError:
        if view.payments:
            raise
        return OrderFacts(view.order_number, ZERO, "")


def _is_open(payment: VoucherPayment, due: Decimal) -> bool:
    """Return whether the amount this payment contributes can still change."""
    can_be_held = payment.status in ("selected", "lapsed") and bool(payment.sealed_code) and due > ZERO
    ended = payment.status == "authorized" and not is_usable_now(payment)
    return payment.has_open_operation or ended or can_be_held
