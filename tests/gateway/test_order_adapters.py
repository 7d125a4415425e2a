"""What an adapter of the shop returns by mistake, and what is no stored order: a clear error, and nothing is sent."""

from decimal import Decimal as D

import pytest

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter, OrderFacts

CODE = "GIFT-2000-ABCD"


class Money:
    """An amount with its currency, as some shops keep it."""

    def __init__(self, amount, currency):
        self.amount, self.currency = D(amount), currency


TOTALS = {"float": 50.0, "NoneType": None, "Money": Money("50.00", "EUR"), "bool": True}


class WrongAdapter(OrderAdapter):
    """Returns ``value`` as the total, and composes a number without a look at what it is given."""

    value = None

    def total(self, order):
        return WrongAdapter.value

    def number(self, order):
        return f"A-{order.pk}"

    def lookup(self, number):
        return {"pk": number.removeprefix("A-")}


@pytest.fixture
def wrong_total(gateway_settings, monkeypatch):
    def give(value):
        gateway_settings(ORDER_ADAPTER=f"{__name__}.WrongAdapter")
        monkeypatch.setattr(WrongAdapter, "value", value)

    return give


@pytest.mark.parametrize("kind", TOTALS)
@pytest.mark.parametrize("with_voucher", [False, True], ids=["no voucher", "a voucher"])
def test_a_total_of_another_type_is_one_clear_error_everywhere(shop, wrong_total, kind, with_voucher):
    shop.voucher()
    order = shop.order()
    wrong_total(D("50.00"))
    if with_voucher:
        gateway.authorize(order, CODE)
    shop.calls()
    wrong_total(TOTALS[kind])
    calls = [
        lambda: gateway.authorize(order, CODE),
        lambda: gateway.select(order, CODE),
        lambda: order.voucher_due,
        *([lambda: gateway.capture(order), lambda: gateway.cover(order)] if with_voucher else []),
    ]
    for call in calls:
        with pytest.raises(AmountError, match=f"^total: give a Decimal or a string, not {kind}") as caught:
            call()
        assert caught.value.code == "amount_malformed"
    assert shop.calls() == []


@pytest.mark.parametrize(
    "adapter", ["voucher_payment_gateway.orders.OrderAdapter", f"{__name__}.WrongAdapter"]
)
@pytest.mark.parametrize(
    "verb",
    [
        lambda order: gateway.authorize(order, CODE),
        lambda order: gateway.select(order, CODE),
        *(gateway.authorize_selected, gateway.capture, gateway.refund, gateway.cancel, gateway.cover),
    ],
)
def test_no_order_at_all_names_the_model(shop, gateway_settings, adapter, verb):
    gateway_settings(ORDER_ADAPTER=adapter)
    with pytest.raises(PaymentStateError, match=r"^order: is None: give an order of shop\.Order") as caught:
        verb(None)
    assert (caught.value.code, shop.calls()) == ("order_malformed", [])


UNSAVED = {
    "never saved": lambda shop: Order(number="A-1001", total=D("50.00")),
    "a primary key of its own": lambda shop: Order(pk=77, number="A-1001", total=D("50.00")),
    "a copy": lambda shop: copy_of(shop.order()),
    "deleted": lambda shop: deleted(shop.order()),
}


def copy_of(order):
    order.pk = None
    return order


def deleted(order):
    order.delete()
    return order


@pytest.mark.parametrize("verb", [gateway.authorize, gateway.select])
@pytest.mark.parametrize("kind", UNSAVED)
def test_an_order_that_is_not_saved_is_refused(shop, kind, verb):
    shop.voucher()
    order = UNSAVED[kind](shop)
    with pytest.raises(PaymentStateError, match="order: A-1001 is not saved") as caught:
        verb(order, CODE)
    assert (caught.value.code, shop.calls()) == ("order_unsaved", [])
    assert not VoucherPayment.objects.exists()


def test_facts_stand_for_an_order_that_is_stored_elsewhere(shop):
    shop.voucher()
    assert gateway.authorize(OrderFacts("B-7", D("5.00"), "EUR"), CODE).amount_authorized == D("5.00")
