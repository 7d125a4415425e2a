"""Settle and renew go by account; an account that is taken out of the settings keeps its operations open."""

import logging
from decimal import Decimal as D

import pytest

from tests.accounts.conftest import CODE, bookings, calls, credentials
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment


@pytest.fixture
def held(market):
    """An order of each merchant, confirmed with the same code; and the vouchers."""
    north, south = market.vouchers("20.00", "50.00")
    return market.held("N-1"), market.held("S-1"), north, south


def payment(number):
    return VoucherPayment.objects.get(order_number=number)


@pytest.mark.parametrize("fault", ["after:drop", "before:drop"])
def test_a_lost_answer_is_looked_for_at_its_merchant(market, held, fault):
    """Booked or not, it is found out and charged once, and the other merchant is not asked."""
    _, order, north, south = held
    market.south.faults.next(fault, path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    calls(market.north)
    for _ in range(4):
        market.later(minutes=5)
        gateway.settle()
    assert payment("S-1").status == "captured"
    assert bookings(market.south, south) == [("charge", "50.00")]
    assert (bookings(market.north, north), calls(market.north)) == ([], [])


def test_a_merchant_that_is_away_does_not_hold_up_the_other(market, held):
    first, other, _north, south = held
    for cloud in (market.north, market.south):
        cloud.faults.next("before:503", path="*/charge", times=9)
    for order in (first, other):
        with pytest.raises(Exception, match="No money moved"):
            gateway.capture(order)
    market.south.faults.clear()
    market.later(minutes=5)
    gateway.settle()
    assert bookings(market.south, south) == [("charge", "50.00")]
    assert payment("N-1").pending


def test_holds_are_renewed_at_their_merchants(market, held):
    market.change(RENEW_HOLDS=True)
    market.later(minutes=21)
    calls(market.north), calls(market.south)
    assert gateway.settle().renewed == 2
    assert [len(calls(cloud)) for cloud in (market.north, market.south)] == [1, 1]


def test_the_same_voucher_id_held_elsewhere_does_not_stop_a_renewal(market):
    """Two orders on one voucher are not renewed in turn; these are two vouchers."""
    market.vouchers("20.00", "20.00", id="same-id")
    market.held("N-1", "20.00")
    market.later(minutes=50)
    gateway.settle()
    market.held("S-1", "20.00")
    market.change(RENEW_HOLDS=True)
    assert payment("N-1").status == "lapsed"
    assert gateway.settle().renewed == 1
    assert payment("N-1").status == "authorized"


# an account that is not in the settings any more


@pytest.fixture
def gone(market, held):
    """South has left the settings while its order waits to be charged."""
    market.without("south")
    calls(market.north), calls(market.south)
    return held


def test_nothing_is_sent_for_it_and_it_stays_open(market, gone):
    _, order, _north, _south = gone
    with pytest.raises(CredentialsError, match=r"'south' is not in ACCOUNTS.*Nothing was sent") as caught:
        gateway.capture(order)
    assert caught.value.code == "account_unknown"
    assert (calls(market.north), calls(market.south)) == ([], [])
    operation = VoucherOperation.objects.get(kind="charge")
    assert (operation.state, operation.error_code) == ("due", "account_unknown")


def test_settle_tells_it_each_time_and_asks_for_a_review_once(market, gone, caplog):
    from tests.gateway.conftest import SignalRecorder

    _, order, _, _ = gone
    with SignalRecorder("payment_needs_review", pairs=True) as reviews:
        with pytest.raises(CredentialsError):
            gateway.capture(order)
        caplog.clear()
        for _ in range(30):
            market.later(hours=2)
            caplog.set_level(logging.WARNING)
            gateway.settle()
    assert reviews == [("S-1", D("50.00"))]
    told = [record.message for record in caplog.records if "account_unknown" in record.message]
    assert len(told) >= 30
    assert all("'south'" in message for message in told)
    assert VoucherOperation.objects.get(kind="charge").state == "due"


def test_it_is_charged_once_the_account_is_back(market, gone):
    _, order, north, south = gone
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    market.change(
        ACCOUNTS={name: credentials(getattr(market, name)) for name in ("north", "south")},
    )
    market.later(minutes=5)
    gateway.settle()
    assert (bookings(market.north, north), bookings(market.south, south)) == ([], [("charge", "50.00")])


def test_an_unknown_outcome_stays_unknown(market, held):
    _, order, north, _south = held
    market.south.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    market.without("south")
    calls(market.north)
    for _ in range(5):
        market.later(hours=1)
        gateway.settle()
    assert VoucherOperation.objects.get(kind="charge").state == "unknown"
    assert (calls(market.north), bookings(market.north, north)) == ([], [])


def test_a_shop_that_gives_up_accounts_sends_nothing_of_theirs_with_the_credentials_that_stay(market, held):
    _, order, _north, _south = held
    market.change(ACCOUNTS=..., ACCOUNT_OF_ORDER=..., **credentials(market.north))
    calls(market.north), calls(market.south)
    with pytest.raises(CredentialsError):
        gateway.capture(order)
    with pytest.raises(CredentialsError):
        gateway.reconcile(*span())
    assert [path for _, path in calls(market.north) + calls(market.south)] == []


def span():
    from datetime import timedelta

    from django.utils import timezone

    return timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1)


def test_a_shop_that_gets_accounts_keeps_what_the_only_one_has(shop, settings, voucher_cloud):
    """Its payments have no name; they go on with the credentials beside ACCOUNTS."""
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    settings.VOUCHER_PAYMENT_GATEWAY = {
        **settings.VOUCHER_PAYMENT_GATEWAY,
        "ACCOUNTS": {"north": {"CLIENT_ID": "new", "CLIENT_SECRET": "new"}},
        "ACCOUNT_OF_ORDER": "tests.accounts.shop.merchant_of",
    }
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
