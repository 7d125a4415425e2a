"""``{% voucher_story order %}``: the story of an order's gift vouchers."""

import pytest
from django.template import Context, Template

from tests.shop import signals as events
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.history import DONE, STATES, TRIED, story_of
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation


def story(order):
    template = Template("{% load voucher_payments %}{% voucher_story order %}")
    return " ".join(template.render(Context({"order": order})).split())


@pytest.fixture
def returned(shop):
    """An order that was paid with a voucher, shipped, and partly refunded."""
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    gateway.capture(order)
    gateway.refund(order, "7.35")
    return order


def test_it_is_told_oldest_first_in_plain_words(returned):
    assert [line.text for line in story_of(returned)] == [
        "€20.00 reserved on gift voucher …2000",
        "€20.00 paid with gift voucher …2000",
        "€7.35 returned to gift voucher …2000",
    ]
    assert story(returned).count("<time") == 3


@pytest.mark.parametrize("state", ["due", "sending", "unknown", "refused", "not_applied", "manual"])
def test_what_did_not_happen_yet_is_not_told_as_done(returned, state):
    VoucherOperation.objects.filter(kind="refund").update(state=state, settled_at=None)
    line = story_of(returned)[-1]
    assert line.text == "Return €7.35 to gift voucher …2000"
    assert line.state_text == STATES[state]
    assert line.is_open == (state in ("due", "sending", "unknown"))


def test_an_unknown_outcome_is_being_checked(returned):
    VoucherOperation.objects.filter(kind="refund").update(state="unknown")
    assert "being checked" in story(returned)


def test_an_order_without_vouchers_has_no_story(shop):
    assert "No gift voucher was used." in story(shop.order())


def test_every_kind_and_state_has_its_words():
    assert set(DONE) == set(TRIED) == set(VoucherOperation.Kind.values)
    assert set(STATES) == set(VoucherOperation.State.values)


AGAIN = "Gift voucher …2000 could not be reserved again"
CHARGED = "Gift voucher …2000 could not be charged"


@pytest.fixture
def confirmed(shop, gateway_settings):
    """A confirmed order whose voucher another till has emptied; its hold has ended."""
    gateway_settings(
        EVENTS={"authorize": "tests.shop.signals.confirmed", "capture": "tests.shop.signals.shipped"},
        RENEW_HOLDS=True,
    )
    order = shop.order("20.00")
    shop.voucher("20.00", code="GIFT-2000")
    gateway.authorize(order, "GIFT-2000")
    events.confirmed.send(sender=None, order=order)
    return order


def spend_at_a_till(shop):
    shop.cloud.charge(shop.cloud.reserve("GIFT-2000", "20.00"), "TILL-1")


def ended(order):
    return [line.text for line in story_of(order) if line.text in (AGAIN, CHARGED)]


def test_a_hold_that_cannot_be_renewed_is_not_told_as_a_charge(shop, confirmed):
    spend_at_a_till(shop)
    shop.later(minutes=32)
    gateway.settle()
    assert ended(confirmed) == [AGAIN]


def test_nor_is_one_that_cannot_be_made_again_for_the_charge(shop, confirmed):
    spend_at_a_till(shop)
    shop.later(minutes=32)
    with pytest.raises(VoucherGatewayError):
        events.shipped.send(sender=None, order=confirmed)
    assert ended(confirmed) == [AGAIN]


def test_a_charge_that_is_refused_is_told_as_one(shop, confirmed):
    shop.cloud.faults.next("before:422", path="*/charge", times=2)
    with pytest.raises(VoucherGatewayError):
        events.shipped.send(sender=None, order=confirmed)
    assert ended(confirmed) == [CHARGED]
