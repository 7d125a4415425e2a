"""Select and authorize_selected: remembered sealed, reserved together."""

from decimal import Decimal as D

import pytest
from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment


def test_select_sends_nothing_and_keeps_no_code_in_clear(shop):
    payment = gateway.select(shop.order("50.00"), "GIFT-2000-ABCD", pin="2468")
    assert shop.calls() == []
    assert (payment.status, payment.code_hint) == ("selected", "ABCD")
    stored = str(list(VoucherPayment.objects.values_list()))
    assert "GIFT" not in stored
    assert "2468" not in stored


def test_selecting_twice_is_one_payment_with_the_newer_pin(shop):
    shop.voucher("80.00", pin="2468")
    order = shop.order("50.00")
    first = gateway.select(order, "GIFT-2000-ABCD", pin="wrong")
    assert gateway.select(order, "GIFT-2000-ABCD", pin="2468") == first
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == D("50.00")


def test_without_a_sealing_key_nothing_can_be_selected(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(ImproperlyConfigured, match="SEALING_KEYS"):
        gateway.select(shop.order("50.00"), "GIFT-2000-ABCD")


def test_several_vouchers_share_the_total_and_the_earlier_is_used_first(shop):
    shop.voucher("20.00")
    shop.voucher("40.00", code="GIFT-4000-EFGH")
    shop.voucher("40.00", code="GIFT-4000-WXYZ")
    order = shop.order("50.00")
    for code in ("GIFT-2000-ABCD", "GIFT-4000-EFGH", "GIFT-4000-WXYZ"):
        gateway.select(order, code)
    held = [payment.amount_authorized for payment in gateway.authorize_selected(order)]
    assert held == [D("20.00"), D("30.00")]
    assert (order.voucher_authorized, order.voucher_due) == (D("50.00"), D("0.00"))
    assert VoucherPayment.objects.last().status == "selected"
    gateway.capture(order)
    assert order.voucher_captured == D("50.00")


def test_the_first_refusal_is_raised_after_all_were_tried(shop):
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    order = shop.order("50.00")
    gateway.select(order, "NO-SUCH-VOUCHER")
    gateway.select(order, "GIFT-2000-WXYZ")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize_selected(order)
    bad, good = VoucherPayment.objects.all()
    assert (bad.status, bad.sealed_code) == ("failed", "")
    assert (good.status, good.amount_authorized) == ("authorized", D("20.00"))


def test_a_voucher_cloud_that_is_down_leaves_the_vouchers_selected(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.select(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("before:503", times=9)
    with pytest.raises(UnavailableError):
        gateway.authorize_selected(order)
    assert VoucherPayment.objects.get().status == "selected"
    shop.cloud.faults.clear()
    assert gateway.authorize_selected(order)[0].amount_authorized == D("20.00")


def test_a_reservation_that_has_ended_is_made_anew(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD", amount="10.00")
    VoucherPayment.objects.update(reserved_until="2020-01-01T00:00:00Z")
    (payment,) = gateway.authorize_selected(order)
    assert payment.reservation_id != first.reservation_id
    assert payment.amount_authorized == D("10.00")


def test_nothing_selected_is_nothing_to_do(shop):
    assert gateway.authorize_selected(shop.order("50.00")) == []
    assert shop.calls() == []
