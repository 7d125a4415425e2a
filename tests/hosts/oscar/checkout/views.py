"""The shop's checkout, as a fork of Oscar's has it: its other means of payment is behind the gift vouchers."""

from oscar.apps.checkout import views
from oscar.apps.payment.exceptions import UnableToTakePayment
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


class CardPaymentDetailsView(views.PaymentDetailsView):
    """Takes a card by its token: another means of payment, of which no gift voucher knows anything."""

    def handle_payment(self, order_number, total, **kwargs):
        token = self.request.POST.get("card", "")
        if not token:
            return
        if token == "declined":
            raise UnableToTakePayment("The card was declined.")
        card, _ = get_model("payment", "SourceType").objects.get_or_create(name="Card")
        source = get_model("payment", "Source")(
            source_type=card, currency=total.currency, amount_allocated=total.incl_tax, reference=token
        )
        source.create_deferred_transaction("Authorise", total.incl_tax, reference=token)
        self.add_payment_source(source)


class PaymentDetailsView(VoucherPaymentMixin, CardPaymentDetailsView):
    template_name = "voucher_payment_gateway/oscar/payment_details.html"
    template_name_preview = "voucher_payment_gateway/oscar/preview.html"
