from oscar.apps.checkout import views

from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


class PaymentDetailsView(VoucherPaymentMixin, views.PaymentDetailsView):
    """With the templates of Oscar's test shop: its tests submit the only form of a page."""
