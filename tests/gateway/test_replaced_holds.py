"""Two orders of a shop with the same voucher: the later one replaces the hold, and nothing is paid twice."""

from decimal import Decimal as D

import django.db
import pytest
from django.db import connection, transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    OperationInProgressError,
    VoucherGatewayError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def first(shop, voucher):
    order = shop.order("20.00", "A-1001")
    gateway.authorize(order, CODE)
    return order


@pytest.fixture
def second(shop):
    return shop.order("20.00", "A-1002")


def status_of(order):
    return VoucherPayment.objects.get(order_number=order.number).status


@pytest.mark.parametrize("verb", ["authorize", "authorize_selected"])
def test_the_first_payment_is_told_that_its_hold_was_taken_over(first, second, record_signal, verb):
    lapsed = record_signal("payment_lapsed")
    hold(second, verb)
    assert (status_of(first), status_of(second)) == ("lapsed", "authorized")
    assert first.voucher_authorized == D("0.00")
    assert lapsed == [("A-1001", D("20.00"))]


def hold(order, verb):
    if verb == "authorize":
        return gateway.authorize(order, CODE)
    gateway.select(order, CODE)
    return gateway.authorize_selected(order)


@pytest.mark.parametrize("verb", ["authorize", "authorize_selected"])
def test_while_the_first_is_being_charged_the_second_is_refused_and_nothing_is_sent(
    shop, first, second, voucher, verb
):
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(VoucherGatewayError):
        gateway.capture(first)
    shop.calls()
    with pytest.raises(OperationInProgressError, match="being paid") as caught:
        hold(second, verb)
    assert caught.value.code == "voucher_being_charged"
    assert shop.calls() == []
    shop.later(minutes=2)
    gateway.settle()
    assert status_of(first) == "captured"
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_loser_reserves_again_once_when_it_is_captured(shop, first, second, voucher):
    gateway.authorize(second, CODE)
    gateway.capture(first)
    assert (status_of(first), status_of(second)) == ("captured", "lapsed")
    with pytest.raises(InsufficientBalanceError):
        gateway.capture(second)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert status_of(second) == "failed"


def test_both_are_paid_where_the_voucher_is_enough_for_both(shop, second):
    voucher = shop.voucher("50.00", code="GIFT-5000-WXYZ")
    first = shop.order("20.00", "A-1001")
    gateway.authorize(first, "GIFT-5000-WXYZ")
    gateway.authorize(second, "GIFT-5000-WXYZ")
    gateway.capture(second)
    gateway.capture(first)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("charge", D("20.00"))]
    assert (status_of(first), status_of(second)) == ("captured", "captured")


def test_a_renewal_of_one_order_is_told_to_the_other_by_voucher_not_by_spelling(shop, first, second):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    gateway.authorize(second, CODE.lower())
    shop.later(minutes=36)
    VoucherPayment.objects.filter(order_number="A-1001").update(reservation_dead_at=None)
    gateway.capture(second)
    assert status_of(first) == "lapsed"


def test_a_charge_left_to_a_person_frees_the_voucher_for_others(shop, first, second):
    gateway.capture(first)
    VoucherOperation.objects.filter(kind="charge").update(state="manual")
    VoucherPayment.objects.update(status="authorized", amount_authorized="20.00", amount_captured="0.00")
    with pytest.raises(VoucherGatewayError) as caught:
        gateway.authorize(second, CODE)
    assert not isinstance(caught.value, OperationInProgressError)


class DeadlockDetected(Exception):  # noqa: N818 - the driver's own name
    """A deadlock as PostgreSQL's driver raises it."""

    sqlstate = "40P01"


@pytest.fixture
def deadlocks(first):
    """A deadlock, with this side as the victim, at the first update of the replaced payment. Counts the rollbacks."""
    undone = []

    def give_way(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "lapsed" in str(params) and not undone:
            undone.append(sql)
            raise django.db.OperationalError("deadlock detected") from DeadlockDetected()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(give_way):
        yield undone


def test_a_take_over_that_gave_way_in_a_deadlock_is_made_again(first, second, deadlocks):
    assert gateway.authorize(second, CODE).amount_authorized == D("20.00")
    assert len(deadlocks) == 1
    assert (status_of(first), status_of(second)) == ("lapsed", "authorized")


def test_a_deadlock_of_the_callers_transaction_is_told_to_the_caller(first, second, deadlocks):
    with pytest.raises(django.db.OperationalError), transaction.atomic():
        gateway.authorize(second, CODE)
    assert not VoucherPayment.objects.filter(order_number=second.number).exists()
