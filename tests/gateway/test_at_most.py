"""``at_most``: a caller who was shown an amount moves no more than that, whatever is charged or held meanwhile."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, OutcomeUnknownError
from voucher_payment_gateway.gateway.verbs import cancel
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE, OTHER = "GIFT-2000-ABCD", "GIFT-3000-WXYZ"


@pytest.fixture
def order(shop):
    shop.voucher("20.00", code=CODE)
    shop.voucher("40.00", code=OTHER)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    return order


def payments():
    rows = VoucherPayment.objects.order_by("pk")
    return list(rows.values_list("status", "amount_refunded", "cancel_requested_at"))


def test_a_cancel_refunds_that_or_changes_nothing(shop, order):
    gateway.capture(order)
    gateway.authorize(order, OTHER)
    before = payments()
    for too_little in ("0", "19.99"):
        with pytest.raises(AmountError, match="Nothing was sent") as refusal:
            gateway.cancel(order, at_most=too_little, key="c")
        assert (refusal.value.code, payments()) == ("more_than_allowed", before)
    gateway.cancel(order, at_most="20.00", key="c")
    assert [status for status, *_ in payments()] == ["cancelled", "cancelled"]


@pytest.mark.parametrize("key", ["", "c"])
def test_a_capture_while_it_is_decided_is_not_refunded(order, monkeypatch, key):
    """It is written between the read and the write of the cancel, which conflicts with it, and reads again."""
    is_ended = cancel.is_ended

    def captured_first(payment):
        monkeypatch.setattr(cancel, "is_ended", is_ended)
        gateway.capture(order)
        return is_ended(payment)

    monkeypatch.setattr(cancel, "is_ended", captured_first)
    with pytest.raises(AmountError):
        gateway.cancel(order, at_most="0", key=key)
    assert [refunded for _, refunded, _ in payments()] == [D(0)]
    assert not VoucherOperation.objects.filter(kind__in=("refund", "cancel")).exists()


def test_a_charge_whose_outcome_is_open_counts(shop, order):
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    with pytest.raises(AmountError):
        gateway.cancel(order, at_most="19.99")
    assert [requested for *_, requested in payments()] == [None]
    gateway.cancel(order, at_most="20.00")
    assert [requested for *_, requested in payments()] != [None]


def test_a_capture_charges_that_or_nothing(shop, order):
    gateway.authorize(order, OTHER)
    with pytest.raises(AmountError) as refusal:
        gateway.capture(order, at_most="20.00", key="c")
    assert (refusal.value.code, VoucherOperation.objects.filter(kind="charge").count()) == (
        "more_than_allowed",
        0,
    )
    gateway.capture(order, at_most="50.00", key="c")
    assert order.voucher_captured == D(50)


def test_it_bounds_more_than_one_voucher_may_hold(shop):
    for code in (CODE, OTHER):
        shop.voucher("60000.00", code=code)
    order = shop.order("120000.00")
    for code in (CODE, OTHER):
        gateway.authorize(order, code)
    gateway.capture(order, at_most="120000.00", key="c")
    assert order.voucher_captured == D(120000)
    gateway.cancel(order, at_most="120000.00", key="c")
    assert [refunded for _, refunded, _ in payments()] == [D(60000), D(60000)]
