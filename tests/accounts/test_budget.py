"""What several accounts cost: not one HTTP call or statement more than one account does."""

import pytest

from tests.gateway.test_budget import Cost
from voucher_payment_gateway import connection, gateway


class MarketCost(Cost):
    """Counts what a block costs at one of the merchants."""

    def __init__(self, cloud):
        super().__init__(type("Shop", (), {"cloud": cloud}))


@pytest.fixture
def order(market):
    market.vouchers()
    connection.voucher_cloud("south").authenticate()
    gateway.settle()
    return market.order("S-1", "20.00")


def test_each_verb_costs_what_it_costs_with_one_account(market, order):
    """The figures of ``tests/gateway/test_budget.py``."""
    with MarketCost(market.south) as cost:
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert (cost.http, len(cost.statements), cost.commits) == ([("POST", "reservations")], 5, 1)
    with MarketCost(market.south) as cost:
        gateway.capture(order)
    assert (cost.http, len(cost.statements), cost.commits) == ([("POST", "charge")], 4, 2)


def test_a_second_merchant_is_not_called(market, order):
    market.north.forget_requests()
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    gateway.refund(order)
    assert market.north.requests == []
