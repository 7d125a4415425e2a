"""A charge that has to reserve again: only the worker that set it to ``sending`` does so, and only once."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import InsufficientBalanceError, OperationInProgressError
from voucher_payment_gateway.gateway.operations.charge import CHARGE
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.side_by_side import MAX_AT_ONCE
from voucher_payment_gateway.models import VoucherOperation

CODE = "GIFT-2000-ABCD"


def charge():
    return VoucherOperation.objects.filter(kind="charge").latest("pk")


def calls(shop):
    return [path.rsplit("/", 1)[-1] for _, path in shop.calls()]


def another_tab(order):
    """Another worker captures the same order, and a sweep runs."""
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    gateway.settle()


@pytest.mark.parametrize(("amount", "first"), [(None, ["charges"]), ("5.00", [])])
def test_a_capture_that_reserves_again_is_alone(shop, order, voucher, during, amount, first):
    if amount is None:
        shop.later(minutes=40)
    shop.calls()
    during("reserve", lambda: another_tab(order))
    gateway.capture(order, amount)
    assert calls(shop) == [*first, "reservations", "charge"]
    assert shop.bookings(voucher) == [("charge", D(amount or "20.00"))]


class Killed(BaseException):
    """Ends the simulated process."""


def killed():
    raise Killed


def test_a_process_that_dies_while_it_reserves_again_leaves_the_charge_to_settle(
    shop, order, voucher, during
):
    shop.later(minutes=40)
    during("reserve", killed)
    with pytest.raises(Killed):
        gateway.capture(order)
    assert (charge().state, charge().attempts) == ("sending", 0)
    for _ in range(4):
        shop.later(minutes=2)
        gateway.settle()
    assert (charge().state, charge().attempts) == ("succeeded", 1)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_what_was_refused_is_not_sent_again(shop, order):
    shop.later(minutes=40)
    shop.cloud.faults.next("before:422", method="POST", path="*/reservations")
    with pytest.raises(InsufficientBalanceError):
        gateway.capture(order)
    refused = charge()
    shop.calls()
    execute_due(CHARGE, refused)
    assert (refused.state, calls(shop)) == ("refused", [])


MANY = 16


@pytest.fixture
def many(shop):
    """An order with more vouchers than the maximum of conflicts."""
    order = shop.order(str(MANY), "B-1")
    for number in range(MANY):
        shop.voucher("1.00", code=f"GIFT-{number:04}")
        gateway.select(order, f"GIFT-{number:04}")
    gateway.authorize_selected(order)
    return order


def test_all_of_many_vouchers_are_charged_after_their_holds_ended(shop, many):
    shop.later(minutes=40)
    gateway.capture(many)
    assert many.voucher_captured == D(MANY)


def test_all_of_many_vouchers_are_charged_after_a_till_took_their_holds(shop, many):
    till = shop.cloud.add_client(name="Till").id
    for number in range(MANY):
        shop.cloud.reserve(f"GIFT-{number:04}", "0.01", client_id=till)
    gateway.capture(many)
    assert many.voucher_captured == D(MANY)


def test_what_followed_a_refusal_is_told_where_the_rest_turns_out_impossible(shop, many, during):
    """The first voucher is charged on a new reservation; meanwhile another worker has started a charge that follows
    those which are sent beside it."""
    first, other = many.voucher_payments.all()[0], many.voucher_payments.all()[MAX_AT_ONCE]
    till = shop.cloud.add_client(name="Till").id
    shop.cloud.reserve("GIFT-0000", "0.01", client_id=till)

    def another_worker():
        VoucherOperation.objects.create(
            payment=other,
            order_number=many.number,
            number=99,
            voucher_id=other.voucher_id,
            kind="charge",
            state="sending",
            amount=D("1.00"),
            currency="EUR",
            reference="B-1-9.token",
        )

    during("charge", another_worker)
    with pytest.raises(OperationInProgressError, match=r"8\.00 went through before") as caught:
        gateway.capture(many)
    first.refresh_from_db()
    assert (caught.value.money_moved, first.amount_captured) == ("maybe", D("1.00"))


def test_all_of_many_vouchers_are_cancelled_though_every_other_one_is_charged(shop, many):
    for payment in list(many.voucher_payments)[::2]:
        gateway.capture(payment)
    gateway.cancel(many)
    assert set(many.voucher_payments.values_list("status", flat=True)) == {"cancelled"}
