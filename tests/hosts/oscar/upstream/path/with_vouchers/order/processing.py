from oscar.apps.order import processing

from voucher_payment_gateway.hosts.oscar.processing import VoucherEventHandlerMixin


class EventHandler(VoucherEventHandlerMixin, processing.EventHandler):
    """Oscar's, with ours before it."""
