from oscar.apps.order import processing

from voucher_payment_gateway.hosts.oscar.processing import VoucherEventHandlerMixin
from voucher_payment_gateway.hosts.oscar.selling_returns import SoldVoucherEventHandlerMixin


class EventHandler(SoldVoucherEventHandlerMixin, VoucherEventHandlerMixin, processing.EventHandler):
    """The shop's pipeline: gift vouchers are taken back before money goes back."""
