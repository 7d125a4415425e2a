"""A shop with two merchants, each with a Voucher Cloud of its own over real HTTP, where the same codes are issued."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.gateway.records import instance
from voucher_payment_gateway.testing.cloud import served

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def clouds():
    with served() as north, served() as south:
        yield {"north": north, "south": south}


@pytest.fixture
def change(settings, clouds):
    """Set the accounts of both merchants and no other; call it with keys to change the settings."""
    own = settings.VOUCHER_PAYMENT_GATEWAY
    settings.VOUCHER_PAYMENT_GATEWAY = {
        **{key: value for key, value in own.items() if key not in ("CLIENT_ID", "CLIENT_SECRET")},
        "ACCOUNTS": {name: credentials(cloud) for name, cloud in clouds.items()},
        "ACCOUNT_OF_ORDER": "tests.accounts.shop.merchant_of",
        "CHECKOUT_ORDER": "tests.accounts.shop.current_order",
    }

    def change(**changes):
        changed = {**settings.VOUCHER_PAYMENT_GATEWAY, **changes}
        settings.VOUCHER_PAYMENT_GATEWAY = {key: value for key, value in changed.items() if value is not ...}

    yield change
    connection.close()


@pytest.fixture
def market(transactional_db, change, clouds):
    return Market(clouds, change)


def credentials(cloud):
    return {"BASE_URL": cloud.base_url, "CLIENT_ID": cloud.client_id, "CLIENT_SECRET": cloud.client_secret}


class Market:
    """The shop of two merchants in the words of the tests."""

    def __init__(self, clouds, change):
        self.north, self.south = clouds["north"], clouds["south"]
        self.change = change
        instance._agreed.clear()

    def vouchers(self, north="20.00", south="50.00", code=CODE, **fields):
        """The same code at both merchants, with different balances."""
        return (
            self.north.add_voucher(code=code, amount=north, **fields),
            self.south.add_voucher(code=code, amount=south, **fields),
        )

    def order(self, number, total="60.00", **fields):
        from tests.shop.models import Order

        return Order.objects.create(number=number, total=Decimal(total), **fields)

    def held(self, number, total="60.00", **fields):
        """An order that is authorized and confirmed with the voucher of its merchant."""
        order = self.order(number, total, **fields)
        gateway.authorize(order, CODE)
        gateway.authorize_selected(order)
        return order

    def without(self, name):
        """Take an account out of the settings, as when a merchant leaves the platform."""
        accounts = {"north": credentials(self.north), "south": credentials(self.south)}
        del accounts[name]
        self.change(ACCOUNTS=accounts)

    def later(self, **duration):
        """Let time pass, at both merchants and here."""
        from django.db.models import DateTimeField, F

        from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

        delta = timedelta(**duration)
        for model in (VoucherPayment, VoucherOperation, VoucherSale):
            instants = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
            model.objects.update(**{name: F(name) - delta for name in instants})
        for cloud in (self.north, self.south):
            cloud.clock.advance(delta.total_seconds())

    def reconcile(self, **options):
        now = timezone.now()
        return gateway.reconcile(now - timedelta(days=2), now + timedelta(days=1), **options)


def bookings(cloud, voucher):
    return [(row.type, str(row.amount)) for row in cloud.bookings(voucher.id)]


def tokens(cloud):
    """How many tokens were granted at a merchant."""
    return sum(request.path.endswith("/oauth/token") for request in cloud.requests)


def calls(cloud):
    """The requests at a merchant since the last call of this, without token requests."""
    sent = [(each.method, each.path) for each in cloud.requests if not each.path.endswith("/oauth/token")]
    cloud.forget_requests()
    return sent
