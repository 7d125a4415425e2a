"""Take back while a till holds the voucher: it counts as taken back only once no earlier hold can be charged."""

from datetime import timedelta

import pytest
from django.core import mail

from tests.gateway.sales import attempt, remote, settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

LAST_SECOND = 30 * 60 - 1
LONGEST = 36 * 60
"""The life of a reservation, the margin after it, and the lag of the lists."""
STATUS = {"method": "PATCH", "path": "*/status"}


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    shop.cloud.behaviour = shop.cloud.behaviour.but(charge_of_inactive_voucher="accept")
    return shop


@pytest.fixture
def order(seller):
    """Its voucher is active for an hour, and has a charge that was refunded: it cannot be deleted."""
    order = seller.order("50.00", note="a=50.00")
    gateway.activate(order)
    other = seller.order("20.00", number="A-2")
    gateway.authorize(other, remote(seller, sale()).code)
    gateway.capture(other)
    gateway.refund(other)
    seller.later(hours=1)
    return order


@pytest.fixture
def till(seller):
    return Till(seller)


class Till:
    """Another client of the account, of which our records know nothing."""

    def __init__(self, shop):
        self.shop, self.id = shop, shop.cloud.add_client(name="Till").id

    def reserve(self):
        self.hold = self.shop.cloud.reserve(remote(self.shop, sale()).code, "20.00", client_id=self.id)

    def charge(self):
        self.shop.cloud.charge(self.hold, "T-1", client_id=self.id)

    def at(self, seconds, action):
        self.shop.cloud.clock.call_at(self.shop.cloud.clock.now() + timedelta(seconds=seconds), action)


def sale():
    return VoucherSale.objects.get(origin="sold")


def kept(shop):
    """The customer keeps the rest of the voucher, and nothing counts as taken back."""
    assert (sale().status, sale().target, sale().taken_back_at) == ("active", "active", None)
    assert (remote(shop, sale()).status, remote(shop, sale()).balance_cents) == ("active", 3000)
    assert VoucherOperation.objects.get(kind="deactivate").state == "refused"
    shop.cloud.ledger.check()
    return True


@pytest.mark.parametrize("behaviour", [{}, {"list_lag_seconds": 55, "lapse_lag_seconds": 240}], ids=str)
def test_a_hold_that_is_charged_in_its_last_second_keeps_the_voucher(seller, order, till, behaviour):
    seller.cloud.behaviour = seller.cloud.behaviour.but(**behaviour)
    till.reserve()
    till.at(LAST_SECOND + behaviour.get("lapse_lag_seconds", 0), till.charge)
    attempt(gateway.take_back, order)
    settle_all(seller)
    assert kept(seller)


def test_it_counts_as_taken_back_once_no_earlier_hold_can_be_charged(seller, order):
    with pytest.raises(UnavailableError) as waiting:
        gateway.take_back(order)
    assert (waiting.value.code, waiting.value.retry_after_seconds) == ("hold_may_be_charged", LONGEST)
    assert (sale().status, sale().target, remote(seller, sale()).status) == (
        "active",
        "taken_back",
        "inactive",
    )
    seller.later(minutes=30)
    gateway.settle()
    assert sale().status == "active"
    seller.later(minutes=6)
    gateway.settle()
    assert (sale().status, remote(seller, sale()).status) == ("taken_back", "inactive")
    assert len(mail.outbox) == 1


def test_the_wait_begins_when_the_voucher_is_seen_inactive_not_when_that_was_asked_for(seller, order, till):
    """The request arrives ten minutes late, and its answer is lost: the till reserves just before."""
    seller.cloud.faults.next("late:drop", **STATUS, lands_after_seconds=600)
    till.at(599, till.reserve)
    till.at(599 + LAST_SECOND, till.charge)
    attempt(gateway.take_back, order)
    settle_all(seller)
    assert kept(seller)


@pytest.mark.parametrize("call", ["delete_voucher", "get_voucher"])
def test_a_process_that_dies_before_the_wait_is_stored_waits_all_of_it(seller, order, till, during, call):
    def die():
        raise SystemExit

    during("set_voucher_status", lambda: during(call, die))
    till.reserve()
    till.at(LAST_SECOND, till.charge)
    with pytest.raises(SystemExit):
        gateway.take_back(order)
    settle_all(seller)
    assert kept(seller)


def test_a_voucher_that_became_valid_again_during_the_wait_waits_again(seller, order, till):
    """An operator activates it in the Voucher Cloud, and the till reserves it then."""
    voucher = remote(seller, sale())

    def activate_and_reserve():
        seller.cloud.set_status(voucher.id, "active")
        till.reserve()

    till.at(LAST_SECOND, activate_and_reserve)
    till.at(2 * LAST_SECOND, till.charge)
    attempt(gateway.take_back, order)
    settle_all(seller)
    assert kept(seller)
