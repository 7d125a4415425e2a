"""The shop's own page of an order shows its gift vouchers, to those who may look at payments."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin import VoucherOrderAdminMixin
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"


class OrderPage(VoucherOrderAdminMixin, admin.ModelAdmin):
    """An order page as a shop writes it."""

    fields = ("note",)


@pytest.fixture
def page_of(rf, django_user_model):
    """Return the text of an order's page for a user with these permissions."""

    def read(order, *permissions):
        request = rf.get("/")
        request.user = django_user_model.objects.create_user("mia", is_staff=True)
        request.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return OrderPage(Order, admin.site).change_view(request, str(order.pk)).render().text

    return read


def test_it_shows_what_the_vouchers_cover_with_links(shop, page_of):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    text = page_of(order, "view_order", "view_voucherpayment")
    folder = "/admin/voucher_payment_gateway/voucherpayment/"
    for shown in (
        "Held: <strong>€20.00</strong>",
        "Owed in another way: <strong>€30.00</strong>",
        f'href="{folder}order/?number=A-1001"',
        f'href="{folder}{VoucherPayment.objects.get().pk}/change/"',
        "…ABCD",
    ):
        assert shown in text, shown
    assert CODE not in text


def test_an_order_without_vouchers_says_so(shop, page_of):
    assert "No gift voucher was used or sold." in page_of(shop.order(), "view_order", "view_voucherpayment")


def test_who_may_not_look_at_payments_sees_nothing_of_it(shop, page_of):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    assert "gift" not in page_of(order, "change_order").lower()
