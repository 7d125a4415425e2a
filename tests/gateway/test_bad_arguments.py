"""Invalid arguments: each raises an error that names the argument, and nothing is sent or half done."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import OrderFacts

CODE = "GIFT-2000-ABCD"


@pytest.mark.parametrize("number", [5, None, b"A-1"])
def test_an_order_number_that_is_no_text_is_named(shop, number):
    with pytest.raises(PaymentStateError, match="number: must be a text") as caught:
        gateway.authorize(OrderFacts(number, D("20.00"), "EUR"), CODE)
    assert (caught.value.code, shop.calls()) == ("order_number_malformed", [])


@pytest.mark.parametrize("order", [7, "A-1001", object()])
@pytest.mark.parametrize("verb", [gateway.capture, gateway.refund, gateway.cancel, gateway.cover])
def test_what_is_no_order_is_named(shop, verb, order):
    with pytest.raises(PaymentStateError, match=r"has no 'number': give an order of shop\.Order") as caught:
        verb(order)
    assert (caught.value.code, shop.calls()) == ("order_malformed", [])


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, ""), (7, "7"), ("x" * 300, "x" * 255), ("a\0b", "ab"), ("a\ud800b", "a?b")],
)
def test_a_reason_is_kept_as_a_text_of_its_length(shop, order, given, kept):
    gateway.capture(order, actor=given, reason=given)
    charge = VoucherOperation.objects.get(kind="charge")
    assert (charge.state, charge.reason, charge.actor) == ("succeeded", kept, kept[:150])


@pytest.mark.parametrize("limit", [0, -1, None, "5", 10**20, True])
def test_a_limit_that_is_none_is_named(shop, limit):
    with pytest.raises(ValueError, match="limit: give a whole number from 1 to"):
        gateway.settle(limit)
