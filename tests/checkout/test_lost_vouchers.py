"""A voucher that was held and is not any more: the customer reads why, and what happens next."""

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import error_message
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherPayment

JSON = {"accept": "application/json"}
APPLY, RENEW = "/vouchers/apply/", "/vouchers/renew/"


@pytest.fixture
def voucher(shop):
    return shop.voucher("20.00", code="GIFT-2000", pin="2468")


@pytest.fixture
def order(shop, voucher):
    """An order of 50.00 whose hold has run out."""
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000", pin="2468")
    shop.later(minutes=31)
    return order


def spend(shop, voucher, amount="20.00"):
    """Charge the voucher at a till."""
    shop.cloud.charge(shop.cloud.reserve(voucher.code, amount, pin="2468"), "TILL-1")


def told_by_renew(visit, order):
    return visit(order).post(RENEW, headers=JSON).json()


def test_a_voucher_that_was_spent_elsewhere_is_told_as_that(shop, visit, voucher, order):
    spend(shop, voucher)
    told = told_by_renew(visit, order)
    assert told["error"]["code"] == "spent_elsewhere"
    assert told["error"]["field"] is None, "no input is wrong"
    assert "was used elsewhere meanwhile" in told["error"]["message"]
    assert "Nothing was taken from it" in told["error"]["message"]
    assert "enter another gift voucher" in told["error"]["message"]
    assert (told["order"]["due"], told["order"]["vouchers"]) == ("50.00", [])


def test_the_confirmation_says_so_too(shop, voucher, order):
    spend(shop, voucher)
    with pytest.raises(VoucherGatewayError) as caught:
        gateway.authorize_selected(order)
    assert "was used elsewhere meanwhile" in error_message(caught.value)
    assert caught.value.money_moved == "no"


def test_one_that_lapsed_first_is_told_as_that(shop, visit, voucher, order):
    shop.later(minutes=10)
    gateway.settle()
    assert order.voucher_payments.get().status == "lapsed"
    spend(shop, voucher)
    assert told_by_renew(visit, order)["error"]["code"] == "spent_elsewhere"


def test_one_with_a_little_money_left_still_pays_that(shop, visit, voucher, order):
    spend(shop, voucher, "15.00")
    told = told_by_renew(visit, order)
    assert (told["error"], told["order"]["covered"]) == (None, "5.00")


def test_one_that_was_closed_meanwhile_is_told_as_that(shop, visit, voucher, order):
    shop.cloud.set_status(voucher.id, "inactive")
    told = told_by_renew(visit, order)
    assert told["error"]["code"] == "no_longer_redeemable"
    assert "can no longer be redeemed" in told["error"]["message"]
    assert "the PIN" not in told["error"]["message"], "nobody typed one"
    assert (told["order"]["due"], told["order"]["vouchers"]) == ("50.00", [])


def test_its_code_entered_again_is_told_as_that(shop, visit, voucher, order):
    spend(shop, voucher)
    told = visit(order).post(APPLY, {"code": "GIFT-2000", "pin": "2468"}, headers=JSON).json()
    assert told["error"]["code"] == "spent_elsewhere"


def test_its_code_entered_again_with_a_wrong_pin_is_told_as_any_unusable_code(shop, visit, voucher, order):
    told = visit(order).post(APPLY, {"code": "GIFT-2000", "pin": "1"}, headers=JSON).json()
    assert told["error"]["code"] == "voucher_unusable"


def test_whoever_never_held_it_reads_the_one_sentence(shop, visit, voucher, order):
    spend(shop, voucher)
    stranger = shop.order("50.00", number="A-2")
    told = visit(stranger).post(APPLY, {"code": "GIFT-2000", "pin": "2468"}, headers=JSON).json()
    assert told["error"]["code"] == "voucher_unusable"


def test_a_balance_that_cannot_be_read_is_no_proof(shop, visit, voucher, order):
    spend(shop, voucher)
    shop.cloud.faults.next("before:503", path=f"*/vouchers/{voucher.id}", times=None)
    assert told_by_renew(visit, order)["error"]["code"] == "no_longer_redeemable"


def test_a_voucher_that_another_checkout_took_says_so_in_the_block(shop, voucher, order):
    gateway.authorize(shop.order("50.00", number="A-2"), "GIFT-2000", pin="2468")
    [line] = summarise(order).lines
    assert (line.state, line.payment.end_reason) == ("lapsed", "taken_over")


def test_a_selected_code_that_is_no_good_at_the_confirmation_says_what_happens_next(shop):
    order = shop.order()
    gateway.select(order, "NO-SUCH-CODE")
    with pytest.raises(VoucherGatewayError) as caught:
        gateway.authorize_selected(order)
    assert caught.value.code == "voucher_unusable", "it was never held"


def test_a_code_that_is_not_stored_any_more_is_asked_for(shop, order):
    VoucherPayment.objects.update(status="selected", amount_authorized=0, sealed_code="")
    with pytest.raises(VoucherGatewayError) as caught:
        gateway.authorize_selected(order)
    assert "please enter its code again" in error_message(caught.value)
