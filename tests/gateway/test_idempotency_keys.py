"""Idempotency keys: a call with a key happens once per order and verb, however often it is repeated."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def paid(order):
    gateway.capture(order)
    return order


@pytest.fixture
def two_vouchers(shop):
    """An order of 60.00, authorized with vouchers of 20.00 and 40.00."""
    vouchers = [shop.voucher("20.00", "GIFT-2000-AAAA"), shop.voucher("40.00", "GIFT-4000-BBBB")]
    order = shop.order("60.00")
    for voucher in vouchers:
        gateway.authorize(order, voucher.code)
    return order, vouchers


def booked(shop, *vouchers):
    return [booking for voucher in vouchers for booking in shop.bookings(voucher)]


def fault(shop, what, kind, times=1):
    shop.cloud.faults.next(kind, method="POST", path=f"*/{what}", times=times)


def settle_for(shop, minutes):
    for _ in range(minutes // 2):
        shop.later(minutes=2)
        gateway.settle()


def keys():
    return list(VoucherIdempotencyKey.objects.values_list("verb", "key", "amount"))


# a repeated call


def test_a_capture_of_a_part_is_charged_once_however_often_its_job_runs(shop, order, voucher):
    for _ in range(3):
        (payment,) = gateway.capture(order, "5.00", key="job-1")
        assert payment.amount_captured == D("5.00")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]
    assert keys() == [("capture", "job-1", D("5.00"))]


def test_a_refund_of_a_part_goes_back_once_and_another_key_is_another_return(shop, paid, voucher):
    for key in ("return-1", "return-1", "return-2"):
        gateway.refund(paid, 5, key=key)
    assert shop.bookings(voucher)[1:] == [("refund", D("5.00"))] * 2


def test_without_keys_two_calls_with_an_amount_are_two_movements(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.capture(order, "5.00")
    gateway.refund(order, "1.00")
    gateway.refund(order, "1.00")
    assert [amount for _, amount in shop.bookings(voucher)] == [D("5.00"), D("5.00"), D("1.00"), D("1.00")]
    assert keys() == []


def test_a_call_with_a_key_is_another_one_than_the_same_call_without(shop, order, voucher):
    gateway.capture(order, "5.00")
    gateway.capture(order, "5.00", key="job-1")
    assert shop.bookings(voucher) == [("charge", D("5.00"))] * 2


def test_one_key_serves_several_verbs_and_orders(shop, voucher):
    orders = [shop.order("5.00", number) for number in ("A-1", "A-2")]
    for order in orders:
        gateway.authorize(order, CODE, key="once")
        gateway.capture(order, key="once")
        gateway.refund(order, key="once")
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge", "refund"] * 2


def test_a_payment_in_place_of_the_order(shop, order, voucher):
    payment = VoucherPayment.objects.get()
    for _ in range(2):
        (captured,) = gateway.capture(payment, "5.00", key="job-1")
        assert (captured, captured.amount_captured) == (payment, D("5.00"))
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_the_operation_says_with_which_key_it_was_called_and_by_whom(order):
    gateway.capture(order, "5.00", key="job-1", actor="shipping", reason="parcel 1")
    operation = VoucherOperation.objects.get(kind="charge")
    assert (operation.idempotency_key.key, operation.amount_asked) == ("job-1", D("5.00"))
    assert (operation.actor, operation.reason) == ("shipping", "parcel 1")


# outcomes


def test_after_a_lost_answer_the_same_key_moves_nothing_twice_and_answers_as_before(shop, order, voucher):
    fault(shop, "charge", "after:drop")
    for _ in range(2):
        with pytest.raises(OutcomeUnknownError):
            gateway.capture(order, "5.00", key="job-1")
    settle_for(shop, 6)
    (payment,) = gateway.capture(order, "5.00", key="job-1")
    assert payment.amount_captured == D("5.00")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_what_was_never_sent_is_sent_by_the_repetition(shop, order, voucher):
    fault(shop, "charge", "before:503")
    with pytest.raises(UnavailableError):
        gateway.capture(order, "5.00", key="job-1")
    (payment,) = gateway.capture(order, "5.00", key="job-1")
    assert payment.amount_captured == D("5.00")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_a_call_with_another_key_does_not_go_on_with_it(shop, order, voucher):
    fault(shop, "charge", "before:503")
    with pytest.raises(UnavailableError):
        gateway.capture(order, "5.00", key="job-1")
    for key in ("job-2", ""):
        with pytest.raises(OperationInProgressError):
            gateway.capture(order, "5.00", key=key)
    settle_for(shop, 4)
    gateway.capture(order, "5.00", key="job-2")
    assert shop.bookings(voucher) == [("charge", D("5.00"))] * 2


def test_a_full_capture_goes_on_with_what_an_earlier_call_left(shop, order, voucher):
    fault(shop, "charge", "before:503")
    with pytest.raises(UnavailableError):
        gateway.capture(order, key="job-1")
    gateway.capture(order, key="job-2")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert [key for _, key, _ in keys()] == ["job-1"]


def test_a_refusal_is_repeated_and_not_sent_again(shop, paid, voucher):
    fault(shop, "refund", "before:422")
    errors = []
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            gateway.refund(paid, "5.00", key="return-1")
        errors.append((type(caught.value), caught.value.code, caught.value.money_moved))
    assert errors[0] == errors[1]
    assert shop.bookings(voucher)[1:] == []
    gateway.refund(paid, "5.00", key="return-2")
    assert shop.bookings(voucher)[1:] == [("refund", D("5.00"))]


def test_a_refusal_is_repeated_with_its_class(shop, order, voucher):
    """The reservation ended, and the balance fell meanwhile."""
    shop.later(minutes=40)
    shop.cloud.faults.next("before:422", method="POST", path="*/reservations")
    for _ in range(2):
        with pytest.raises(InsufficientBalanceError):
            gateway.capture(order, key="job-1")


def test_a_charge_that_was_refused_and_made_again_counts_by_its_last_operation(shop, order, voucher):
    fault(shop, "charge", "before:404")
    for _ in range(2):
        (payment,) = gateway.capture(order, key="job-1")
        assert payment.status == "captured"
    states = VoucherOperation.objects.filter(kind="charge").values_list("state", "idempotency_key__key")
    assert list(states) == [("refused", "job-1"), ("succeeded", "job-1")]
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_what_a_person_must_decide_is_in_progress(shop, order, voucher):
    fault(shop, "charge", "after:drop")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order, key="job-1")
    VoucherOperation.objects.filter(kind="charge").update(state="manual")
    with pytest.raises(OperationInProgressError):
        gateway.capture(order, key="job-1")
    operation = VoucherOperation.objects.get(kind="charge")
    gateway.conclude(operation, remote_id=shop.cloud.bookings(voucher.id)[0].id, actor="a", reason="b")
    (payment,) = gateway.capture(order, key="job-1")
    assert payment.amount_captured == D("20.00")


def test_what_was_withdrawn_is_not_called_done(shop, order, voucher):
    fault(shop, "charge", "before:503")
    with pytest.raises(UnavailableError):
        gateway.capture(order, "5.00", key="job-1")
    gateway.cancel(order)
    with pytest.raises(WrongStateError):
        gateway.capture(order, "5.00", key="job-1")
    assert shop.bookings(voucher) == []


# refused before anything is sent


@pytest.mark.parametrize("amounts", [("5.00", "6.00"), ("5.00", None), (None, "5.00")])
def test_the_same_key_with_another_amount_is_refused(shop, order, voucher, amounts):
    first, second = amounts
    gateway.capture(order, first, key="job-1")
    before = shop.bookings(voucher)
    with pytest.raises(AmountError) as caught:
        gateway.capture(order, second, key="job-1")
    assert (caught.value.code, caught.value.money_moved) == ("key_reused", "no")
    assert shop.bookings(voucher) == before


def test_a_call_that_was_refused_before_anything_was_sent_may_be_made_again_with_its_key(shop, order):
    with pytest.raises(AmountError) as caught:
        gateway.capture(order, "20.01", key="job-1")
    assert caught.value.code == "more_than_held"
    assert keys() == []
    (payment,) = gateway.capture(order, "20.00", key="job-1")
    assert payment.amount_captured == D("20.00")


@pytest.mark.parametrize("key", ["k" * 256, 17, None, "a\nb", "a\0b", b"bytes", "\ud800"])
def test_a_malformed_key_is_refused_with_the_field_and_the_cure(shop, order, voucher, key):
    shop.calls()
    verbs = [
        lambda: gateway.select(order, CODE, key=key),
        lambda: gateway.authorize(order, CODE, key=key),
        lambda: gateway.authorize_selected(order, key=key),
        lambda: gateway.capture(order, key=key),
        lambda: gateway.refund(order, key=key),
        lambda: gateway.cancel(order, key=key),
    ]
    for verb in verbs:
        with pytest.raises(PaymentStateError, match="key: must ") as caught:
            verb()
        assert caught.value.code == "key_malformed"
    assert shop.calls() == []


def test_a_key_of_255_characters_of_any_script_is_kept(order):
    gateway.capture(order, "5.00", key="ü€" * 127 + "x")
    assert len(VoucherIdempotencyKey.objects.get().key) == 255


@pytest.mark.parametrize("key", ["once", None])
def test_an_order_without_vouchers_is_left_alone_and_its_key_is_not_kept(shop, key):
    order = shop.order("20.00")
    for verb in (gateway.authorize_selected, gateway.capture, gateway.refund, gateway.cancel):
        assert verb(order, key=key) == []
    assert keys() == []


def test_a_call_that_finds_nothing_to_do_keeps_no_key(paid):
    assert gateway.capture(paid, key="job-1") == []
    gateway.refund(paid)
    assert gateway.refund(paid, key="return-1") == []
    assert gateway.cancel(paid, key="abort-1") == []
    assert gateway.authorize_selected(paid, key="confirm-1") == []
    assert keys() == []


def test_a_key_that_was_used_for_another_payment_is_refused(shop, two_vouchers):
    first, second = VoucherPayment.objects.all()
    gateway.cancel(first, key="abort-1")
    with pytest.raises(WrongStateError) as caught:
        gateway.cancel(second, key="abort-1")
    assert caught.value.code == "key_reused"
    second.refresh_from_db()
    assert second.status == "authorized"


# several operations


def test_a_capture_of_two_vouchers_is_repeated_as_one(shop, two_vouchers):
    order, vouchers = two_vouchers
    for _ in range(2):
        payments = gateway.capture(order, "30.00", key="job-1")
        assert [payment.amount_captured for payment in payments] == [D("20.00"), D("10.00")]
    assert booked(shop, *vouchers) == [("charge", D("20.00")), ("charge", D("10.00"))]


def test_a_crash_between_two_operations_of_a_call_loses_none(shop, two_vouchers, during):
    """The process dies while it makes the first call: the second is written down, and settle sends it."""
    order, vouchers = two_vouchers

    def die():
        raise KeyboardInterrupt

    during("charge", die)
    with pytest.raises(KeyboardInterrupt):
        gateway.capture(order, "30.00", key="job-1")
    states = VoucherOperation.objects.filter(kind="charge").values_list("amount", "state")
    assert list(states) == [(D("20.00"), "sending"), (D("10.00"), "due")]
    settle_for(shop, 60)
    assert booked(shop, *vouchers) == [("charge", D("20.00")), ("charge", D("10.00"))]
    gateway.capture(order, "30.00", key="job-1")
    assert len(booked(shop, *vouchers)) == 2


def test_a_repetition_goes_on_with_the_second_operation_and_tells_of_the_first(shop, two_vouchers):
    order, vouchers = two_vouchers
    fault(shop, "charge", "after:drop")
    fault(shop, "charge", "before:503")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order, "30.00", key="job-1")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order, "30.00", key="job-1")
    assert booked(shop, *vouchers) == [("charge", D("20.00")), ("charge", D("10.00"))]


def test_a_refund_of_two_charges_of_one_voucher_is_repeated_as_one(shop, order, voucher):
    for amount in ("5.00", "15.00"):
        gateway.capture(order, amount)
    for _ in range(2):
        (payment,) = gateway.refund(order, "18.00", key="return-1")
        assert payment.amount_refunded == D("18.00")
    assert shop.bookings(voucher)[2:] == [("refund", D("15.00")), ("refund", D("3.00"))]


def test_a_voucher_that_is_busy_with_another_order_is_waited_for(shop):
    voucher = shop.voucher("40.00")
    orders = [shop.order("20.00", number) for number in ("A-1", "B-1")]
    for order in orders:
        gateway.authorize(order, CODE)
        gateway.capture(order)
    fault(shop, "refund", "after:drop")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(orders[0], key="return-1")
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            gateway.refund(orders[1], key="return-1")
        assert caught.value.code == "voucher_busy"
    settle_for(shop, 6)
    gateway.refund(orders[1], key="return-1")
    assert shop.bookings(voucher).count(("refund", D("20.00"))) == 2


# inside of the shop's transaction


def test_inside_a_transaction_the_key_joins_it(shop, order, voucher):
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.capture(order, "5.00", key="job-1")
        raise RuntimeError
    assert keys() == []
    with transaction.atomic():
        for _ in range(2):
            (payment,) = gateway.capture(order, "5.00", key="job-1")
            assert payment.pending
    gateway.capture(order, "5.00", key="job-1")
    assert shop.bookings(voucher) == [("charge", D("5.00"))]


def test_a_savepoint_takes_its_key_with_it(shop, paid, voucher):
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic():
            gateway.refund(paid, "5.00", key="return-1")
            raise RuntimeError
        gateway.refund(paid, "7.00", key="return-1")
    assert shop.bookings(voucher)[1:] == [("refund", D("7.00"))]


def test_parts_with_keys_of_their_own_in_one_transaction_each_move_once(shop, paid, voucher):
    for _ in range(2):
        with transaction.atomic():
            gateway.refund(paid, "5.00", key="line-1")
            gateway.refund(paid, "5.00", key="line-2")
    assert shop.bookings(voucher)[1:] == [("refund", D("5.00"))] * 2


def test_a_call_that_has_nothing_to_do_inside_a_transaction_leaves_it_intact(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order)
        gateway.capture(order, key="job-2")
        order.status = "shipped"
        order.save()
    order.refresh_from_db()
    assert order.status == "shipped"
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert keys() == []


# entering, confirming and removing vouchers


@pytest.mark.parametrize("verb", [gateway.select, gateway.authorize])
def test_a_late_duplicate_does_not_put_a_removed_voucher_back(shop, voucher, verb):
    order = shop.order("20.00")
    payment = verb(order, CODE, key="click-1")
    assert verb(order, CODE, key="click-1") == payment
    gateway.cancel(order)
    late = verb(order, CODE, key="click-1")
    assert (late, late.status) == (payment, "cancelled")
    assert VoucherPayment.objects.count() == 1
    assert verb(order, CODE, key="click-2") != payment


def test_a_duplicate_of_a_call_that_found_the_voucher_held_does_not_put_it_back(shop, order, voucher):
    gateway.authorize(order, CODE, key="click-2")
    gateway.cancel(order)
    assert gateway.authorize(order, CODE, key="click-2").status == "cancelled"


def test_the_key_of_a_reservation_stands_on_its_operation(shop, voucher):
    gateway.authorize(shop.order("20.00"), CODE, key="click-1", actor="customer", reason="typed")
    operation = VoucherOperation.objects.get()
    stored = (operation.kind, operation.idempotency_key.key, operation.actor, operation.reason)
    assert stored == ("reserve", "click-1", "customer", "typed")


def test_a_repetition_reserves_nothing_and_returns_the_payment_as_it_is_now(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE, key="click-1")
    gateway.capture(order)
    shop.calls()
    assert gateway.authorize(order, CODE, key="click-1").status == "captured"
    assert shop.calls() == []


@pytest.mark.parametrize("verb", [gateway.select, gateway.authorize])
def test_a_key_that_was_used_for_another_code_is_refused(shop, voucher, verb):
    shop.voucher("30.00", code="GIFT-3000-WXYZ")
    order = shop.order("50.00")
    verb(order, CODE, key="click-1")
    with pytest.raises(WrongStateError) as caught:
        verb(order, "GIFT-3000-WXYZ", key="click-1")
    assert caught.value.code == "key_reused"
    assert VoucherPayment.objects.count() == 1


def test_a_refused_code_keeps_no_key(shop, voucher):
    order = shop.order("20.00")
    with pytest.raises(RefusedError):
        gateway.authorize(order, "GIFT-0000-NONE", key="click-1")
    assert keys() == []
    assert gateway.authorize(order, CODE, key="click-1").status == "authorized"


def test_a_repeated_confirmation_does_not_reserve_what_was_entered_since(shop, voucher):
    shop.voucher("30.00", code="GIFT-3000-WXYZ")
    order = shop.order("50.00")
    gateway.select(order, CODE)
    first = gateway.authorize_selected(order, key="confirm-1", actor="shop", reason="confirmed")
    gateway.select(order, "GIFT-3000-WXYZ")
    assert gateway.authorize_selected(order, key="confirm-1") == first
    assert VoucherPayment.objects.filter(status="selected").count() == 1
    operation = VoucherOperation.objects.get()
    assert (operation.idempotency_key.key, operation.actor, operation.reason) == (
        "confirm-1",
        "shop",
        "confirmed",
    )


def test_a_confirmation_that_raised_an_error_is_made_again_with_its_key(shop, voucher):
    order = shop.order("20.00")
    gateway.select(order, CODE)
    shop.cloud.faults.next("before:503", method="POST", path="/v1/reservations")
    with pytest.raises(UnavailableError):
        gateway.authorize_selected(order, key="confirm-1")
    assert keys() == []
    (payment,) = gateway.authorize_selected(order, key="confirm-1")
    assert payment.status == "authorized"


def test_a_late_duplicate_of_an_abort_leaves_a_voucher_alone_that_was_entered_later(shop, order):
    (cancelled,) = gateway.cancel(order, key="abort-1", actor="customer", reason="changed my mind")
    assert cancelled.status == "cancelled"
    gateway.authorize(order, CODE)
    assert gateway.cancel(order, key="abort-1") == [cancelled]
    assert VoucherPayment.objects.filter(status="authorized").count() == 1
    operation = VoucherOperation.objects.get(kind="cancel")
    assert (operation.state, operation.actor, operation.reason) == (
        "succeeded",
        "customer",
        "changed my mind",
    )


def test_a_cancel_with_a_key_gives_all_charged_money_back_once(shop, two_vouchers):
    order, vouchers = two_vouchers
    gateway.capture(order)
    for _ in range(2):
        payments = gateway.cancel(order, key="abort-1")
        assert {payment.status for payment in payments} == {"cancelled"}
    assert [kind for kind, _ in booked(shop, *vouchers)] == ["charge", "refund"] * 2


def test_a_cancel_of_a_charge_and_a_hold_is_written_in_one_transaction(shop, two_vouchers, during):
    """The process dies while it makes the first call: the rest is written down."""
    order, vouchers = two_vouchers
    gateway.capture(order, "20.00")

    def die():
        raise KeyboardInterrupt

    during("refund", die)
    with pytest.raises(KeyboardInterrupt):
        gateway.cancel(order, key="abort-1")
    first, second = VoucherPayment.objects.all()
    assert (first.cancel_requested_at is not None, second.status) == (True, "cancelled")
    settle_for(shop, 60)
    assert shop.bookings(vouchers[0]) == [("charge", D("20.00")), ("refund", D("20.00"))]
    assert {payment.status for payment in gateway.cancel(order, key="abort-1")} == {"cancelled"}


def test_a_cancel_request_that_waits_for_an_outcome_is_not_made_again_for_a_later_voucher(
    shop, order, voucher
):
    fault(shop, "charge", "after:drop")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    for _ in range(2):
        (payment,) = gateway.cancel(order, key="abort-1")
        assert payment.cancel_requested_at is not None
    settle_for(shop, 6)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_refused_refund_of_a_cancel_is_told_again(shop, paid):
    fault(shop, "refund", "before:422")
    for _ in range(2):
        with pytest.raises(RefusedError):
            gateway.cancel(paid, key="abort-1")
    assert VoucherPayment.objects.get().status == "captured"


# the shop's events


EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}


def test_an_event_that_is_delivered_twice_moves_money_once(shop, order, voucher, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    for _ in range(2):
        signals.shipped.send(None, order=order, amount="15.00", key="parcel-1")
        signals.returned.send(None, order=order, amount=5, key="return-1")
    assert shop.bookings(voucher) == [("charge", D("15.00")), ("refund", D("5.00"))]


def test_events_keep_who_asked_and_why(shop, voucher, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    orders = [shop.order("20.00", number) for number in ("A-1", "B-1")]
    for order, code in zip(orders, (CODE, "GIFT-2000-WXYZ"), strict=True):
        gateway.select(order, code)
        signals.confirmed.send(None, order=order, key="k", actor="clerk", reason="because")
    signals.aborted.send(None, order=orders[1], key="k", actor="clerk", reason="because")
    for signal in (signals.shipped, signals.returned):
        signal.send(None, order=orders[0], key="k", actor="clerk", reason="because")
    told = VoucherOperation.objects.exclude(actor="").values_list(
        "kind", "idempotency_key__verb", "idempotency_key__key", "actor", "reason"
    )
    assert list(told) == [
        ("reserve", "authorize_selected", "k", "clerk", "because"),
        ("reserve", "authorize_selected", "k", "clerk", "because"),
        ("cancel", "cancel", "k", "clerk", "because"),
        ("charge", "capture", "k", "clerk", "because"),
        ("refund", "refund", "k", "clerk", "because"),
    ]


def test_arguments_that_are_none_count_as_not_given(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    signals.shipped.send(None, order=order, amount=None, key=None, actor=None, reason=None)
    assert order.voucher_captured == D("20.00")


def test_an_order_that_is_captured_at_its_confirmation_is_captured_once(shop, voucher, gateway_settings):
    gateway_settings(EVENTS=EVENTS, CAPTURE="immediate")
    order = shop.order("20.00")
    gateway.select(order, CODE)
    for _ in range(2):
        signals.confirmed.send(None, order=order, key="confirm-1", actor="shop")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert [verb for verb, _, _ in keys()] == ["authorize_selected", "capture"]


def test_a_malformed_key_of_an_event_reaches_its_sender(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    with pytest.raises(PaymentStateError) as caught:
        signals.shipped.send(None, order=order, key=17)
    assert caught.value.code == "key_malformed"
