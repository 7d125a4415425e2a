"""A shop that charges when the order is placed (``CAPTURE = "immediate"``) conforms too: a sample of the situations."""

import pytest

from tests.testing.shop_by_signals import ShopBySignals

SAMPLE = (
    *("one_voucher_pays_everything", "a_double_click_on_confirm", "placing_is_rolled_back", "returned_twice"),
    *("the_hold_is_stolen_before_the_order_is_placed", "a_voucher_that_is_spent_before_the_order_is_placed"),
    *("the_answer_to_a_charge_is_lost", "killed_after_a_charge_was_booked", "cancelled_before_it_was_sent"),
    *("the_total_is_raised_before_the_order_is_placed", "an_outage_when_the_order_is_placed"),
)
NOT_OPEN = ("nothing_is_charged_before_the_goods_are_sent", "shipping_is_rolled_back")


@pytest.fixture
def suite(settings, request, transactional_db, caplog):
    own = settings.VOUCHER_PAYMENT_GATEWAY
    settings.VOUCHER_PAYMENT_GATEWAY = {**own, "CAPTURE": "immediate"}
    playing = ChargesAtOnce()
    with playing.prepared(request, caplog):
        yield playing


class ChargesAtOnce(ShopBySignals):
    charges_on = "confirm"

    def ship(self, order):
        """Nothing is sent: what it sells needs no parcel."""


@pytest.mark.parametrize("name", SAMPLE)
def test_a_situation_passes(suite, name):
    getattr(suite, f"test_{name}")()


@pytest.mark.parametrize("name", NOT_OPEN)
def test_what_lies_between_placing_and_shipping_is_skipped(suite, name):
    with pytest.raises(pytest.skip.Exception, match="it charges when the order is placed") as skipped:
        getattr(suite, f"test_{name}")()
    assert skipped.value.is_declared
