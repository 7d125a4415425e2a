from oscar.apps.checkout import views

from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


class PaymentDetailsView(VoucherPaymentMixin, views.PaymentDetailsView):
    template_name = "voucher_payment_gateway/oscar/payment_details.html"
    template_name_preview = "voucher_payment_gateway/oscar/preview.html"
