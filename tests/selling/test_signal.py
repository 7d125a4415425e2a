"""``VOUCHER_DELIVERY = "signal"``: the shop hands the code over itself, in a receiver of ``voucher_activated``."""

import logging

import pytest

from tests.gateway.test_simultaneous_calls import at_once
from tests.selling.conftest import CODE, PIN
from tests.sentry import sentry
from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.verbs.hand_over import hand_over
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.signals import voucher_activated


@pytest.fixture
def seller(seller):
    seller.settings(VOUCHER_DELIVERY="signal")
    return seller


@pytest.fixture
def receive():
    """Connect a receiver for the time of the test; it may raise."""
    connected = []

    def connect(function):
        voucher_activated.connect(function, weak=False)
        connected.append(function)

    yield connect
    for function in connected:
        voucher_activated.disconnect(function)


def test_a_receiver_gets_sale_code_and_pin_once(seller, receive):
    got = []
    receive(
        lambda sale, code, pin, amount, order_number, **_: got.append((sale.pk, str(code), pin, order_number))
    )
    seller.with_pin()
    sale = seller.sell()
    assert got == [(sale.pk, CODE, PIN, "A-1001")]
    assert sale.delivered_at
    assert not sale.sealed_code
    seller.later(days=1)
    gateway.settle()
    gateway.activate(seller.order)
    assert len(got) == 1


def test_a_receiver_that_fails_means_later_and_no_loss(seller, receive, caplog):
    got, broken = [], [True]

    def take(code, **_):
        if broken:
            raise RuntimeError("the shop's mail queue is full")
        got.append(code)

    receive(take)
    sale = seller.sell()
    assert (sale.delivered_at, sale.delivery_error, sale.delivery_attempts) == (None, "receiver_failed", 1)
    assert sale.sealed_code
    broken.clear()
    seller.later(minutes=1)
    assert gateway.settle().delivered == 1
    assert got == [seller.code(sale)]


def test_without_a_receiver_nothing_is_delivered_and_an_error_is_logged_once(seller, receive, caplog):
    sale = seller.sell()
    for _ in range(3):
        seller.later(hours=1)
        assert gateway.settle().delivered == 0
    sale.refresh_from_db()
    assert (sale.delivered_at, sale.delivery_error) == (None, "no_receiver")
    assert sale.sealed_code
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [each.getMessage() for each in errors] == [
        "order A-1001: the code of a sold gift voucher was not delivered: no_receiver"
    ]
    got = []
    receive(lambda code, **_: got.append(code))
    seller.later(hours=1)
    assert gateway.settle().delivered == 1
    assert got == [seller.code(sale)]


def test_workers_at_the_same_moment_send_one_signal(seller, receive):
    got = []
    seller.sell()  # no receiver yet
    seller.later(hours=1)
    receive(lambda code, **_: got.append(code))
    workers = [VoucherSale.objects.get() for _ in range(6)]
    assert sum(at_once(*[lambda sale=sale: hand_over(sale) for sale in workers])) == 1
    assert len(got) == 1


def test_no_error_report_of_a_receiver_shows_the_code(seller, receive):
    def take(code, pin, **_):
        raise RuntimeError("a mistake of the shop")

    receive(take)
    seller.with_pin()
    with sentry(send_default_pii=True, attach_stacktrace=True) as outbox:
        seller.sell()
    assert "a mistake of the shop" in outbox.text
    assert CODE not in outbox.text
    assert PIN not in outbox.text


def test_with_another_delivery_the_signal_has_no_code(seller, receive):
    got = []
    seller.settings(VOUCHER_DELIVERY="mail")
    receive(lambda code, pin, **_: got.append((code, pin)))
    seller.sell()
    assert got == [("", "")]
