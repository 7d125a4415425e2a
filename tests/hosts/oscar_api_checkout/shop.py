"""The headless shop in the words of the tests: what it sells, and a buyer who uses its REST API."""

from decimal import Decimal

from django.test import Client
from oscar.core.loading import get_class, get_model
from oscarapicheckout.serializers import OrderTokenField

from voucher_payment_gateway.hosts.oscar.event_types import make_rows
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["Buyer", "Shop"]

ADDRESS = {
    "first_name": "Mara",
    "last_name": "Lind",
    "line1": "Hafenweg 7",
    "line4": "Hamburg",
    "postcode": "20457",
    "country": "/api/countries/DE/",
}


class Shop:
    """Products, stock, orders and staff."""

    def __init__(self, cloud):
        self.cloud = cloud
        get_model("sites", "Site").objects.get_or_create(
            pk=1, defaults={"domain": "testserver", "name": "Corner shop"}
        )
        make_rows()
        get_model("address", "Country").objects.get_or_create(
            iso_3166_1_a2="DE",
            defaults={"name": "Germany", "printable_name": "Germany", "is_shipping_country": True},
        )

    def product(self, price="30.00"):
        kind, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
            name="Goods", defaults={"track_stock": True, "requires_shipping": True}
        )
        partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Our own")
        product = get_model("catalogue", "Product").objects.create(
            title="Teapot", product_class=kind, structure="standalone"
        )
        get_model("partner", "StockRecord").objects.create(
            product=product,
            partner=partner,
            partner_sku=f"sku-{product.pk}",
            price=Decimal(price),
            price_currency="EUR",
            num_in_stock=500,
        )
        return product

    def buyer(self, price="30.00"):
        """Return a buyer with goods of this price in the basket."""
        return Buyer().buy(self.product(price))

    def voucher(self, amount="20.00", code="GIFT-2000-ABCD", **fields):
        return self.cloud.add_voucher(code=code, amount=amount, **fields)

    def bookings(self, voucher):
        return [(row.type, row.amount) for row in self.cloud.bookings(voucher.id)]

    @property
    def order(self):
        return get_model("order", "Order").objects.get()

    @property
    def payments(self):
        """Return status, hold and charge of each payment, oldest first."""
        rows = VoucherPayment.objects.values_list("status", "amount_authorized", "amount_captured")
        return [(status, float(held), float(charged)) for status, held, charged in rows]

    @property
    def sources(self):
        """Return type, allocated, debited and refunded amount of each source, oldest first."""
        rows = get_model("payment", "Source").objects.order_by("pk")
        return [
            (
                str(row.source_type),
                *map(float, (row.amount_allocated, row.amount_debited, row.amount_refunded)),
            )
            for row in rows
        ]

    @property
    def orders(self):
        return get_model("order", "Order").objects.count()

    @property
    def confirmed(self):
        return [bool(row.confirmed_at) for row in VoucherPayment.objects.all()]

    @property
    def reservations(self):
        """Return the ids of all reservations that were ever recorded."""
        return list(VoucherOperation.objects.filter(kind="reserve").values_list("remote_id", flat=True))

    def transactions(self, kind):
        rows = get_model("payment", "Transaction").objects.filter(txn_type=kind).order_by("pk")
        return [float(row.amount) for row in rows]

    def ship(self, order=None):
        """Ship the whole order, as the dashboard does."""
        order = order or self.order
        lines = list(order.lines.all())
        shipped = get_model("order", "ShippingEventType").objects.get(name="Shipped")
        self.events().handle_shipping_event(order, shipped, lines, [line.quantity for line in lines])

    def give_back(self, amount, key="", order=None):
        refunded = get_model("order", "PaymentEventType").objects.get(name="Refunded")
        self.events().handle_payment_event(order or self.order, refunded, Decimal(amount), key=key)

    def spend_at_a_till(self, code, amount):
        self.cloud.charge(self.cloud.reserve(code, amount), "till-1")

    @staticmethod
    def events():
        return get_class("order.processing", "EventHandler")()


class Buyer:
    """A guest with a browser of their own."""

    def __init__(self):
        self.client = Client(raise_request_exception=False)
        self.basket = None

    def buy(self, product):
        self.basket = self.client.get("/api/basket/").json()["id"]
        answer = self.post(
            "basket/add-product/", {"url": f"http://testserver/api/products/{product.pk}/", "quantity": 1}
        )
        assert answer.status_code == 200, answer.content
        return self

    def post(self, path, data):
        return self.client.post(f"/api/{path}", data, content_type="application/json")

    def checkout(self, **payment):
        """Post the basket with these means of payment, by key, as ``voucher``, ``cash`` and ``card`` return them."""
        return self.post(
            "checkout/",
            {
                "guest_email": "mara@example.com",
                "basket": f"/api/baskets/{self.basket}/",
                "shipping_address": ADDRESS,
                "billing_address": ADDRESS,
                "payment": payment,
            },
        )

    def complete_deferred(self, order, **payment):
        token = OrderTokenField.get_order_token(order)
        return self.post("checkout/complete-deferred-payment/", {"order": token, "payment": payment})

    def bank(self, order, amount, **answer):
        return self.client.post("/bank/", {"order": order.number, "amount": amount, **answer})

    def states(self):
        """Return the status of the order, and of each means of payment."""
        answer = self.client.get("/api/checkout/payment-states/").json()
        if "order_status" not in answer:
            return "", {}
        states = answer["payment_method_states"] or {}
        return answer["order_status"], {
            key: (state["status"], state["amount"]) for key, state in states.items()
        }

    def message(self, key):
        answer = self.client.get("/api/checkout/payment-states/").json()
        return answer["payment_method_states"][key].get("message")


def voucher(code="GIFT-2000-ABCD", amount=None, **fields):
    share = {"pay_balance": True} if amount is None else {"pay_balance": False, "amount": amount}
    return {"method_type": "gift-voucher", "enabled": True, "code": code, **share, **fields}


def cash(amount=None):
    share = {"pay_balance": True} if amount is None else {"pay_balance": False, "amount": amount}
    return {"method_type": "cash", "enabled": True, **share}


def card():
    return {"method_type": "card", "enabled": True, "pay_balance": True}
