"""A clerk with permissions of ours, and the addresses of the clerk's pages."""

import pytest
from django.contrib.auth.models import Permission

VIEW = ("view_voucherpayment", "view_vouchersale", "view_voucherdifference")


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
