"""A shop on django-payments, connected to the local Voucher Cloud over real HTTP."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F
from django.urls import reverse
from payments.signals import status_changed

from tests.conftest import Shop
from tests.hosts.django_payments.models import Order, Payment
from voucher_payment_gateway import gateway


@pytest.fixture
def shop(transactional_db, gateway_settings, voucher_cloud, client):
    """The shop in autocommit mode, as it runs in production."""
    shop = PaymentShop(voucher_cloud, client)
    status_changed.connect(shop.note)
    yield shop
    status_changed.disconnect(shop.note)


class PaymentShop(Shop):
    """The steps of customers and staff, each through the views of the shop or of django-payments."""

    def __init__(self, cloud, client):
        super().__init__(cloud)
        self.client = client
        self.statuses = []
        """The statuses of which django-payments has sent its signal."""

    def note(self, instance, **_):
        self.statuses.append(instance.status)

    def order(self, total="50.00", number="A-1001"):
        return Order.objects.create(number=number, total=Decimal(total))

    def payment(self, total="50.00", variant="voucher", order=None, **fields):
        order = order or self.order(total, number=f"A-{1001 + Order.objects.count()}")
        return Payment.objects.create(
            order=order, variant=variant, total=Decimal(total), currency="EUR", **fields
        )

    def enter(self, payment, code="GIFT-2000-ABCD", page="pay", **fields):
        """Enter a code on the page of the payment."""
        return self.client.post(reverse(page, args=[payment.pk]), {"code": code, **fields})

    def post(self, payment, code="GIFT-2000-ABCD", **fields):
        """Post a code to the address of django-payments, which runs in a transaction."""
        return self.client.post(payment.get_process_url(), {"code": code, **fields})

    def staff(self, payment, verb, **fields):
        """Let a clerk call a verb of the payment."""
        return self.client.post(reverse("staff", args=[payment.pk, verb]), fields)

    def preauthorized(self, total="20.00", **fields):
        """Return a payment whose voucher holds its total, and the voucher."""
        code = f"GIFT-{2000 + len(self.vouchers)}-ABCD"
        voucher, payment = self.voucher(total, code=code), self.payment(total, **fields)
        assert self.enter(payment, code=code).status_code == 302
        return payment, voucher

    def captured(self, total="20.00", **fields):
        payment, voucher = self.preauthorized(total, **fields)
        assert self.staff(payment, "capture").status_code == 200
        return payment, voucher

    def later(self, **duration):
        """Let time pass for the rows of the host too."""
        super().later(**duration)
        passed = timedelta(**duration)
        Payment.objects.update(created=F("created") - passed, modified=F("modified") - passed)

    def settle(self):
        self.later(seconds=130)
        return gateway.settle()

    def row(self, payment):
        """Return what the row says in the database."""
        row = Payment.objects.get(pk=payment.pk)
        return row.status, row.captured_amount
