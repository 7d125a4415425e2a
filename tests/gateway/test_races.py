"""Directed schedules: another worker acts between two lines of this one."""

from decimal import Decimal as D

import django.db
import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from tests.shop import signals
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.operations import execute, outcome, side_by_side, transitions
from voucher_payment_gateway.gateway.operations.charge import CHARGE
from voucher_payment_gateway.gateway.recovery import settle
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.signals import payment_captured

EVENTS = {"capture": "tests.shop.signals.shipped", "refund": "tests.shop.signals.returned"}
ON_STATUS = {"field": "status", "capture": ["shipped"], "refund": ["returned"], "cancel": ["cancelled"]}


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).last()


def payment():
    return VoucherPayment.objects.get()


def sleep_through_the_lease():
    VoucherOperation.objects.filter(state="sending").update(sending_at="2020-01-01T00:00:00Z")


def test_a_decided_operation_is_not_reopened_by_a_sweep_with_an_old_list(shop, order):
    """C1: the list of abandoned operations was read just before their worker resumed."""
    gateway.capture(order)
    VoucherOperation.objects.filter(kind="charge").update(state="sending", remote_id="")
    VoucherPayment.objects.update(
        status="authorized", amount_authorized=D("20.00"), amount_captured=D("0.00")
    )
    of_the_sweep, of_the_worker = the("charge"), the("charge")
    transitions.succeed(CHARGE, of_the_worker, "booking")
    assert not settle._mark_abandoned(of_the_sweep)
    assert (the("charge").state, payment().amount_captured) == ("succeeded", D("20.00"))


def test_a_worker_that_wakes_up_after_its_lease_decides_nothing(shop, order, voucher, during):
    """While the worker slept, settle established a fence: the worker's charge is refused, which proves nothing."""

    def meanwhile():
        sleep_through_the_lease()
        gateway.settle()

    during("charge", meanwhile)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert the("charge").state == "unknown"
    for _ in range(3):
        shop.later(minutes=1)
        gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert (the("charge").state, payment().amount_captured) == ("succeeded", D("20.00"))


def test_a_late_answer_with_another_id_asks_for_a_person(shop, order, reviews):
    gateway.capture(order)
    operation = the("charge")
    outcome.record_late_answer(operation, operation.remote_id)
    assert reviews == []
    outcome.record_late_answer(operation, "another-booking")
    assert reviews == [D("20.00")]


def test_a_request_to_cancel_during_a_charge_that_is_refused_charges_nothing_more(
    shop, order, voucher, during
):
    def meanwhile():
        gateway.cancel(order)
        till = voucher_cloud()
        till.reserve(code="GIFT-2000-ABCD", amount=D("1.00"), currency="EUR")

    during("charge", meanwhile)
    with pytest.raises(RefusedError):
        gateway.capture(order)
    gateway.settle()
    assert (payment().status, shop.bookings(voucher)) == ("cancelled", [])


def test_a_request_to_cancel_during_a_charge_that_was_not_applied_is_not_charged_by_settle(
    shop, order, voucher, during
):
    shop.cloud.faults.next("before:503", method="POST", path="*/charge")
    during("charge", lambda: gateway.cancel(order))
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.later(minutes=1)
    gateway.settle()
    assert (payment().status, shop.bookings(voucher)) == ("cancelled", [])


def test_cancel_during_a_full_refund_ends_cancelled(shop, order, during):
    gateway.capture(order)
    during("refund", lambda: gateway.cancel(order))
    gateway.refund(order)
    gateway.settle()
    assert (payment().status, payment().amount_refunded) == ("cancelled", D("20.00"))


def test_a_crash_between_a_refusal_and_the_next_try_leaves_the_next_try_written_down(
    shop, order, voucher, monkeypatch
):
    class Crash(BaseException):
        """Ends the simulated process."""

    def crash(*_, **__):
        raise Crash

    voucher_cloud().reserve(code="GIFT-2000-ABCD", amount=D("1.00"), currency="EUR")
    with monkeypatch.context() as patched:
        patched.setattr(execute, "execute_due", crash)
        with pytest.raises(Crash):
            gateway.capture(order)
    assert list(VoucherOperation.objects.filter(kind="charge").values_list("state", flat=True)) == [
        "refused",
        "due",
    ]
    shop.later(minutes=1)
    assert gateway.settle().sent == 1
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_payment_returned_after_a_second_try_is_up_to_date(shop, order):
    voucher_cloud().reserve(code="GIFT-2000-ABCD", amount=D("1.00"), currency="EUR")
    (returned,) = gateway.capture(order)
    assert (returned.status, returned.amount_captured) == ("captured", D("20.00"))


def test_a_charge_that_a_person_must_decide_blocks_the_payment(shop, order, voucher, reviews):
    """C11: an intermediary duplicates the charge, and its answer is lost."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(second_charge="book_again")
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    VoucherOperation.objects.filter(state="unknown").update(voucher_id=voucher.id)
    shop.cloud.add_voucher(code="X", amount="1.00")
    voucher_cloud().recharge_voucher(id=voucher.id, amount=D("20.00"), currency="EUR", order_number="T")
    voucher_cloud().charge(the("charge").target_id, the("charge").reference)
    shop.later(minutes=1)
    gateway.settle()
    assert (the("charge").state, reviews) == ("manual", [D("20.00")])
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    gateway.cancel(order)
    gateway.settle()
    assert payment().status == "authorized"
    assert payment().cancel_requested_at


def test_settle_refuses_to_run_inside_of_a_transaction(shop, order, voucher):
    with transaction.atomic():
        gateway.capture(order)
        with pytest.raises(TransactionManagementError):
            gateway.settle()
        transaction.set_rollback(True)
    assert shop.bookings(voucher) == []


def test_money_does_not_move_where_autocommit_is_off(shop, order, voucher):
    connection.set_autocommit(False)
    try:
        with pytest.raises(TransactionManagementError):
            gateway.capture(order)
    finally:
        connection.rollback()
        connection.set_autocommit(True)
    assert shop.bookings(voucher) == []


@pytest.mark.parametrize("trouble", [django.db.OperationalError("database is locked"), ValueError("odd")])
def test_trouble_after_the_commit_reaches_neither_the_shop_nor_its_other_hooks(
    shop, order, monkeypatch, trouble
):
    def fail(*_, **__):
        raise trouble

    monkeypatch.setattr(side_by_side, "begin_due", fail)
    heard = []
    with transaction.atomic():
        gateway.capture(order)
        transaction.on_commit(lambda: heard.append("the shop's own hook"))
    assert heard == ["the shop's own hook"]
    assert the("charge").state == "due"


def test_a_database_that_fails_at_the_last_commit_says_that_the_money_may_have_moved(
    shop, order, voucher, during
):
    def break_the_last_write(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and "succeeded" in str(params):
            raise django.db.OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(break_the_last_write), pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert the("charge").state == "sending"
    sleep_through_the_lease()
    assert gateway.settle().found == 1
    assert (payment().status, shop.bookings(voucher)) == ("captured", [("charge", D("20.00"))])


def test_two_saves_in_one_transaction_charge_once(shop, order, voucher, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    with transaction.atomic():
        order.status = "shipped"
        order.save()
        order.save()
        gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_an_order_with_an_unknown_charge_can_be_saved(shop, order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    shop.cloud.faults.next("before:drop", method="POST", path="*/charge")
    order.status = "shipped"
    order.save()
    order.note = "left at the door"
    order.save()
    assert Order.objects.get().note == "left at the door"


def test_a_refused_refund_is_not_asked_for_again_by_every_save(shop, order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    order.status = "returned"
    with pytest.raises(RefusedError):
        order.save()
    shop.calls()
    order.save()
    assert shop.calls() == []


def test_a_status_saved_through_a_proxy_counts(shop, order, voucher, gateway_settings):
    class Proxy(Order):
        class Meta:
            proxy = True
            app_label = "shop"

    gateway_settings(ON_STATUS=ON_STATUS)
    same = Proxy.objects.get(pk=order.pk)
    same.status = "shipped"
    same.save()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_an_order_whose_voucher_was_taken_off_ships(shop, order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    gateway.cancel(order)
    signals.shipped.send(sender=None, order=order)
    signals.returned.send(sender=None, order=order, amount=D("5.00"))
    assert payment().status == "cancelled"


@pytest.mark.parametrize("total", ["5.00", "0.00"])
def test_no_more_is_captured_than_the_order_costs_now(shop, order, voucher, total):
    order.total = D(total)
    gateway.capture(order)
    expected = [("charge", D(total))] if D(total) else []
    assert shop.bookings(voucher) == expected


def test_a_token_endpoint_that_answers_nonsense_leaves_the_capture_due(shop, order, voucher):
    for fault in ("before:garbage", "before:404"):
        shop.cloud.revoke_tokens()
        shop.cloud.faults.next(fault, method="POST", path="/oauth/token", times=9)
        with pytest.raises(Exception) as caught:  # noqa: PT011 (which one is the client's to say)
            gateway.capture(order)
        assert caught.value.money_moved == "no"
        assert the("charge").state == "due"
        shop.cloud.faults.clear()
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_what_went_through_is_told_when_the_rest_turns_out_impossible(shop):
    """The refunds of two charges of one voucher follow each other; between them another call refunds the second."""
    shop.voucher("10.00", code="GIFT-0500-AAAA")
    order = shop.order("10.00")
    gateway.authorize(order, "GIFT-0500-AAAA")
    gateway.capture(order, "5.00")
    gateway.capture(order, "5.00")

    def refund_the_other(payment, amount, **_):
        if payment.amount_refunded < payment.amount_captured:
            gateway.refund(order, "5.00")

    from voucher_payment_gateway.signals import payment_refunded

    payment_refunded.connect(refund_the_other, weak=False)
    try:
        with pytest.raises(AmountError) as caught:
            gateway.refund(order, "10.00")
    finally:
        payment_refunded.disconnect(refund_the_other)
    assert "5.00 went through" in str(caught.value)
    assert caught.value.money_moved == "maybe"
    assert order.voucher_refunded == D("10.00")


def test_a_part_that_cannot_be_reserved_leaves_the_whole_reservation_as_it_was(shop, order, voucher):
    shop.cloud.behaviour = shop.cloud.behaviour.but(reserve_checks="balance_minus_hold")
    with pytest.raises(RefusedError):
        gateway.capture(order, "5.00")
    assert (payment().status, payment().amount_authorized) == ("authorized", D("20.00"))
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_part_cover_is_found_where_an_open_reservation_lowers_the_balance(shop, voucher):
    shop.cloud.behaviour = shop.cloud.behaviour.but(reserve_checks="balance_minus_hold")
    held = gateway.authorize(shop.order("50.00", number="B-1"), "GIFT-2000-ABCD")
    assert held.amount_authorized == D("19.99")


def test_an_answer_about_another_order_is_not_booked_and_raises_an_alarm(shop, order, reviews):
    shop.cloud.faults.next("after:other", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert the("charge").state == "unknown"


def test_an_operation_that_cannot_be_carried_out_does_not_stop_the_others(shop, order, voucher):
    broken = shop.order("5.00", number="A-0")
    shop.voucher("5.00", code="GIFT-0500-AAAA")
    gateway.authorize(broken, "GIFT-0500-AAAA")
    for each in (broken, order):
        shop.cloud.faults.next("before:503", method="POST", path="*/charge")
        with pytest.raises(UnavailableError):
            gateway.capture(each)
    VoucherPayment.objects.filter(order_number="A-0").update(reservation_id="..")
    shop.later(minutes=1)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_cancel_needs_no_total_or_currency(shop, order):
    order.total, order.currency = D("-3.00"), ""
    gateway.cancel(order)
    assert payment().status == "cancelled"


def test_a_release_that_waits_blocks_no_other_voucher(shop, order):
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    shop.cloud.faults.next("before:503", method="DELETE", path="*")
    Order.objects.update(total=D("40.00"))
    order.refresh_from_db()
    shop.cloud.faults.next("before:503", path="/oauth/token", times=9)
    shop.cloud.revoke_tokens()
    gateway.cancel(order)
    shop.cloud.faults.clear()
    gateway.authorize(order, "GIFT-2000-WXYZ")
    gateway.capture(order)
    assert order.voucher_captured == D("20.00")


def test_the_async_twins_do_the_same(shop, order, voucher):
    from asgiref.sync import async_to_sync

    heard = []
    payment_captured.connect(record := lambda amount, **_: heard.append(amount), weak=False)
    try:
        async_to_sync(gateway.acapture)(order)
        async_to_sync(gateway.arefund)(order, "5.00")
        async_to_sync(gateway.acancel)(order)
        async_to_sync(gateway.asettle)()
    finally:
        payment_captured.disconnect(record)
    assert heard == [D("20.00")]
    assert [kind for kind, _ in shop.bookings(voucher)] == ["charge", "refund", "refund"]
    assert shop.cloud.balance(voucher.id) == D("20.00")


def test_what_was_captured_before_counts_when_the_total_has_fallen(shop):
    vouchers = [shop.voucher("30.00", code=f"GIFT-3000-{end}") for end in ("AAAA", "BBBB")]
    order = shop.order("60.00")
    payments = [gateway.authorize(order, voucher.code) for voucher in vouchers]
    gateway.capture(payments[0])
    order.total = D("50.00")
    gateway.capture(order)
    assert order.voucher_captured == D("50.00")


def test_a_due_charge_is_not_sent_after_a_request_to_cancel(shop, order, voucher):
    shop.cloud.faults.next("before:503", method="POST", path="*/charge")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    VoucherPayment.objects.update(cancel_requested_at="2026-01-01T00:00:00Z")
    with pytest.raises(Exception, match="being cancelled"):
        gateway.capture(order)
    gateway.settle()
    assert (payment().status, shop.bookings(voucher)) == ("cancelled", [])


def test_an_answer_that_comes_when_the_outcome_counts_as_unknown_is_kept_and_not_called_a_success(
    shop, order, voucher, monkeypatch
):
    """The lease expired between the booking and its answer; settle then finds the same booking."""
    client = voucher_cloud()
    charge = client.charge

    def charged_but_asleep(*arguments):
        answer = charge(*arguments)
        assert settle._mark_abandoned(the("charge"))
        return answer

    monkeypatch.setattr(client, "charge", charged_but_asleep)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    assert [late["remote_id"] for late in the("charge").late_answers] == [
        shop.cloud.bookings(voucher.id)[0].id
    ]
    shop.later(minutes=1)
    assert gateway.settle().found == 1
    assert (payment().amount_captured, shop.bookings(voucher)) == (D("20.00"), [("charge", D("20.00"))])
