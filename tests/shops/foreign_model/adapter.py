"""What the shop writes for it: an adapter, and the order of a visitor."""

from decimal import Decimal

from tests.shops.foreign_model.models import Sale
from voucher_payment_gateway.orders import OrderAdapter


class SaleAdapter(OrderAdapter):
    def number(self, order):
        return str(order)

    def total(self, order):
        return Decimal(order.cents) / 100

    def currency(self, order):
        return "EUR"

    def lookup(self, number):
        branch, _, serial = number.partition("-")
        return {"branch": branch, "serial": serial}


def current(request):
    return Sale.objects.filter(pk=request.session.get("sale")).first()
