"""Every verb moves the money of the order's merchant, although the other one has a voucher with the same code."""

import asyncio
from decimal import Decimal as D

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from tests.accounts.conftest import CODE, bookings, calls, tokens
from tests.shop.models import Order
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderFacts


def test_each_order_is_paid_with_the_voucher_of_its_merchant(market):
    north, south = market.vouchers("20.00", "50.00")
    held = [gateway.authorize(market.order(number), CODE) for number in ("N-1", "S-1")]
    assert [(each.account, each.amount_authorized) for each in held] == [
        ("north", D("20.00")),
        ("south", D("50.00")),
    ]
    assert [each.voucher_id for each in held] == [north.id, south.id]


def test_capture_refund_and_cancel_go_where_the_payment_was_made(market):
    north, south = market.vouchers("20.00", "50.00")
    orders = [market.held(number) for number in ("N-1", "S-1")]
    for order in orders:
        gateway.capture(order)
        gateway.refund(order, D("5.00"))
        gateway.cancel(order)
    assert bookings(market.north, north) == [("charge", "20.00"), ("refund", "5.00"), ("refund", "15.00")]
    assert bookings(market.south, south) == [("charge", "50.00"), ("refund", "5.00"), ("refund", "45.00")]


def test_a_cancelled_hold_is_released_at_its_merchant(market):
    market.vouchers()
    order = market.held("S-1")
    calls(market.north), calls(market.south)
    gateway.cancel(order)
    assert calls(market.north) == []
    assert [method for method, _ in calls(market.south)] == ["DELETE"]


def test_selected_codes_are_reserved_at_their_merchants(market):
    market.vouchers("20.00", "50.00")
    orders = [market.order(number) for number in ("N-1", "S-1")]
    for order in orders:
        gateway.select(order, CODE)
    held = [gateway.authorize_selected(order)[0] for order in orders]
    assert [(each.account, each.amount_authorized) for each in held] == [
        ("north", D("20.00")),
        ("south", D("50.00")),
    ]


def test_the_async_verbs_do_the_same(market):
    north, south = market.vouchers("20.00", "50.00")
    orders = [market.order(number) for number in ("N-1", "S-1")]

    async def pay(order):
        await gateway.aauthorize(order, CODE)
        await gateway.aauthorize_selected(order)
        await gateway.acapture(order)
        await gateway.arefund(order, D("5.00"))

    async def pay_all():
        for order in orders:
            await pay(order)

    asyncio.run(pay_all())
    assert bookings(market.north, north) == [("charge", "20.00"), ("refund", "5.00")]
    assert bookings(market.south, south) == [("charge", "50.00"), ("refund", "5.00")]


def test_each_merchant_grants_one_token_and_sees_no_other(market):
    """A token of the other cloud would be rejected there, and a new one requested."""
    market.vouchers()
    for number in ("N-1", "S-1", "N-2", "S-2"):
        gateway.capture(market.held(number, total="5.00"))
    assert (tokens(market.north), tokens(market.south)) == (1, 1)
    assert connection.voucher_cloud("north") is not connection.voucher_cloud("south")
    assert connection.voucher_cloud("north") is connection.voucher_cloud("north")


def test_a_verb_called_inside_of_a_transaction_charges_the_merchant_of_the_payment(market):
    north, south = market.vouchers("20.00", "50.00")
    order = market.held("S-1")
    with transaction.atomic():
        gateway.capture(order)
    assert (bookings(market.north, north), bookings(market.south, south)) == ([], [("charge", "50.00")])


def test_verbs_that_get_a_number_alone_use_the_account_of_the_payments(market):
    _, south = market.vouchers("20.00", "50.00")
    market.held("S-1")
    Order.objects.update(number="Z-9")  # nothing but the payment says whose it was
    gateway.capture(OrderFacts("S-1", D("60.00"), "EUR"))
    assert bookings(market.south, south) == [("charge", "50.00")]


@pytest.mark.parametrize("number", ["W-1", "Z-1", "D-1"])
def test_an_account_that_is_not_there_is_told_before_anything_is_sent(market, number):
    market.vouchers()
    order = market.order(number)
    for verb in (gateway.authorize, gateway.select):
        with pytest.raises(ImproperlyConfigured, match=rf"order {number} .*'north', 'south'"):
            verb(order, CODE)
    assert (calls(market.north), calls(market.south)) == ([], [])
    assert not VoucherPayment.objects.exists()


def test_the_default_account_is_used_only_where_it_has_credentials(market, clouds):
    _, south = market.vouchers("20.00", "50.00")
    default = clouds["south"].add_client(name="Default")
    market.change(CLIENT_ID=default.id, CLIENT_SECRET=default.secret, BASE_URL=market.south.base_url)
    payment = gateway.authorize(market.order("D-1"), CODE)
    assert (payment.account, payment.voucher_id) == ("", south.id)


def test_facts_name_the_account_of_a_new_payment(market):
    market.vouchers("20.00", "50.00")
    facts = OrderFacts("A-1", D("60.00"), "EUR", account="south")
    assert gateway.authorize(facts, CODE).amount_authorized == D("50.00")


def test_facts_without_an_account_are_those_of_the_stored_order(market):
    market.vouchers("20.00", "50.00")
    market.order("S-1")
    assert gateway.authorize(OrderFacts("S-1", D("60.00"), "EUR"), CODE).account == "south"


def test_facts_of_an_order_that_nobody_knows_are_refused(market):
    market.vouchers()
    with pytest.raises(PaymentStateError) as caught:
        gateway.authorize(OrderFacts("A-1", D("60.00"), "EUR"), CODE)
    assert caught.value.code == "account_missing"
    assert (calls(market.north), calls(market.south)) == ([], [])


def test_facts_with_a_wrong_account_are_refused(market):
    with pytest.raises(ImproperlyConfigured, match="'west'"):
        gateway.authorize(OrderFacts("A-1", D("60.00"), "EUR", account="west"), CODE)


def test_a_shop_without_accounts_takes_no_facts_of_one(shop):
    shop.voucher("20.00")
    with pytest.raises(ImproperlyConfigured, match="'north'"):
        gateway.authorize(OrderFacts("A-1", D("60.00"), "EUR", account="north"), CODE)
    assert shop.calls() == []
