"""What of an order gift vouchers may pay: not the gift vouchers that it sells, unless ``VOUCHERS_PAY_FOR_VOUCHERS``."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import OrderFacts, order_facts
from voucher_payment_gateway.sold import sold_vouchers

__all__ = ["sold_worth", "with_sold"]


def sold_worth(order: Any) -> Decimal:
    """Return what the gift vouchers are worth that the shop's order sells; 0.00 where vouchers may pay for them."""
    settings = gateway_settings()
    if settings.VOUCHERS_PAY_FOR_VOUCHERS or not settings.SOLD_VOUCHERS:
        return ZERO
    vouchers = sold_vouchers(order, lambda: order_facts(order).currency)
    return sum((voucher.amount for voucher in vouchers), ZERO)


def with_sold(facts: OrderFacts, order: Any = None) -> OrderFacts:
    """Return ``facts`` that say in ``sold`` what the gift vouchers are worth that the order sells, so ``payable`` is
    what gift vouchers may pay of it.

    ``order`` is the shop's order, if it is at hand; else the stored one with this number is looked up, and where there
    is none all of the total is payable. ``SOLD_VOUCHERS`` is called once, and its errors pass through. Without it, or
    where the facts say it already, nothing is called or read.
    """
    settings = gateway_settings()
    if settings.VOUCHERS_PAY_FOR_VOUCHERS:
        return replace(facts, sold=ZERO)
    if facts.sold is not None or not settings.SOLD_VOUCHERS:
        return facts
    if order is None or isinstance(order, OrderFacts):
        order = find_order(facts.number)
    if order is None:
        return facts
    return replace(facts, sold=sold_worth(order))
