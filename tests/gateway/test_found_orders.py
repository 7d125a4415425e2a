"""Orders over days that a simulation of orders has found: each was paid twice, or not in full without a word."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.gateway.backup import Backup
from tests.shop import signals as events
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import InsufficientBalanceError, WrongStateError
from voucher_payment_gateway.gateway.operations import start
from voucher_payment_gateway.models import VoucherPayment

A, B = "GIFT-AAAA-0001", "GIFT-BBBB-0002"


@pytest.fixture(autouse=True)
def _events(gateway_settings):
    gateway_settings(
        EVENTS={"authorize": "tests.shop.signals.confirmed", "capture": "tests.shop.signals.shipped"}
    )


@pytest.fixture
def no_hook(monkeypatch):
    """The process ends before the hook that follows a commit."""
    with monkeypatch.context() as patch:
        yield lambda: patch.setattr(start.transaction, "on_commit", lambda *_, **__: None), patch.undo


def confirm(order):
    events.confirmed.send(sender=None, order=order)


def ship(order):
    events.shipped.send(sender=None, order=order)


def charged(shop, *vouchers):
    return sum(amount for voucher in vouchers for _, amount in shop.bookings(voucher))


def test_a_repeated_confirmation_does_not_take_what_was_paid_another_way(shop):
    """Another order left only a part of the voucher; it is cancelled after the rest was collected."""
    voucher = shop.voucher("80.00", code=A)
    first, second = shop.order("50.00", "A-1001"), shop.order("50.00", "A-1002")
    for order in (first, second):
        gateway.select(order, A)
        confirm(order)
    assert second.voucher_due == D("20.00")
    gateway.cancel(first)
    confirm(second)
    ship(second)
    assert charged(shop, voucher) == D("30.00")


def test_a_repeated_confirmation_does_not_agree_to_less_in_silence(shop, record_signal):
    failed = record_signal("payment_failed")
    shop.voucher("10.00", code=A)
    order = shop.order("10.00")
    gateway.authorize(order, A)
    confirm(order)
    shop.later(hours=2)
    gateway.settle()
    till = voucher_cloud()
    till.charge(till.reserve(code=A, amount=D("7.00"), currency="EUR").id, "TILL-1")
    with pytest.raises(InsufficientBalanceError) as caught:
        confirm(order)
    assert caught.value.available == D("3.00")
    assert failed == [("A-1001", D("10.00"))]
    assert order.voucher_due == D("10.00")


def test_a_voucher_that_was_let_go_is_not_charged_with_the_others(shop):
    first, second = shop.voucher("50.00", code=A), shop.voucher("50.00", code=B)
    order = shop.order("50.00")
    gateway.authorize(order, A)
    confirm(order)
    order.total = D("80.00")
    order.save()
    gateway.authorize(order, B, amount="30.00")
    order.total = D("50.00")
    order.save()
    confirm(order)
    order.total = D("80.00")
    order.save()
    assert order.voucher_due == D("30.00")
    ship(order)
    assert (charged(shop, first), charged(shop, second)) == (D("50.00"), 0)


@pytest.mark.parametrize("key", ["", "parcel-2"])
def test_a_part_that_was_left_due_does_not_keep_the_rest_from_being_charged(shop, no_hook, key):
    stop, go_on = no_hook
    voucher = shop.voucher("50.00", code=A)
    order = shop.order("50.00")
    gateway.authorize(order, A)
    confirm(order)
    stop()
    with transaction.atomic():
        gateway.capture(order, "10.00")
    go_on()
    events.shipped.send(sender=None, order=order, key=key)
    assert charged(shop, voucher) == D("50.00")


def test_a_charge_that_was_planned_again_is_not_made_by_two_databases(shop, no_hook):
    stop, go_on = no_hook
    voucher = shop.voucher("50.00", code=A)
    order = shop.order("50.00")
    gateway.authorize(order, A)
    confirm(order)
    stop()
    with transaction.atomic():
        gateway.capture(order)
        order.total = D("10.00")
        order.save()
    go_on()
    backup = Backup()
    shop.later(minutes=2)
    gateway.settle()
    backup.put_back()
    shop.later(minutes=2)
    gateway.settle()
    assert charged(shop, voucher) == D("10.00")


@pytest.mark.parametrize("verb", ["select", "authorize"])
def test_a_tills_open_reservation_is_not_taken_for_ours(shop, gateway_settings, verb):
    shop.cloud.behaviour = shop.cloud.behaviour.but(open_reservation_lowers_balance=True)
    gateway_settings(API_BEHAVIOUR={"open_reservation_lowers_balance": True})
    shop.voucher("80.00", code=A)
    first, second = shop.order("50.00", "A-1001"), shop.order("80.00", "A-1002")
    gateway.authorize(first, A)
    gateway.authorize_selected(first)
    voucher_cloud().reserve(code=A, amount=D("5.00"), currency="EUR")
    getattr(gateway, verb)(second, A)
    gateway.authorize_selected(second)
    confirmed = VoucherPayment.objects.filter(confirmed_at__isnull=False)
    assert sum(payment.amount_agreed for payment in confirmed) == D("80.00")


def test_what_a_paid_order_does_not_need_is_free_for_the_next_one(shop):
    shop.voucher("50.00", code=A)
    order = shop.order("50.00", "A-1001")
    gateway.authorize(order, A)
    confirm(order)
    order.total = D("30.00")
    order.save()
    ship(order)
    cover = gateway.cover(order)
    assert (cover.covered, cover.is_firm) == (D("30.00"), True)
    assert gateway.authorize(shop.order("20.00", "A-1002"), A).amount_authorized == D("20.00")


def test_a_second_voucher_that_was_not_needed_is_free_after_shipping(shop):
    vouchers = shop.voucher("30.00", code=A), shop.voucher("20.00", code=B)
    order = shop.order("50.00", "A-1001")
    gateway.authorize(order, A)
    gateway.authorize(order, B)
    confirm(order)
    order.total = D("25.00")
    order.save()
    shop.later(hours=2)
    ship(order)
    assert charged(shop, *vouchers) == D("25.00")
    assert gateway.authorize(shop.order("20.00", "A-1002"), B).amount_authorized == D("20.00")


def test_an_order_that_was_never_confirmed_and_is_refused_once_is_refused_again(shop):
    shop.voucher("50.00", code=A)
    order = shop.order("50.00")
    gateway.authorize(order, A)
    shop.later(hours=2)
    gateway.settle()
    till = voucher_cloud()
    till.charge(till.reserve(code=A, amount=D("50.00"), currency="EUR").id, "TILL-1")
    for _ in range(2):
        with pytest.raises(WrongStateError) as caught:
            ship(order)
        assert caught.value.code == "not_paid"
