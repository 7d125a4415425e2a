"""One signal takes the sold vouchers back and refunds what paid for them: the refund waits as long as the take back."""

import logging
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.db.models import F

from tests.gateway.sales import check, remote, settle_all
from tests.shop import signals
from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.recovery import postponed
from voucher_payment_gateway.models import VoucherGatewayState, VoucherPayment, VoucherSale
from voucher_payment_gateway.orders import OrderAdapter

RETURNED = "tests.shop.signals.returned"


@pytest.fixture
def verb():
    return "refund"


@pytest.fixture
def order(shop, gateway_settings, verb):
    """It has sold a voucher of 50.00, and was paid with another one. The shop names the refund first."""
    events = {verb: RETURNED, "take_back": RETURNED}
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", EVENTS=events, VOUCHERS_PAY_FOR_VOUCHERS=True)
    return paid_order(shop)


def paid_order(shop, number="A-1001"):
    order = shop.order("50.00", number=number, note="a=50.00")
    pay(shop, order, "50.00")
    gateway.activate(order)
    return order


def buy_more(shop, order):
    order.total += D("30.00")
    order.save()
    pay(shop, order, "30.00")


def pay(shop, order, amount):
    voucher = shop.voucher(amount, code=f"PAY-{order.number}-{len(shop.vouchers)}")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)


@pytest.fixture
def used(shop, order):
    return use(shop, order)


def use(shop, order):
    """What was spent of the voucher went back: it counts as taken back only after 36 minutes."""
    other = shop.order("20.00", number=f"U-{order.number}")
    gateway.authorize(other, remote(shop, sale(order.number)).code)
    gateway.capture(other)
    gateway.refund(other)
    shop.later(hours=1)
    return order


def sale(number="A-1001"):
    return VoucherSale.objects.get(order_number=number)


def give_back(order, **arguments):
    signals.returned.send(sender=None, order=order, actor="mia", reason="by hand", **arguments)


def after_the_wait(shop):
    shop.later(minutes=37)
    gateway.settle()


def is_waiting():
    return VoucherGatewayState.objects.filter(name__contains="-later").exists()


def test_it_follows_at_once_where_the_voucher_is_unspent(shop, order):
    give_back(order)
    check(shop, sale(), "taken_back")
    assert (order.voucher_refunded, is_waiting()) == (D("50.00"), False)


@pytest.mark.parametrize("verb", ["refund", "cancel"])
def test_it_follows_the_take_back_that_waits_for_holds(shop, used, caplog):
    give_back(used)
    give_back(used)  # the signal comes twice
    assert (sale().target, used.voucher_refunded) == ("taken_back", D("0.00"))
    assert "are being taken back; its " in caplog.text
    gateway.settle()
    assert used.voucher_refunded == D("0.00")
    shop.later(minutes=36, seconds=1)
    assert gateway.settle().by_status == 1
    assert (sale().status, used.voucher_refunded) == ("taken_back", D("50.00"))
    settle_all(shop)
    assert (used.voucher_refunded, is_waiting()) == (D("50.00"), False)
    refund = used.voucher_payments.get().operations.get(kind="refund")
    assert (refund.actor, refund.reason) == ("mia", "by hand")


def test_in_a_transaction_it_follows_the_commit(shop, order):
    with transaction.atomic():
        give_back(order)
        assert order.voucher_refunded == D("0.00")
    assert (sale().status, order.voucher_refunded, is_waiting()) == ("taken_back", D("50.00"), False)


def test_in_a_transaction_it_waits_too(shop, used, caplog):
    with transaction.atomic():
        give_back(used)
    assert (used.voucher_refunded, is_waiting()) == (D("0.00"), True)
    assert "are being taken back; its refund follows" in caplog.text
    settle_all(shop)
    assert (used.voucher_refunded, is_waiting()) == (D("50.00"), False)


def test_where_the_transaction_is_rolled_back_nothing_waits(shop, used):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        give_back(used)
        raise ZeroDivisionError
    settle_all(shop)
    assert (sale().status, used.voucher_refunded, is_waiting()) == ("active", D("0.00"), False)


@pytest.fixture
def spent(shop, used):
    """A till has reserved the voucher before, and charges it now: returns the ids of that charge and of the till."""
    till = shop.cloud.add_client(name="Till").id
    shop.cloud.behaviour = shop.cloud.behaviour.but(charge_of_inactive_voucher="accept")
    hold = shop.cloud.reserve(remote(shop, sale()).code, "20.00", client_id=till)
    give_back(used)
    return shop.cloud.charge(hold, "T-1", client_id=till).id, till


def test_where_the_voucher_stays_valid_a_person_is_told(shop, used, spent, caplog):
    settle_all(shop)
    assert (sale().status, used.voucher_refunded, is_waiting()) == ("active", D("0.00"), False)
    assert "was not made: the gift vouchers that it sold are still valid" in caplog.text


class Killed(BaseException):
    """Not caught by anything: the process is gone."""


class DiesAtError(logging.Handler):
    def emit(self, record):
        if "was not made" in record.getMessage():
            raise Killed


def test_a_process_that_dies_as_it_tells_a_person_tells_it_again(shop, used, spent, caplog):
    logger, handler = logging.getLogger("voucher_payment_gateway"), DiesAtError(logging.ERROR)
    logger.addHandler(handler)
    with pytest.raises(Killed):
        after_the_wait(shop)
    logger.removeHandler(handler)
    caplog.clear()
    gateway.settle()
    assert ("was not made" in caplog.text, is_waiting()) == (True, False)


def test_a_return_that_comes_again_while_the_first_is_given_up_is_followed(shop, used, spent, frozen):
    def give_back_again():
        charge_id, till = spent
        shop.cloud.refund(charge_id, "20.00", client_id=till)
        give_back(used)

    frozen(postponed.PaymentEvents.refund_given_up, "log", give_back_again)
    after_the_wait(shop)
    settle_all(shop)
    assert (sale().status, used.voucher_refunded, is_waiting()) == ("taken_back", D("50.00"), False)


def test_what_pays_for_the_order_later_is_not_refunded(shop, used):
    give_back(used)
    buy_more(shop, used)
    after_the_wait(shop)
    refunded = VoucherPayment.objects.order_by("pk").values_list("amount_refunded", flat=True)
    assert list(refunded.filter(order_number=used.number)) == [D("50.00"), D("0.00")]
    assert not is_waiting()


@pytest.mark.parametrize("verb", ["refund", "cancel"])
def test_a_signal_with_a_key_that_comes_again_afterwards_gives_back_no_later_payment(shop, used):
    give_back(used, key="return-1")
    buy_more(shop, used)
    after_the_wait(shop)
    give_back(used, key="return-1")
    assert used.voucher_refunded == D("50.00")


class Unreadable(OrderAdapter):
    def lookup(self, number):
        return super().lookup(number) if number != "A-1001" else 1 / 0


def test_an_error_of_the_shop_keeps_no_other_order_waiting(shop, used, gateway_settings, caplog):
    other = use(shop, paid_order(shop, "A-1002"))
    for each in (used, other):
        give_back(each)
    gateway_settings(ORDER_ADAPTER=f"{__name__}.Unreadable")
    after_the_wait(shop)
    assert (used.voucher_refunded, other.voucher_refunded) == (D("0.00"), D("50.00"))
    assert "the refund of order A-1001 that follows the return" in caplog.text
    gateway_settings(ORDER_ADAPTER="voucher_payment_gateway.orders.OrderAdapter")
    gateway.settle()
    assert (used.voucher_refunded, is_waiting()) == (D("50.00"), False)


def test_of_an_order_that_is_not_found_a_payment_that_takes_none_keeps_no_other_waiting(
    shop, order, gateway_settings
):
    first = shop.vouchers[0]
    buy_more(shop, order)
    give_back(use(shop, order))
    type(order).objects.update(number=F("pk"))
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_to_unusable_voucher="refuse")
    shop.cloud.set_status(first.id, "inactive")
    after_the_wait(shop)
    refunded = VoucherPayment.objects.filter(order_number="A-1001").order_by("pk")
    assert list(refunded.values_list("amount_refunded", flat=True)) == [D("0.00"), D("30.00")]
