"""Topping a voucher up: by its sale or its code, exactly once for each key."""

import traceback
from decimal import Decimal as D

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    CredentialsError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    VoucherUnusableError,
    WrongStateError,
)
from voucher_payment_gateway.models import (
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

RECHARGE = "/v1/vouchers/recharge"
LOST = ["after:drop", "after:500", "after:html502", "after:truncated", "after:other"]
NOT_SENT = ["before:503", "before:429", "before:401"]


@pytest.fixture
def sale(shop, gateway_settings):
    """A voucher of 50.00 that an order has sold."""
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return gateway.activate(shop.order("50.00", note="a=50.00"))[0]


def balance(shop, sale):
    return shop.cloud.balance(sale.voucher_id)


def look_again():
    VoucherOperation.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    return gateway.settle()


def test_an_active_sale_is_topped_up_once_for_each_key(shop, sale, record_signal):
    told = record_signal("voucher_topped_up")
    operation = gateway.top_up(sale, "10.00", key="bonus-1", actor="clerk", reason="birthday")
    assert (operation.kind, operation.state, operation.sale_id) == ("recharge", "succeeded", sale.pk)
    assert (operation.actor, operation.reason) == ("clerk", "birthday")
    assert gateway.top_up(sale, "10.00", key="bonus-1").pk == operation.pk
    sale.refresh_from_db()
    assert (balance(shop, sale), sale.amount, sale.amount_topped_up) == (D("60.00"), D("50.00"), D("10.00"))
    assert told == [(sale.order_number, D("10.00"))]
    gateway.top_up(sale, "10.00", key="bonus-2")
    assert balance(shop, sale) == D("70.00")


def test_a_key_with_another_amount_is_refused(shop, sale):
    gateway.top_up(sale, "10.00", key="bonus")
    with pytest.raises(AmountError) as refused:
        gateway.top_up(sale, "11.00", key="bonus")
    assert refused.value.code == "key_reused"
    assert balance(shop, sale) == D("60.00")


def test_a_key_is_that_of_one_voucher(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    sales = gateway.activate(shop.order("70.00", note="a=50.00 b=20.00"))
    first, second = (gateway.top_up(sale, "5.00", key="2026-11") for sale in sales)
    assert first.pk != second.pk
    assert [balance(shop, sale) for sale in sales] == [D("55.00"), D("25.00")]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"key": ""}, "key"),
        ({"key": " "}, "key"),
        ({"key": "k" * 201}, "key"),
        ({"key": 7}, "key"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "100000.00"}, "amount"),
        ({"amount": 1.5}, "amount"),
    ],
)
def test_bad_input_is_named_and_nothing_is_sent(shop, sale, arguments, named):
    shop.calls()
    given = {"amount": "10.00", "key": "k"} | arguments
    with pytest.raises(PaymentStateError, match=rf"^{named}: .*Nothing was sent"):
        gateway.top_up(sale, given.pop("amount"), **given)
    assert (shop.calls(), VoucherIdempotencyKey.objects.count()) == ([], 0)


@pytest.mark.parametrize("given", [None, 12345, VoucherSale()])
def test_what_is_no_code_and_no_sale_is_named(shop, given):
    with pytest.raises(PaymentStateError, match=r"^code_or_sale: "):
        gateway.top_up(given, "10.00", key="k")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "issued"}, "is not activated yet"),
        ({"status": "ordered"}, "is not issued yet"),
        ({"status": "taken_back"}, "was taken back"),
        ({"status": "failed"}, "was never issued"),
        ({"target": "taken_back"}, "is being taken back"),
    ],
)
def test_only_an_active_sale_is_topped_up(shop, sale, fields, state):
    VoucherSale.objects.update(**fields)
    shop.calls()
    with pytest.raises(WrongStateError, match=state):
        gateway.top_up(sale, "10.00", key="k")
    assert (shop.calls(), VoucherIdempotencyKey.objects.count()) == ([], 0)


def test_a_known_code_needs_no_reservation_and_evicts_no_hold(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    shop.calls()
    operation = gateway.top_up(f" {voucher.code} ", "10.00", key="k")
    assert shop.calls() == [("POST", RECHARGE)]
    assert (operation.sale.origin, operation.sale.amount, operation.sale.status) == (
        "topped_up",
        D("0.00"),
        "active",
    )
    assert (operation.sale.target, operation.sale.delivery, operation.sale.code_hint) == (
        "active",
        "none",
        "ABCD",
    )
    gateway.capture(order)
    assert shop.bookings(voucher) == [("recharge", D("10.00")), ("charge", D("20.00"))]


def test_a_sold_voucher_is_found_by_its_code(shop, sale):
    code = shop.cloud.voucher(sale.voucher_id).code
    shop.calls()
    assert gateway.top_up(code, "10.00", key="k").sale_id == sale.pk
    assert shop.calls() == [("POST", RECHARGE)]
    assert gateway.top_up(sale, "10.00", key="k").sale_id == sale.pk
    assert balance(shop, sale) == D("60.00")


def test_an_unknown_code_is_learned_by_a_reservation_that_is_released(shop):
    voucher = shop.voucher("20.00", pin="4711")
    operation = gateway.top_up(voucher.code, "10.00", key="k", pin="4711", currency="EUR")
    assert operation.sale.voucher_id == voucher.id
    assert [method for method, _ in shop.calls()] == ["POST", "DELETE", "POST"]
    assert shop.cloud.balance(voucher.id) == D("30.00")
    gateway.top_up(voucher.code, "10.00", key="k")  # known now: no PIN, no currency
    assert VoucherSale.objects.count() == 1
    assert shop.cloud.balance(voucher.id) == D("30.00")


def test_another_spelling_of_a_known_code_tops_up_the_same_sale(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher = shop.voucher("20.00")
    first = gateway.top_up(voucher.code, "10.00", key="k", currency="EUR")
    again = gateway.top_up(voucher.code.lower(), "10.00", key="k")
    assert (again.pk, VoucherSale.objects.count()) == (first.pk, 1)


def test_a_hold_that_the_look_up_replaced_is_due_to_be_renewed(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.authorize_selected(order)
    gateway.top_up(voucher.code.lower(), "10.00", key="k")
    payment = VoucherPayment.objects.get()
    assert payment.renew_at <= payment.updated_at
    gateway.capture(order)
    assert shop.bookings(voucher) == [("recharge", D("10.00")), ("charge", D("20.00"))]


def test_the_look_up_leaves_a_payment_to_the_charge_that_is_under_way(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher = shop.voucher("20.00")
    order = shop.order("10.00")
    gateway.authorize(order, voucher.code)
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    before = VoucherPayment.objects.values().get()
    with pytest.raises(OperationInProgressError):
        gateway.top_up(voucher.code.lower(), "10.00", key="k")
    assert VoucherPayment.objects.values().get() == before


@pytest.mark.parametrize("fields", [{"status": "inactive"}, {"pin": "4711"}, None])
def test_a_code_that_cannot_be_learned_is_unusable_whatever_the_reason(shop, fields):
    code = "GIFT-NONE-0000" if fields is None else shop.voucher("20.00", **fields).code
    with pytest.raises(VoucherUnusableError) as refused:
        gateway.top_up(code, "10.00", key="k", currency="EUR")
    assert str(refused.value) == str(VoucherUnusableError())
    assert not VoucherSale.objects.exists()
    assert not VoucherOperation.objects.exists()


def test_the_code_of_a_voucher_that_was_taken_back_is_unusable(shop, sale):
    code = shop.cloud.voucher(sale.voucher_id).code
    gateway.take_back(sale)
    with pytest.raises(VoucherUnusableError):
        gateway.top_up(code, "10.00", key="k")


def test_an_unknown_code_is_of_the_usual_currency_where_none_is_given(shop, gateway_settings):
    voucher = shop.voucher("20.00", currency="CHF")
    gateway_settings(CURRENCY="CHF")
    assert gateway.top_up(voucher.code, "10.00", key="k").currency == "CHF"


def test_no_frame_of_an_error_shows_the_code(shop):
    shop.cloud.faults.next("before:503", path="*", times=None)
    voucher = shop.voucher("20.00", code="GIFT-CANARY-77")
    for call in (gateway.top_up, async_to_sync(gateway.atop_up)):
        with pytest.raises(UnavailableError) as caught:
            call(voucher.code, "10.00", key="k", pin="CANARY-PIN", currency="EUR")
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        own = [frame for frame in shown.stack if "voucher_payment_gateway" in frame.filename]
        assert own
        assert "CANARY" not in str([frame.locals for frame in own])


def test_inside_a_transaction_it_is_sent_after_the_commit(shop, sale):
    shop.calls()
    with transaction.atomic():
        operation = gateway.top_up(sale, "10.00", key="k")
        assert (operation.state, shop.calls()) == ("due", [])
    assert balance(shop, sale) == D("60.00")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        gateway.top_up(sale, "10.00", key="other")
        raise ZeroDivisionError
    gateway.settle()
    assert balance(shop, sale) == D("60.00")


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_found_and_never_repeated(shop, sale, fault):
    shop.cloud.faults.next(fault, method="POST", path=RECHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sale, "10.00", key="k")
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sale, "10.00", key="k")
    with pytest.raises(OperationInProgressError):
        gateway.top_up(sale, "10.00", key="another")
    assert look_again().found == 1
    assert gateway.top_up(sale, "10.00", key="k").state == "succeeded"
    assert balance(shop, sale) == D("60.00")


def test_a_request_that_was_lost_is_repeated_after_the_grace_period_alone(shop, sale):
    shop.cloud.faults.next("before:drop", method="POST", path=RECHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sale, "10.00", key="k")
    look_again()
    assert balance(shop, sale) == D("50.00")
    for seconds in (901, 61):
        shop.later(seconds=seconds)
        look_again()
    assert balance(shop, sale) == D("60.00")
    assert VoucherOperation.objects.get(kind="recharge").attempts == 2


@pytest.mark.parametrize("fault", NOT_SENT)
def test_what_surely_was_not_applied_is_sent_by_settle_or_a_repetition(shop, sale, fault):
    shop.cloud.faults.next(fault, method="POST", path=RECHARGE, times=2)
    with pytest.raises((UnavailableError, CredentialsError)):
        gateway.top_up(sale, "10.00", key="k")
    shop.cloud.faults.clear()
    assert gateway.top_up(sale, "10.00", key="k").state == "succeeded"
    look_again()
    assert balance(shop, sale) == D("60.00")


def test_a_refused_one_moves_nothing_and_asks_for_a_person(shop, sale, record_signal):
    told = record_signal("voucher_needs_review")
    shop.cloud.faults.next("before:422", method="POST", path=RECHARGE)
    for _ in range(2):
        with pytest.raises(RefusedError):
            gateway.top_up(sale, "10.00", key="k")
    assert VoucherOperation.objects.get(kind="recharge").state == "refused"
    assert balance(shop, sale) == D("50.00")
    assert told == [(sale.order_number, D("10.00"))]
    gateway.top_up(sale, "10.00", key="k2")
    assert balance(shop, sale) == D("60.00")


def test_a_refusal_that_a_proxy_shows_in_place_of_the_booking_is_not_believed(shop, sale):
    shop.cloud.faults.next("after:422", method="POST", path=RECHARGE)
    assert gateway.top_up(sale, "10.00", key="k").state == "succeeded"
    assert balance(shop, sale) == D("60.00")


def test_a_worker_that_died_while_it_sent_leaves_an_unknown_outcome(shop, sale):
    gateway.top_up(sale, "10.00", key="k")
    VoucherOperation.objects.filter(kind="recharge").update(
        state="sending", remote_id="", settled_at=None, sending_at="2020-01-01T00:00:00Z"
    )
    VoucherSale.objects.update(amount_topped_up=D("0.00"))
    report = gateway.settle()
    assert (report.abandoned, report.found) == (1, 1)
    sale.refresh_from_db()
    assert (sale.amount_topped_up, balance(shop, sale)) == (D("10.00"), D("60.00"))


def test_one_that_was_not_sent_is_withdrawn_when_the_voucher_is_taken_back(shop, sale):
    shop.cloud.faults.next("before:503", method="POST", path=RECHARGE, times=2)
    with pytest.raises(UnavailableError):
        gateway.top_up(sale, "10.00", key="k")
    shop.cloud.faults.clear()
    gateway.take_back(sale)
    look_again()
    look_again()
    sale.refresh_from_db()
    assert VoucherOperation.objects.get(kind="recharge").state == "not_applied"
    assert sale.status == "taken_back"
    with pytest.raises(WrongStateError, match="withdrawn"):
        gateway.top_up(sale, "10.00", key="k")


def test_the_async_form_does_the_same(shop, sale):
    assert async_to_sync(gateway.atop_up)(sale, "10.00", key="k").state == "succeeded"
    assert balance(shop, sale) == D("60.00")


def test_one_that_was_topped_up_is_taken_back_and_left_there_inactive(shop, sale):
    gateway.top_up(sale, "10.00", key="k")
    shop.later(minutes=20)
    sale.refresh_from_db()
    with pytest.raises(WrongStateError, match="topped up since") as refused:
        gateway.take_back(Order.objects.get(number=sale.order_number))
    assert refused.value.code == "voucher_topped_up"
    with pytest.raises(UnavailableError) as waiting:
        gateway.take_back(sale)
    assert (waiting.value.code, shop.cloud.voucher(sale.voucher_id).status) == (
        "hold_may_be_charged",
        "inactive",
    )
    shop.later(minutes=37)
    gateway.settle()
    sale.refresh_from_db()
    assert (sale.status, shop.cloud.voucher(sale.voucher_id).status) == ("taken_back", "inactive")


def test_a_voucher_that_was_deleted_there_is_refused_and_nothing_is_left_open(shop, sale):
    shop.cloud.store.state.vouchers[sale.voucher_id].deleted = True
    with pytest.raises(RefusedError):
        gateway.top_up(sale, "10.00", key="k")
    assert VoucherOperation.objects.get(kind="recharge").state == "refused"
