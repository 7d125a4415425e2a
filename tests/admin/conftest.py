"""A clerk with permissions of ours, and the addresses of the clerk's pages."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from voucher_payment_gateway import gateway

VIEW = ("view_voucherpayment", "view_vouchersale", "view_voucherdifference")
REFUNDS = ("capture_voucherpayment", "refund_voucherpayment", "cancel_voucherpayment")


class Desk:
    """The clerk's pages, read by one who is logged in."""

    FOLDER = "/admin/voucher_payment_gateway/voucherpayment/"

    def __init__(self, client):
        self.client = client

    def order(self, number="A-1001"):
        return self.client.get(f"{self.FOLDER}order/", {"number": number})

    def search(self, term, **options):
        return self.client.post(f"{self.FOLDER}search/", {"code": term}, **options)

    def attention(self):
        return self.client.get(f"{self.FOLDER}attention/")

    def statement(self, voucher_id, account=""):
        return self.client.get(f"{self.FOLDER}statement/", {"voucher": voucher_id, "account": account})

    def payments(self, **query):
        return self.client.get(self.FOLDER, query)


@pytest.fixture
def desk(client, django_user_model):
    """Log a clerk in: call it with the permissions, by default those to look at everything of ours."""

    def log_in(*permissions, name="mia"):
        user = django_user_model.objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions or VIEW))
        client.force_login(user)
        return Desk(client)

    return log_in


@pytest.fixture
def charged(shop, gateway_settings):
    """An order of 300.00 that a voucher has paid, where one person may refund 100.00 alone."""
    gateway_settings(REFUND_APPROVAL_ABOVE={"EUR": "100.00"})
    shop.voucher("300.00", code="GIFT-9000-ABCD")
    order = shop.order("300.00")
    gateway.authorize(order, "GIFT-9000-ABCD")
    gateway.authorize_selected(order)
    gateway.capture(order)
    return order


@pytest.fixture
def person(django_user_model):
    """A member of the staff at a computer of its own: call it with a name and the permissions."""

    def log_in(name, *permissions, **fields):
        user = django_user_model.objects.create_user(name, is_staff=True, **fields)
        user.user_permissions.set(Permission.objects.filter(codename__in=(*VIEW, *permissions)))
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def mia(person):
    """Who may refund and approve, but not her own."""
    return person("mia", *REFUNDS, "approve_voucherapproval")


@pytest.fixture
def ben(person):
    return person("ben", "approve_voucherapproval")
