"""A clerk who may look at payments cannot ask, by the address of the list, about what the page does not show."""

import pytest
from django.contrib.auth.models import Permission

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"
PAYMENTS = "/admin/voucher_payment_gateway/voucherpayment/"
DIFFERENCES = "/admin/voucher_payment_gateway/voucherdifference/"


@pytest.fixture
def clerk(client, django_user_model, shop):
    """A client of somebody who may look at everything of ours and change nothing."""
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="voucher_payment_gateway", codename__startswith="view_"
        )
    )
    client.force_login(user)
    shop.voucher()
    gateway.authorize(shop.order(), CODE)
    return client


def hidden():
    payment = VoucherPayment.objects.get()
    return {
        "sealed_code": payment.sealed_code,
        "sealed_code__startswith": payment.sealed_code[:5],
        "sealed_code__gte": "a",
        "code_fingerprint": payment.code_fingerprint,
        "code_fingerprint__startswith": payment.code_fingerprint[:1],
        "code_fingerprint__regex": ".",
        "confirmation": "1",
        "renew_at__isnull": "True",
        "code_kept_until__gt": "2020-01-01",
        "operations__claim__isnull": "False",
    }


def test_no_list_is_filtered_by_what_it_does_not_show(clerk):
    for lookup, value in hidden().items():
        assert clerk.get(PAYMENTS, {lookup: value}).status_code == 400, lookup
    for lookup in (
        "payment__sealed_code__startswith",
        "payment__code_fingerprint",
        "operation__payment__sealed_code",
    ):
        assert clerk.get(DIFFERENCES, {lookup: "a"}).status_code == 400, lookup


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"status__exact": "authorized"},
        {"currency": "EUR"},
        {"attention": "unpaid"},
        {"created_at__gte": "2020-01-01 00:00:00+00:00"},
        {"created_at__year": "2026"},
        {"order_number__startswith": "A"},
        {"amount_authorized__gt": "5"},
        {"id__gt": "0"},
        {"q": "A-1001", "o": "1", "p": "1"},
    ],
)
def test_a_list_is_filtered_by_what_it_shows(clerk, query):
    assert clerk.get(PAYMENTS, query).status_code == 200


@pytest.mark.parametrize(
    "query",
    [{"state": "open"}, {"kind": "ours_only"}, {"first_seen_at__year": "2026"}, {"order_number": "A-1"}],
)
def test_the_list_of_differences_is_filtered_by_what_it_shows(clerk, query):
    assert clerk.get(DIFFERENCES, query).status_code == 200
