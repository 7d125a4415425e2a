"""A copy of a live database, and one that was put back: nothing is sent until a person says whose it is."""

import threading
from contextlib import suppress
from decimal import Decimal as D

import pytest
from django.db import connection, transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import error_message
from voucher_payment_gateway.exceptions import UnavailableError, VoucherGatewayError
from voucher_payment_gateway.gateway.records import instance
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


def stored():
    return list(VoucherGatewayState.objects.exclude(name="last_sweep").values_list("name", "value"))


def is_refused(call):
    with pytest.raises(UnavailableError, match="INSTANCE") as caught:
        call()
    assert (caught.value.code, caught.value.money_moved) == ("other_instance", "no")
    return str(caught.value)


@pytest.fixture
def copied(gateway_settings):
    """Make the database that of production while the settings name the staging site, or another name."""

    def copy(name="staging"):
        VoucherGatewayState.objects.update_or_create(name="instance", defaults={"value": "production"})
        gateway_settings(INSTANCE=name)

    return copy


@pytest.fixture
def held(shop):
    """An order of 20.00, authorized with its voucher."""
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.calls()
    return order


# the name is stored once


def test_the_first_call_stores_the_name_and_the_next_ones_agree(shop, gateway_settings):
    gateway_settings(INSTANCE="production")
    gateway.settle()
    assert stored() == [("instance", "production")]
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    assert order.voucher_captured == D("20.00")


def test_without_a_name_nothing_is_stored_or_refused(held):
    gateway.capture(held)
    gateway.settle()
    assert stored() == []


def test_inside_a_transaction_the_name_is_not_stored(shop, gateway_settings):
    gateway_settings(INSTANCE="production")
    shop.voucher("20.00")
    with transaction.atomic():
        gateway.authorize(shop.order("20.00"), CODE)
        assert stored() == []
    gateway.settle()
    assert stored() == [("instance", "production")]


def test_of_two_names_given_at_the_same_moment_one_is_stored(shop, gateway_settings):
    gateway_settings(INSTANCE="production")
    ready = threading.Barrier(4)

    def settle():
        ready.wait(20)
        with suppress(VoucherGatewayError):
            gateway.settle()
        connection.close()

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored() == [("instance", "production")]


def test_a_process_reads_an_agreement_once_a_minute(shop, gateway_settings, monkeypatch):
    gateway_settings(INSTANCE="production")
    gateway.settle()
    now = 1000.0
    monkeypatch.setattr(instance, "monotonic", lambda: now)
    instance._agreed.clear()
    gateway.settle()
    VoucherGatewayState.objects.update(value="another")
    now += 59
    gateway.settle()
    now += 2
    is_refused(gateway.settle)
    VoucherGatewayState.objects.update(value="production")
    gateway.settle()  # a disagreement is read again each time


# nothing is sent


@pytest.mark.parametrize("name", ["staging", "", "Production"])
def test_no_verb_of_a_copy_sends_anything(shop, held, copied, name):
    copied(name)
    for call in (
        lambda: gateway.authorize(held, CODE, amount="5.00"),
        lambda: gateway.authorize_selected(held),
        lambda: gateway.capture(held),
        lambda: gateway.capture(held),
        gateway.settle,
    ):
        message = is_refused(call)
        assert "'production'" in message
        assert ("--adopt" in message) is bool(name)
    assert shop.calls() == []
    assert VoucherPayment.objects.get().status == "authorized"


def test_a_charge_of_a_copy_is_written_and_sent_after_the_adoption(shop, held, copied):
    copied()
    is_refused(lambda: gateway.capture(held))
    charge = VoucherOperation.objects.get(kind="charge")
    assert (charge.state, charge.attempts, charge.error_code) == ("due", 0, "other_instance")
    shop.later(minutes=1)
    is_refused(gateway.settle)
    assert shop.calls() == []
    assert instance.adopt() == "production"
    gateway.settle()
    assert held.voucher_captured == D("20.00")


def test_a_refund_of_a_copy_is_written_and_not_sent(shop, held, copied):
    gateway.capture(held)
    shop.calls()
    copied()
    is_refused(lambda: gateway.refund(held, "5.00"))
    is_refused(lambda: gateway.refund(held))
    assert shop.calls() == []
    assert VoucherOperation.objects.filter(kind="refund").latest("pk").state == "due"


def test_a_reservation_of_the_live_shop_is_not_released_by_a_copy(shop, held, copied):
    copied()
    gateway.cancel(held)
    assert shop.calls() == []
    assert VoucherOperation.objects.get(kind="cancel").state == "due"


def test_inside_a_transaction_a_charge_is_written_and_not_sent(shop, held, copied, caplog):
    copied()
    with transaction.atomic():
        gateway.capture(held)
    assert shop.calls() == []
    assert VoucherOperation.objects.get(kind="charge").state == "due"
    assert "other_instance" in caplog.text


def test_a_copy_announces_no_lapse_and_renews_nothing(shop, held, copied, record_signal, gateway_settings):
    lapsed = record_signal("payment_lapsed")
    copied()
    gateway_settings(RENEW_HOLDS=True)
    for minutes in (25, 20):
        shop.later(minutes=minutes)
        is_refused(gateway.settle)
    assert (lapsed, shop.calls()) == ([], [])
    assert VoucherPayment.objects.get().status == "authorized"


def test_what_a_copy_has_unknown_is_not_fenced_or_read(shop, held, copied):
    shop.cloud.faults.next("before:drop", path="*/charge")
    with suppress(VoucherGatewayError):
        gateway.capture(held)
    shop.calls()
    copied()
    for minutes in (5, 200):
        shop.later(minutes=minutes)
        is_refused(gateway.settle)
    assert shop.calls() == []
    assert VoucherOperation.objects.get(kind="charge").state == "unknown"


def test_selecting_looking_and_orders_without_vouchers_go_on(shop, copied):
    copied()
    order = shop.order("20.00")
    assert gateway.authorize_selected(order) == []
    assert gateway.capture(order) == []
    gateway.select(order, CODE)
    assert gateway.cover(order).due == D("20.00")
    assert order.voucher_due == D("20.00")


def test_a_customer_reads_nothing_of_it(shop, copied):
    copied()
    with pytest.raises(UnavailableError) as caught:
        gateway.authorize(shop.order("20.00"), CODE)
    assert "production" not in error_message(caught.value)


def test_adopting_a_database_without_a_name_gives_it_one(shop, gateway_settings):
    gateway_settings(INSTANCE="production")
    assert instance.adopt() == ""
    assert stored() == [("instance", "production")]


def test_after_the_adoption_the_old_installation_is_the_copy(shop, held, copied, gateway_settings):
    copied()
    instance.adopt()
    gateway.settle()
    gateway_settings(INSTANCE="production")
    is_refused(lambda: gateway.capture(held))
