"""The events of this shop. Each signal is sent with ``order=``; the settings map it to a verb of the gateway."""

from django.dispatch import Signal

__all__ = [
    "checkout_confirmed",
    "gift_vouchers_returned",
    "goods_returned",
    "order_cancelled",
    "order_paid",
    "order_shipped",
]

checkout_confirmed = Signal()
order_paid = Signal()
"""The card was charged, or the customer has paid at the counter."""
order_shipped = Signal()
goods_returned = Signal()
"""Also sent with ``amount=``: the amount to refund, or None for everything."""
order_cancelled = Signal()
gift_vouchers_returned = Signal()
"""The gift vouchers that the order sold come back; also sent with ``actor=`` and ``reason=``."""
