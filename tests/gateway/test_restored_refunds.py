"""A refund in a backup that was put back, or in a copy: the charge has gone back already."""

from decimal import Decimal as D

import pytest

from tests.gateway.backup import Backup, last_operation, state
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.models import VoucherPayment

CHARGED = ("charge", D("20.00"))
REFUNDED = ("refund", D("20.00"))
BOOKINGS = {"method": "GET", "path": "*/charges*"}


@pytest.fixture
def reviews(record_signal):
    return record_signal("payment_needs_review")


@pytest.fixture
def generous(shop):
    """A Voucher Cloud that books more refunds than the charge was."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_limit_shrinks=False)


@pytest.fixture
def captured(order, generous):
    gateway.capture(order)
    return order


def test_a_return_refunded_after_the_backup_is_not_refunded_again(shop, captured, voucher, reviews):
    backup = Backup()
    gateway.refund(captured)
    backup.put_back()
    with pytest.raises(OutcomeUnknownError) as caught:
        gateway.refund(captured)
    assert (caught.value.code, state()) == ("refunded_elsewhere", ("manual", "refunded_elsewhere"))
    assert shop.bookings(voucher) == [CHARGED, REFUNDED]
    assert reviews == [("A-1001", D("20.00"))]


def test_a_return_that_was_due_in_the_backup_is_not_refunded_again(shop, captured, voucher):
    shop.cloud.faults.next("before:503", **BOOKINGS, times=None)
    with pytest.raises(UnavailableError):
        gateway.refund(captured)
    shop.cloud.faults.clear()
    backup = Backup()
    gateway.refund(captured)
    backup.put_back()
    shop.later(minutes=5)
    gateway.settle()
    assert (state(), shop.bookings(voucher)) == (("manual", "refunded_elsewhere"), [CHARGED, REFUNDED])


def test_a_cancellation_refunded_after_the_backup_is_not_refunded_again(shop, captured, voucher):
    backup = Backup()
    gateway.cancel(captured)
    backup.put_back()
    with pytest.raises(OutcomeUnknownError):
        gateway.cancel(captured)
    gateway.settle()
    assert (state(), shop.bookings(voucher)) == (("manual", "refunded_elsewhere"), [CHARGED, REFUNDED])


def test_a_person_finds_the_refund(shop, captured, voucher):
    backup = Backup()
    gateway.refund(captured)
    backup.put_back()
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(captured)
    booked = shop.cloud.bookings(voucher.id)[-1].id
    gateway.conclude(last_operation(), remote_id=booked, actor="Kim", reason="before the restore")
    assert VoucherPayment.objects.get().status == "refunded"


def test_a_part_that_went_back_by_hand_does_not_stop_the_rest(shop, captured, voucher):
    shop.cloud.refund(shop.cloud.bookings(voucher.id)[0].id, "5.00")
    gateway.refund(captured, "15.00")
    assert shop.bookings(voucher) == [CHARGED, ("refund", D("5.00")), ("refund", D("15.00"))]
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(captured, "5.00")
    assert len(shop.bookings(voucher)) == 3
