"""One machine's clock is a day ahead for a while: what it wrote is not believed, and no cent moves twice."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def ahead(monkeypatch):
    """Run something on a machine whose clock is a day ahead."""
    now = timezone.now

    def run(do, **ahead):
        with monkeypatch.context() as patched:
            patched.setattr(timezone, "now", lambda: now() + timedelta(**(ahead or {"days": 1})))
            return do()

    return run


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).latest("pk")


def captured(shop):
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    return voucher, order


def lose(shop, do, fault, path):
    shop.cloud.faults.next(fault, method="POST", path=path)
    with pytest.raises(OutcomeUnknownError):
        do()


def sweep(shop, times, **apart):
    for _ in range(times):
        shop.later(**apart)
        gateway.settle()


def test_a_sweep_that_is_ahead_keeps_no_unknown_refund_shut(shop, ahead):
    voucher, order = captured(shop)
    lose(shop, lambda: gateway.refund(order), "before:drop", "*/refund")
    shop.later(minutes=1)
    ahead(gateway.settle)
    sweep(shop, 8, minutes=5)
    assert the("refund").state == "succeeded"
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_refund_that_was_sent_by_a_clock_that_is_ahead_is_still_given_its_grace(shop, ahead):
    voucher, order = captured(shop)
    lose(shop, lambda: ahead(lambda: gateway.refund(order)), "before:drop", "*/refund")
    sweep(shop, 2, minutes=5)
    assert the("refund").attempts == 1, "not sent again within the grace of 15 minutes"
    sweep(shop, 8, minutes=5)
    assert the("refund").state == "succeeded"
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_sweep_that_is_ahead_keeps_no_unknown_charge_shut(shop, ahead):
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, CODE)
    lose(shop, lambda: gateway.capture(order), "before:drop", "*/charge")
    shop.later(minutes=1)
    ahead(gateway.settle)
    sweep(shop, 4, minutes=5)
    assert the("charge").state == "succeeded"
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_worker_that_was_ahead_and_died_is_found_out_as_soon_as_any_other(shop):
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, CODE)
    lose(shop, lambda: gateway.capture(order), "after:drop", "*/charge")
    tomorrow = timezone.now() + timedelta(days=1)
    VoucherOperation.objects.filter(kind="charge").update(
        state="sending", sending_at=tomorrow, due_at=tomorrow
    )
    sweep(shop, 4, minutes=2)
    assert the("charge").state == "succeeded"
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_hold_that_was_made_by_a_clock_that_is_ahead_ends_within_the_half_hour(shop, ahead):
    shop.voucher("20.00")
    ahead(lambda: gateway.authorize(shop.order("20.00"), CODE))
    gateway.settle()
    payment = VoucherPayment.objects.get()
    assert payment.reserved_until <= timezone.now() + timedelta(minutes=30)
    assert payment.reservation_dead_at <= timezone.now() + timedelta(minutes=35)
    sweep(shop, 1, minutes=36)
    assert VoucherPayment.objects.get().status == "lapsed"


def test_a_hold_is_renewed_in_time_although_a_sweep_was_ahead(shop, gateway_settings):
    gateway_settings(RENEW_HOLDS=True)
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    VoucherPayment.objects.update(renew_at=timezone.now() + timedelta(days=1))
    shop.later(minutes=21)
    assert gateway.settle().renewed == 1


def test_a_cancel_that_was_wanted_tomorrow_and_a_trailing_read_are_not_put_off(shop):
    voucher, _ = captured(shop)
    tomorrow = timezone.now() + timedelta(days=1)
    VoucherOperation.objects.filter(kind="charge").update(reread_at=tomorrow)
    VoucherPayment.objects.update(cancel_requested_at=tomorrow)
    gateway.settle()
    assert the("charge").reread_at is None
    assert VoucherPayment.objects.get().status in ("refunded", "cancelled")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_what_was_corrected_is_told(shop, ahead, caplog):
    _, order = captured(shop)
    lose(shop, lambda: gateway.refund(order), "before:drop", "*/refund")
    shop.later(minutes=1)
    ahead(gateway.settle)
    gateway.settle()
    assert "clock was ahead: 1 gift voucher rows" in caplog.text


def test_a_machine_whose_own_clock_is_behind_corrects_nothing(shop, ahead, caplog):
    """To it, all that the others write lies in the future."""
    _, order = captured(shop)
    lose(shop, lambda: gateway.refund(order), "before:drop", "*/refund")
    before = the("refund").sending_at
    ahead(gateway.settle, days=-1)
    assert the("refund").sending_at == before
    assert "differs from that of the database" in caplog.text


def test_a_sweep_on_time_corrects_nothing(shop, caplog):
    _, order = captured(shop)
    lose(shop, lambda: gateway.refund(order), "before:drop", "*/refund")
    sweep(shop, 8, minutes=5)
    assert the("refund").state == "succeeded"
    assert "clock" not in caplog.text


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", VOUCHER_DELIVERY="signal")
    return shop


def test_a_worker_that_is_ahead_keeps_no_sale_waiting(seller, ahead):
    seller.cloud.faults.next("before:503", method="POST", path="/v1/vouchers", times=4)
    order = seller.order("50.00", note="a=50.00")
    with pytest.raises(UnavailableError):
        ahead(lambda: gateway.activate(order))
    seller.cloud.faults.clear()
    VoucherSale.objects.update(due_at=timezone.now() + timedelta(days=1))
    sweep(seller, 3, minutes=2)
    assert VoucherSale.objects.get().status == "active"


def test_a_delivery_that_a_clock_was_ahead_for_is_made_now_and_a_planned_one_when_it_was_planned(seller):
    sale, planned = gateway.activate(seller.order("70.00", note="a=50.00 b=20.00"))
    day, week = (timezone.now() + timedelta(days=days) for days in (1, 7))
    VoucherSale.objects.update(deliver_due_at=day, delivered_at=None)
    VoucherSale.objects.filter(pk=planned.pk).update(deliver_at=week, deliver_due_at=week)
    gateway.settle()
    sale.refresh_from_db(), planned.refresh_from_db()
    assert sale.deliver_due_at <= timezone.now() + timedelta(hours=1)
    assert planned.deliver_due_at == week
    VoucherSale.objects.filter(pk=planned.pk).update(deliver_due_at=week + timedelta(days=1))
    gateway.settle()
    planned.refresh_from_db()
    assert planned.deliver_due_at == week
