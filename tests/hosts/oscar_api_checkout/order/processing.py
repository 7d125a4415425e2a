from oscar.apps.order import processing

from voucher_payment_gateway.hosts.oscar.processing import VoucherEventHandlerMixin


class EventHandler(VoucherEventHandlerMixin, processing.EventHandler):
    """The shop's pipeline: ships, gives back, and follows the status of an order."""
