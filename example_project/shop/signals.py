"""What happens in this shop. Each signal carries ``order=``; the settings say what it means for money."""

from django.dispatch import Signal

__all__ = ["checkout_confirmed", "goods_returned", "order_cancelled", "order_changed", "order_shipped"]

checkout_confirmed = Signal()
order_changed = Signal()
"""The order of a checkout costs more or less by now."""
order_shipped = Signal()
goods_returned = Signal()
"""Also carries ``amount=``: what the customer gets back, or None for everything."""
order_cancelled = Signal()
