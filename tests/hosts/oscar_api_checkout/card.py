"""Another payment method of the shop: the bank answers later, in a request of the customer's browser."""

from decimal import Decimal

from django.http import HttpResponse
from oscar.core.loading import get_model
from oscarapicheckout import states, utils
from oscarapicheckout.methods import PaymentMethod

__all__ = ["Card", "bank_answers"]


class Card(PaymentMethod):
    name = "Card"
    code = "card"

    def _record_payment(self, request, order, method_key, amount, reference, **kwargs):
        return states.FormPostRequired(amount, name="bank", url="/bank/")


def bank_answers(request):
    """The customer comes back from the bank's page, which says whether ``amount`` was granted."""
    order = get_model("order", "Order").objects.get(number=request.POST["order"])
    amount = Decimal(request.POST["amount"])
    if request.POST.get("refused"):
        utils.mark_payment_method_declined(order, request, "card", amount)
    else:
        source = Card().get_source(order, "bank-1")
        source.allocate(amount, "bank-1")
        utils.mark_payment_method_completed(order, request, "card", amount, source_id=source.pk)
    return HttpResponse()
