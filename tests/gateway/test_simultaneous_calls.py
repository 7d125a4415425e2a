"""Calls at the same moment (tabs, double clicks, 64 threads): one voucher, one order, one charge."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.db import IntegrityError, connection

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OperationInProgressError, PaymentStateError
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment

THREADS = 16


def at_once(*actions):
    """Run all actions at the same moment, and return each result or error."""
    barrier = Barrier(len(actions))

    def run(action):
        barrier.wait()
        try:
            return action()
        except PaymentStateError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def numbers_without_a_gap():
    numbers = sorted(VoucherOperation.objects.values_list("number", flat=True))
    return numbers == list(range(1, len(numbers) + 1))


def test_many_captures_at_once_charge_once(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    answers = at_once(*[lambda: gateway.capture(order)] * THREADS)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().amount_captured == D("20.00")
    assert Counter(type(answer) for answer in answers).keys() <= {list, *PaymentStateError.__subclasses__()}
    assert numbers_without_a_gap()


def test_many_equal_refunds_at_once_never_exceed_what_was_captured(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    at_once(*[lambda: gateway.refund(order, "7.00")] * THREADS)
    refunded = [amount for kind, amount in shop.bookings(voucher) if kind == "refund"]
    assert sum(refunded) == VoucherPayment.objects.get().amount_refunded
    assert len(refunded) in (1, 2)
    assert numbers_without_a_gap()


def test_the_same_code_in_many_tabs_is_one_payment(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    at_once(*[lambda: gateway.authorize(Order.objects.get(), "GIFT-2000-ABCD")] * 8)
    assert order.voucher_authorized == D("50.00")
    assert VoucherPayment.objects.count() == 1
    gateway.capture(order)
    assert order.voucher_captured == D("50.00")


def test_different_vouchers_in_many_tabs_never_hold_more_than_the_total(shop):
    codes = [f"GIFT-{number}-WXYZ" for number in range(6)]
    for code in codes:
        shop.voucher("30.00", code=code)
    order = shop.order("50.00")
    at_once(*[lambda code=code: gateway.authorize(Order.objects.get(), code) for code in codes])
    assert order.voucher_authorized == D("50.00")
    ids = Order.objects.get().voucher_reservation_ids
    noted = (
        VoucherOperation.objects.filter(kind="reserve").order_by("number").values_list("remote_id", flat=True)
    )
    assert ids == list(noted)


def test_two_orders_with_one_voucher_spend_its_balance_once(shop):
    voucher = shop.voucher("20.00")
    orders = [shop.order("20.00", number=number) for number in ("A-1", "A-2")]
    for order in orders:
        gateway.authorize(order, "GIFT-2000-ABCD")

    def capture(order):
        try:
            return gateway.capture(order)
        except Exception as error:
            return error

    at_once(*[lambda order=order: capture(order) for order in orders])
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert sum(order.voucher_captured for order in orders) == D("20.00")


def test_settle_and_capture_at_once_charge_once(shop):
    from django.db import transaction

    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("before:503", method="POST", path="*/charge")
    with transaction.atomic():
        gateway.capture(order)
    VoucherOperation.objects.filter(state="due").update(due_at="2020-01-01T00:00:00Z")
    at_once(*[gateway.settle] * 6, lambda: gateway.capture(order))
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


def test_one_open_money_operation_per_voucher_is_a_law_of_the_database(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    payment = gateway.authorize(order, "GIFT-2000-ABCD")
    fields = {
        "order_number": "A-1001",
        "voucher_id": payment.voucher_id,
        "amount": D("1.00"),
        "currency": "EUR",
        "payment": payment,
    }
    VoucherOperation.objects.create(number=50, kind="charge", state="due", reference="a", **fields)
    with pytest.raises(IntegrityError):
        VoucherOperation.objects.create(number=51, kind="refund", state="unknown", **fields)


def moved(shop, voucher, kind):
    return [amount for booked, amount in shop.bookings(voucher) if booked == kind]


@pytest.mark.parametrize("verb", ["capture", "refund"])
def test_workers_with_one_key_at_the_same_moment_move_the_money_once(shop, verb):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    if verb == "refund":
        gateway.capture(order)
    call, kind = getattr(gateway, verb), "charge" if verb == "capture" else "refund"
    answers = at_once(*[lambda: call(order, "5.00", key="job-1")] * 4)
    assert moved(shop, voucher, kind) == [D("5.00")]
    assert all(isinstance(answer, list | OperationInProgressError) for answer in answers)
    call(order, "5.00", key="job-1")
    assert moved(shop, voucher, kind) == [D("5.00")]
    assert VoucherIdempotencyKey.objects.count() == 1


def test_workers_with_one_key_charge_several_vouchers_once_each(shop):
    vouchers = [shop.voucher("20.00", code=f"GIFT-{number}-WXYZ") for number in range(3)]
    order = shop.order("60.00")
    for voucher in vouchers:
        gateway.authorize(order, voucher.code)
    at_once(*[lambda: gateway.capture(order, "50.00", key="job-1")] * 4)
    gateway.settle()
    gateway.capture(order, "50.00", key="job-1")
    charged = [moved(shop, voucher, "charge") for voucher in vouchers]
    assert charged == [[D("20.00")], [D("20.00")], [D("10.00")]]


def test_workers_with_keys_of_their_own_never_move_more_than_there_is(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    keys = [f"return-{number}" for number in range(4)]
    at_once(*[lambda key=key: gateway.refund(order, "7.00", key=key) for key in keys])
    refunded = moved(shop, voucher, "refund")
    assert len(refunded) in (1, 2)
    assert sum(refunded) == VoucherPayment.objects.get().amount_refunded


def test_workers_with_one_key_reserve_one_payment_whose_reservation_is_the_newest(shop):
    voucher = shop.voucher("80.00")
    order = shop.order("50.00")
    answers = at_once(*[lambda: gateway.authorize(Order.objects.get(), "GIFT-2000-ABCD", key="click-1")] * 4)
    assert {answer.pk for answer in answers} == {VoucherPayment.objects.get().pk}
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert VoucherOperation.objects.filter(kind="charge", state="succeeded").count() == 1


def test_workers_with_one_key_cancel_once(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    at_once(*[lambda: gateway.cancel(order, key="abort-1")] * 4)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]
    assert VoucherPayment.objects.get().status == "cancelled"
