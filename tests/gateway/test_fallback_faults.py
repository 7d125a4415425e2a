"""Refunds that fall back, under drawn behaviours of the Voucher Cloud and drawn faults: never a cent twice."""

from decimal import Decimal as D

import pytest
from django.db.models import Sum

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import Behaviour

SEEDS = range(10)


def given_back(shop, voucher):
    """All money that went back: on the old voucher, and on new ones that can be redeemed."""
    booked = sum((amount for kind, amount in shop.bookings(voucher) if kind != "charge"), D("0.00"))
    new = [each for each in shop.cloud.store.state.vouchers.values() if each.id.startswith("vpg-")]
    return booked + sum((shop.cloud.balance(each.id) for each in new if each.status == "active"), D("0.00"))


def settle(shop, times):
    for _ in range(times):
        shop.later(minutes=6)
        shop.cloud.faults.land_late()
        for model in (VoucherOperation, VoucherSale):
            model.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
        gateway.settle()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_cent_goes_back_twice_and_our_records_know_each(shop, gateway_settings, seed):
    gateway_settings(REFUND_FALLBACK=["recharge", "new_voucher", "manual"])
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    fixed = {"refund_to_unusable_voucher": "refuse", "list_lag_seconds": 0, "clock_offset_seconds": 0}
    shop.cloud.behaviour = Behaviour.random(seed).but(**fixed)
    shop.cloud.set_status(voucher.id, "inactive")
    shop.cloud.faults.draw(seed, rate=0.3)
    for _ in range(4):
        try:
            gateway.refund(order, "20.00", key="return-1")
        except VoucherGatewayError:
            settle(shop, 2)
    shop.cloud.faults.clear()
    settle(shop, 8)
    (payment,) = VoucherPayment.objects.all()
    assert given_back(shop, voucher) == payment.amount_refunded
    undecided = VoucherOperation.objects.filter(state__in=("manual", "unknown")).aggregate(sum=Sum("amount"))
    assert payment.amount_refunded == D("20.00") or undecided["sum"] or _was_refused_to_the_end()


def _was_refused_to_the_end():
    last = VoucherOperation.objects.exclude(kind__in=("charge", "reserve")).latest("pk")
    return last.state == "refused"
