"""The events of this shop. Each signal is sent with ``order=``; the settings map it to a verb of the gateway."""

from django.dispatch import Signal

__all__ = ["checkout_confirmed", "goods_returned", "order_cancelled", "order_shipped"]

checkout_confirmed = Signal()
order_shipped = Signal()
goods_returned = Signal()
"""Also sent with ``amount=``: the amount to refund, or None for everything."""
order_cancelled = Signal()
