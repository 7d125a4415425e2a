"""Cover: what the vouchers of an order pay, and what another payment method takes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.payments import is_usable_now
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import order_facts

__all__ = ["Cover", "cover"]


@dataclass(frozen=True)
class Cover:
    """How an order is covered, in units of ``currency`` with two places: ``total = captured + held + due``, unless
    vouchers pay more than the order costs by now."""

    total: Decimal
    currency: str
    captured: Decimal
    """What was charged to vouchers, of payments that were not cancelled."""
    held: Decimal
    """What reservations hold."""
    covered: Decimal
    """What vouchers have paid, hold, or are about to be charged, of payments that were not cancelled."""
    due: Decimal
    """What another payment method takes, never below zero."""
    held_until: datetime | None
    """When the first of the reservations ends; None where nothing is held."""
    is_firm: bool
    """Whether a later capture charges exactly ``held``. False while something is due and a voucher is only selected or
    lapsed, while one is about to end, holds more than the order needs, is in another currency than the order by now,
    or has an operation that is not decided: call ``authorize_selected`` before another payment method takes ``due``."""


def cover(order: Any) -> Cover:
    """Return how the vouchers of ``order`` cover it, to the cent. Nothing is sent; one statement.

    Raises PaymentStateError and AmountError where the order has no usable number, total or currency.
    """
    facts = order_facts(order)
    view = read_order(facts.number)
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


def _is_open(payment: VoucherPayment, due: Decimal) -> bool:
    """Whether the amount this payment contributes can still change."""
    waits = payment.status in ("selected", "lapsed") and bool(payment.sealed_code) and due > ZERO
    ended = payment.status == "authorized" and not is_usable_now(payment)
    return payment.has_open_operation or ended or waits
