"""The Oscar shop in the words of the tests: what it sells, and a visitor who buys it through Oscar's own views."""

from decimal import Decimal

from django.contrib.sites.models import Site
from django.test import Client
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.event_types import make_rows

__all__ = ["ADDRESS", "Shop", "Visitor"]

ADDRESS = {
    "first_name": "Mara",
    "last_name": "Lind",
    "line1": "Hafenweg 7",
    "line4": "Hamburg",
    "postcode": "20457",
    "country": "DE",
}


class Shop:
    """Products, stock, and visitors."""

    def __init__(self, cloud=None):
        self.cloud = cloud
        Site.objects.get_or_create(pk=1, defaults={"domain": "example.com", "name": "Corner shop"})
        make_rows()  # as `migrate` does: the tests empty every table
        get_model("address", "Country").objects.get_or_create(
            iso_3166_1_a2="DE",
            defaults={"name": "Germany", "printable_name": "Germany", "is_shipping_country": True},
        )

    def product(self, price="30.00", title="Teapot", stock=50, product_class="Goods"):
        """Return a product with a stock record at this price, tax included."""
        kind, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
            name=product_class, defaults={"track_stock": True, "requires_shipping": True}
        )
        partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Our own")
        product = get_model("catalogue", "Product").objects.create(
            title=title, product_class=kind, structure="standalone"
        )
        get_model("partner", "StockRecord").objects.create(
            product=product,
            partner=partner,
            partner_sku=f"sku-{product.pk}",
            price=Decimal(price),
            price_currency="EUR",
            num_in_stock=stock,
        )
        return product

    def voucher(self, amount="20.00", code="GIFT-2000-ABCD", **fields):
        return self.cloud.add_voucher(code=code, amount=amount, **fields)

    def bookings(self, voucher):
        return [(row.type, row.amount) for row in self.cloud.bookings(voucher.id)]

    def spend_at_a_till(self, code, amount):
        self.cloud.charge(self.cloud.reserve(code, amount), "till-1")

    def visitor(self, **kwargs):
        return Visitor(**kwargs)

    def ordered(self, *amounts, price="30.00", quantity=1, **form):
        """Return an order of a guest that is paid with a voucher for each of ``amounts``, and these vouchers."""
        visitor = self.visitor().buy(self.product(price), quantity=quantity).to_preview()
        codes = [f"GIFT-{len(amounts)}{number}00-ABCD" for number in range(len(amounts))]
        vouchers = [self.voucher(amount, code) for amount, code in zip(amounts, codes, strict=True)]
        for code in codes:
            visitor.enter(code)
        response = visitor.place(**form)
        assert response.status_code == 302, response.content.decode()
        return self.orders.last(), *vouchers

    @property
    def orders(self):
        return get_model("order", "Order").objects.order_by("pk")


class Visitor:
    """A guest, or ``user``, with a browser of their own."""

    def __init__(self, user=None, email="mara@example.com", **kwargs):
        self.client = Client(**kwargs)
        self.email = email
        if user is not None:
            self.client.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
        self.user = user

    def buy(self, *products, quantity=1):
        """Put products into the basket."""
        for product in products:
            response = self.client.post(f"/basket/add/{product.pk}/", {"quantity": quantity})
            assert response.status_code == 302, response.content
        return self

    def to_preview(self):
        """Walk through the checkout up to the page with the button "place order"."""
        if self.user is None:
            self.client.post("/checkout/", {"username": self.email, "options": "anonymous"})
        self.client.post("/checkout/shipping-address/", ADDRESS)
        self.client.get("/checkout/shipping-method/")
        self.client.get("/checkout/payment-method/")
        response = self.client.get("/checkout/preview/")
        assert response.status_code == 200, response
        return self

    def enter(self, code, **fields):
        """Enter a gift voucher, as the form on the page does."""
        return self.client.post(
            "/gift-vouchers/apply/", {"code": code, "next": "/checkout/preview/", **fields}
        )

    def state(self):
        """Return what the checkout says of its gift vouchers."""
        return self.client.get("/gift-vouchers/state/", headers={"Accept": "application/json"}).json()

    def place(self, **form):
        """Press "place order"."""
        return self.client.post("/checkout/preview/", {"action": "place_order", **form})
