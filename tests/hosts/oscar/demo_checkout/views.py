"""The demo's checkout: what gift vouchers leave is charged to a card at once."""

from oscar.apps.checkout import views
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.checkout import VoucherPaymentMixin


class CardPaymentDetailsView(views.PaymentDetailsView):
    """A card that always pays."""

    def handle_payment(self, order_number, total, **kwargs):
        card, _ = get_model("payment", "SourceType").objects.get_or_create(name="Card")
        source = get_model("payment", "Source")(
            source_type=card,
            currency=total.currency,
            amount_allocated=total.incl_tax,
            amount_debited=total.incl_tax,
            reference=f"card-{order_number}",
        )
        source.create_deferred_transaction("Debit", total.incl_tax, reference=source.reference)
        self.add_payment_source(source)


class PaymentDetailsView(VoucherPaymentMixin, CardPaymentDetailsView):
    template_name = "voucher_payment_gateway/oscar/payment_details.html"
    template_name_preview = "voucher_payment_gateway/oscar/preview.html"
