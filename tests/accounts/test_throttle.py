"""The counters of one merchant do not count for another: guesses at one do not lock the customers of the other out."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.accounts.conftest import CODE, calls
from voucher_payment_gateway.checkout.redeem import enter_voucher

NONE = {
    **dict.fromkeys(("session", "account", "address", "everyone", "holds")),
    "refusal_seconds": 0,
}


@pytest.fixture
def enter(client):
    """Enter a code for an order, as the same enteror of both shops; return the status."""

    def enter(order, code):
        session = client.session
        session["order_number"] = order.number
        session.save()
        client.cookies["sessionid"] = session.session_key
        headers = {"accept": "application/json"}
        answer = client.post(
            "/vouchers/apply/", {"code": code}, content_type="application/json", headers=headers
        )
        return answer.status_code

    return enter


@pytest.mark.parametrize("limit", ["session", "address", "everyone"])
def test_guesses_at_one_merchant_do_not_throttle_the_other(market, enter, limit):
    market.vouchers()
    market.change(THROTTLE={**NONE, limit: "2/1h"})
    north, south = market.order("N-1"), market.order("S-1")
    assert [enter(north, f"GUESS-{number}") for number in range(3)] == [422, 422, 429]
    assert enter(south, CODE) == 200
    calls(market.north)
    assert enter(north, CODE) == 429
    assert calls(market.north) == []


def test_holds_at_one_merchant_do_not_use_up_those_at_the_other(market, enter):
    market.vouchers()
    market.change(THROTTLE={**NONE, "holds": "1/1h"})
    north, south = market.order("N-1"), market.order("S-1")
    assert [enter(north, CODE), enter(north, CODE), enter(south, CODE)] == [200, 429, 200]


def test_an_order_of_nobody_is_told_to_the_shop_and_counts_nowhere(market, rf):
    market.vouchers()
    market.change(THROTTLE={**NONE, "everyone": "1/1h"})
    order = market.order("W-1")
    for _ in range(3):
        with pytest.raises(ImproperlyConfigured, match="W-1"):
            enter_voucher(rf.post("/"), order, CODE)
    assert enter_voucher(rf.post("/"), market.order("N-1"), CODE).account == "north"
