"""A clear "no" that is not true: an intermediary repeats the charge and shows the answer to the repetition."""

from contextlib import suppress
from decimal import Decimal as D
from uuid import uuid4

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OperationInProgressError, RefusedError, VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

ANSWERS = ["401", "403", "404", "409", "410", "422", "429", "503"]
BOOKINGS = {"method": "GET", "path": "*/charges*"}


@pytest.fixture(params=["code kept", "code not kept"])
def code(request, gateway_settings):
    if request.param == "code not kept":
        gateway_settings(SEALING_KEYS=[])


def charge_answered(shop, answer):
    shop.cloud.faults.next(f"after:{answer}", method="POST", path="*/charge")


def settle_for(shop, *, minutes, times=8):
    for _ in range(times):
        shop.later(minutes=minutes)
        gateway.settle()


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_charge_that_is_booked_and_answered_with_a_no_is_charged_once(code, shop, voucher, answer, reviews):
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    charge_answered(shop, answer)
    gateway.capture(order)
    settle_for(shop, minutes=20)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_captured) == ("captured", D("20.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert reviews == []


@pytest.mark.parametrize("answer", ANSWERS)
def test_while_the_bookings_cannot_be_read_the_no_is_not_believed(code, shop, voucher, answer):
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    charge_answered(shop, answer)
    shop.cloud.faults.next("before:503", **BOOKINGS, times=None)
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    assert VoucherOperation.objects.get(kind="charge").state in ("due", "unknown")
    shop.cloud.faults.clear()
    settle_for(shop, minutes=20)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_captured) == ("captured", D("20.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


@pytest.mark.parametrize("answer", ["409", "429"])
def test_cancelled_before_the_no_was_verified_the_charge_goes_back(shop, order, voucher, answer):
    charge_answered(shop, answer)
    shop.cloud.faults.next("before:503", **BOOKINGS, times=None)
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    gateway.cancel(order)
    shop.cloud.faults.clear()
    settle_for(shop, minutes=20)
    assert VoucherPayment.objects.get().status == "cancelled"
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_worker_that_lost_the_charge_while_it_verified_reserves_nothing(shop, order, during):
    shop.cloud.faults.next("before:429", method="POST", path="*/charge")
    shop.cloud.faults.next("before:503", **BOOKINGS, times=None)
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    shop.cloud.faults.clear()
    during(
        "list_voucher_charges", lambda: VoucherOperation.objects.filter(kind="charge").update(claim=uuid4())
    )
    shop.calls()
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    assert [method for method, path in shop.calls() if method == "POST"] == []


def test_a_true_refusal_costs_one_read_and_is_read_again_two_hours_later(shop, order, voucher):
    shop.cloud.set_status(voucher.id, "inactive")
    shop.calls()
    with pytest.raises(RefusedError):
        gateway.capture(order)
    assert next(path for method, path in shop.calls() if method == "GET").endswith("/charges")
    refused = VoucherOperation.objects.filter(kind="charge", state="refused")
    assert refused.exists()
    assert all(operation.reread_at for operation in refused.filter(attempts__gt=0))


def test_a_charge_that_succeeds_costs_one_call(shop, order):
    shop.calls()
    gateway.capture(order)
    assert len(shop.calls()) == 1
