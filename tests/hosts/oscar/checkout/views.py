from oscar.apps.checkout import views

from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


class PaymentDetailsView(VoucherPaymentMixin, views.PaymentDetailsView):
    """The shop's view; its other means of payment are its own."""
