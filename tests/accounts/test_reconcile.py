"""Reconcile compares each merchant's vouchers with our rows of that merchant, and tells what it could not read."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.accounts.conftest import calls
from tests.shop.models import Order
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import CredentialsError
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation


@pytest.fixture
def paid(market):
    """An order of each merchant, charged to vouchers with the same code and the same id."""
    market.vouchers("60.00", "60.00", id="same-id")
    for number, total in (("N-1", "20.00"), ("S-1", "50.00")):
        gateway.capture(market.held(number, total))
    market.later(minutes=10)
    calls(market.north), calls(market.south)
    return market


def open_differences():
    rows = VoucherDifference.objects.filter(gone_at=None)
    return sorted((row.account, row.voucher_id, row.kind) for row in rows)


def by_another_till(cloud, amount):
    """A charge of our own client that our records do not have."""
    with cloud.connect() as till:
        hold = till.reserve(code="GIFT-2000-ABCD", amount=D(amount), currency="EUR")
        till.charge(hold.id, "TILL-1")


def test_orders_that_are_paid_at_both_do_not_differ(paid):
    assert paid.reconcile() == []
    assert [len(calls(cloud)) for cloud in (paid.north, paid.south)] == [1, 1]


def test_a_booking_at_one_merchant_is_a_difference_of_that_merchant(paid):
    by_another_till(paid.south, "10.00")
    paid.later(minutes=10)
    (difference,) = paid.reconcile()
    assert (difference.account, difference.kind) == ("south", "theirs_only")
    assert open_differences() == [("south", "same-id", "theirs_only")]


def test_the_same_difference_at_both_is_two_and_one_is_explained_alone(paid):
    for cloud in (paid.north, paid.south):
        by_another_till(cloud, "10.00")
    paid.later(minutes=10)
    assert len(paid.reconcile()) == 2
    found = {row.account: row for row in VoucherDifference.objects.all()}
    assert set(found) == {"north", "south"}
    gateway.explain(found["north"], "the till of the museum", actor="a clerk")
    assert [row.account for row in paid.reconcile()] == ["south"]


@pytest.mark.parametrize(("path", "times"), [("/oauth/token", None), ("/v1/*", None)])
def test_a_merchant_that_cannot_be_read_does_not_hide_the_other(paid, caplog, path, times):
    by_another_till(paid.south, "10.00")
    paid.later(minutes=10)
    connection.close()
    cache.clear()  # no token is left
    paid.north.faults.next("before:401", path=path, times=times)
    with pytest.raises(CredentialsError):
        paid.reconcile()
    assert "'north' was not compared in full" in caplog.text
    assert ("south", "same-id", "theirs_only") in open_differences()


def test_one_account_can_be_compared_alone(paid):
    assert paid.reconcile(account="south") == []
    assert (calls(paid.north), len(calls(paid.south))) == ([], 1)


def test_an_account_that_is_gone_is_told_and_its_vouchers_are_read_by_nobody(paid, caplog):
    paid.without("south")
    with pytest.raises(CredentialsError, match="'south'"):
        paid.reconcile()
    assert (len(calls(paid.north)), calls(paid.south)) == (1, [])
    assert "'south' was not compared in full" in caplog.text
    assert open_differences() == []


def test_a_voucher_is_not_read_because_that_of_another_merchant_with_its_id_was_used(paid):
    """It was used long ago, by a merchant who has left since."""
    long_ago = timezone.now() - timedelta(days=365)
    instants = dict.fromkeys(("created_at", "sending_at", "settled_at"), long_ago)
    VoucherOperation.objects.filter(order_number="S-1").update(**instants)
    paid.without("south")
    assert paid.reconcile() == []
    assert (len(calls(paid.north)), calls(paid.south)) == (1, [])


def test_progress_counts_the_vouchers_of_all_merchants(paid):
    seen = []
    paid.reconcile(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_an_order_that_is_gone_is_a_difference_of_its_merchant(paid):
    Order.objects.filter(number="S-1").update(number="Z-1")
    found = {(row.account, row.kind) for row in paid.reconcile()}
    assert found == {("south", "order_gone")}
