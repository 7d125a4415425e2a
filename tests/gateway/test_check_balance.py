"""The balance of a voucher by its code: nothing that this shop holds is lost, and a guess learns nothing."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError, VoucherUnusableError
from voucher_payment_gateway.gateway.verbs.check_balance import check_balance
from voucher_payment_gateway.models import VoucherPayment


def test_whoever_knows_the_code_is_told_what_is_left(shop):
    voucher = shop.voucher("20.00")
    balance = check_balance(voucher.code)
    assert (balance.amount, balance.currency) == (D("20.00"), "EUR")
    assert shop.bookings(voucher) == []


@pytest.mark.parametrize("lowers", [True, False])
def test_the_own_reservation_is_not_missing_in_the_balance(shop, gateway_settings, lowers):
    changed = {"open_reservation_lowers_balance": lowers}
    shop.cloud.behaviour = shop.cloud.behaviour.model_copy(update=changed)
    gateway_settings(API_BEHAVIOUR={"open_reservation_lowers_balance": lowers})
    assert check_balance(shop.voucher("20.00").code).amount == D("20.00")


def test_no_reservation_is_released_where_that_call_is_switched_off(shop, gateway_settings):
    gateway_settings(CANCEL_RESERVATION_CALL=False)
    check_balance(shop.voucher("20.00").code)
    assert [method for method, _ in shop.calls()] == ["POST", "GET"]


def test_a_hold_of_this_shop_stands(shop):
    voucher = shop.voucher("20.00", pin="2468")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code, pin="2468")
    shop.calls()
    assert check_balance(voucher.code, pin="2468").amount == D("20.00")
    assert [method for method, _ in shop.calls()] == ["GET"]
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_wrong_pin_of_a_held_voucher_is_a_wrong_code(shop):
    voucher = shop.voucher("20.00", pin="2468")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code, pin="2468")
    with pytest.raises(VoucherUnusableError) as refused:
        check_balance(voucher.code, pin="1111")
    with pytest.raises(VoucherUnusableError) as unknown:
        check_balance("NO-SUCH-CODE")
    assert str(refused.value) == str(unknown.value)
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_hold_by_another_spelling_is_made_again(shop, gateway_settings):
    gateway_settings(RENEW_HOLDS=True)
    voucher = shop.voucher("20.00", code="GIFT-2000-ABCD")
    order = shop.order("20.00")
    payment = gateway.authorize(order, voucher.code)
    VoucherPayment.objects.update(code_fingerprint="another spelling")
    before = payment.reservation_id
    assert check_balance(voucher.code).amount == D("20.00")
    payment.refresh_from_db()
    assert payment.reservation_id != before
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


@pytest.mark.parametrize("code", ["NO-SUCH-CODE", "", "x" * 300])
def test_every_code_that_cannot_be_redeemed_is_refused_alike(shop, code):
    with pytest.raises(VoucherUnusableError):
        check_balance(code)


def test_an_empty_voucher_is_refused_like_an_unknown_code(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    with pytest.raises(VoucherUnusableError):
        check_balance(voucher.code)


def test_without_the_service_nothing_is_told(shop):
    voucher = shop.voucher("20.00")
    shop.cloud.faults.next("before:503", times=None)
    with pytest.raises(UnavailableError):
        check_balance(voucher.code)
