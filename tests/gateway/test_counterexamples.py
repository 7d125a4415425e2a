"""The smallest schedules that lose money when one rule is missing, on the real gateway over real HTTP.

C4 to C7 and C11 stand in ``test_resolution``. ``RULES`` below disables each rule in turn: its schedule must then
fail, or it would prove nothing.
"""

import time
from collections import Counter
from contextlib import nullcontext, suppress
from decimal import Decimal as D
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.gateway import test_resolution
from tests.gateway.backup import Backup
from tests.guards import without_guard
from voucher_payment_gateway import gateway
from voucher_payment_gateway.api import _steps
from voucher_payment_gateway.api._http import send_window
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.gateway.holds import promises
from voucher_payment_gateway.gateway.operations import (
    charge,
    evidence,
    execute,
    outcome,
    reference,
    refund,
    reservation,
    transitions,
)
from voucher_payment_gateway.gateway.records import instance
from voucher_payment_gateway.gateway.recovery import resolve
from voucher_payment_gateway.gateway.verbs import authorize_selected, record_confirmation
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.evidence import ABSENT, Evidence


class Crash(BaseException):
    """Ends the simulated process."""


@pytest.fixture
def voucher(shop):
    return shop.voucher("80.00", code="GIFT-8000-ABCD")


@pytest.fixture
def order(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, "GIFT-8000-ABCD")
    return order


@pytest.fixture
def during(monkeypatch):
    """Run an action once, just before a request is written; the worker has then slept."""
    clock = SimpleNamespace(slept=0.0)

    def monotonic():
        return time.monotonic() + clock.slept

    for module in (send_window, _steps):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=monotonic, sleep=time.sleep))
    monkeypatch.setattr(execute, "monotonic", monotonic)

    def schedule(name, action, *, slept):
        client = voucher_cloud()
        call, done = getattr(client, name), []

        def interrupted(*arguments, **options):
            if not done:
                done.append(True)
                action()
                clock.slept = slept
            return call(*arguments, **options)

        monkeypatch.setattr(client, name, interrupted)

    return schedule


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).last()


def lose(shop, fault, what):
    shop.cloud.faults.next(fault, method="POST", path=f"*/{what}")


def settle_for(shop, minutes):
    """Let minutes pass, with a sweep after each."""
    for _ in range(minutes):
        shop.later(minutes=1)
        gateway.settle()


def kinds(shop, voucher):
    return dict(Counter(row.type for row in shop.cloud.bookings(voucher.id)))


def test_c1_a_sleeper_does_not_give_back_the_attempt_of_another_worker(
    shop, order, voucher, during, monkeypatch
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(second_charge="book_again")
    lose(shop, "before:drop", "charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)

    def the_other_worker():
        with monkeypatch.context() as patched:
            patched.setattr(outcome, "succeed", crash)
            with pytest.raises(Crash):
                settle_for(shop, 10)

    def crash(*_, **__):
        raise Crash

    during("charge", the_other_worker, slept=400)
    settle_for(shop, 20)
    assert kinds(shop, voucher) == {"charge": 1}
    assert (the("charge").state, order.voucher_captured) == ("succeeded", D("20.00"))


def test_c2_a_frozen_refund_is_not_sent_when_its_worker_wakes_up(shop, order, voucher, during):
    gateway.capture(order)
    during("refund", lambda: settle_for(shop, 36), slept=36 * 60)
    with pytest.raises(UnavailableError):
        gateway.refund(order, "5.00")
    assert kinds(shop, voucher) == {"charge": 1, "refund": 1}
    assert (the("refund").state, order.voucher_refunded) == ("succeeded", D("5.00"))


def test_c3_a_refund_is_found_though_the_servers_clock_is_two_hours_behind(shop, order, voucher):
    gateway.capture(order)
    shop.cloud.behaviour = shop.cloud.behaviour.but(clock_offset_seconds=-7200)
    lose(shop, "late:drop", "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    shop.cloud.faults.land_late()
    settle_for(shop, 30)
    assert kinds(shop, voucher) == {"charge": 1, "refund": 1}
    assert (the("refund").state, the("refund").attempts) == ("succeeded", 1)


def test_c3_an_earlier_refund_is_not_taken_for_a_lost_one_though_the_servers_clock_is_ahead(
    shop, order, voucher
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(clock_offset_seconds=7200)
    gateway.capture(order)
    charge = next(row for row in shop.cloud.bookings(voucher.id) if row.type == "charge")
    shop.cloud.refund(charge.id, "5.00")
    lose(shop, "before:drop", "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    settle_for(shop, 5)
    assert the("refund").state == "unknown"
    settle_for(shop, 25)
    assert kinds(shop, voucher) == {"charge": 1, "refund": 2}


def test_c8_the_same_order_number_of_another_shop_is_not_adopted(shop, order, voucher):
    lose(shop, "before:drop", "charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    till = shop.cloud.add_client(name="Another shop").id
    shop.cloud.charge(
        shop.cloud.reserve("GIFT-8000-ABCD", "20.00", client_id=till), order.number, client_id=till
    )
    settle_for(shop, 5)
    assert kinds(shop, voucher) == {"charge": 2}
    assert order.voucher_captured == D("20.00")


def two_refunds_at_once(shop, first, voucher):
    """Two orders paid with one voucher ask for the same refund; the first is lost, then the answer to the second is."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_carries_order_number=False)
    second = shop.order("20.00", number="A-2")
    gateway.capture(first)
    gateway.authorize(second, "GIFT-8000-ABCD")
    gateway.capture(second)
    lose(shop, "before:drop", "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(first, "5.00")
    lose(shop, "after:drop", "refund")
    with pytest.raises((OutcomeUnknownError, UnavailableError)):
        gateway.refund(second, "5.00")
    shop.cloud.faults.clear()
    settle_for(shop, 80)
    return Counter(row.charge_id for row in shop.cloud.bookings(voucher.id) if row.type == "refund")


def test_c9_two_equal_refunds_are_not_open_on_one_voucher(shop, order, voucher):
    by_charge = two_refunds_at_once(shop, order, voucher)
    assert list(by_charge.values()) == [1, 1]
    refunds = VoucherOperation.objects.filter(kind="refund")
    assert by_charge.keys() == {refund.target_id for refund in refunds}
    assert {refund.state for refund in refunds} == {"succeeded"}


def test_c9_without_the_constraint_rows_are_taken_crosswise(shop, order, voucher):
    with without_guard(VoucherOperation, "vpg_operation_one_open_per_voucher"):
        by_charge = two_refunds_at_once(shop, order, voucher)
    assert list(by_charge.values()) == [2]


def test_c10_a_refund_by_hand_in_the_place_of_a_lost_one_is_for_a_person(shop, order, voucher, reviews):
    gateway.capture(order)
    charge = shop.cloud.bookings(voucher.id)[0]
    lose(shop, "before:drop", "refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    clerk = shop.cloud.add_client(name="Clerk").id
    shop.cloud.refund(charge.id, "5.00", client_id=clerk)
    settle_for(shop, 30)
    assert kinds(shop, voucher) == {"charge": 1, "refund": 1}
    assert (the("refund").state, reviews) == ("manual", [D("5.00")])


def test_c12_a_hold_that_is_honoured_for_ever_is_told(shop, order, voucher, reviews):
    shop.cloud.behaviour = shop.cloud.behaviour.but(lapse_lag_seconds=9000)
    lose(shop, "late:drop", "charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    gateway.cancel(order)
    settle_for(shop, 40)
    assert VoucherPayment.objects.get().status == "cancelled"
    shop.cloud.faults.land_late()
    assert kinds(shop, voucher) == {"charge": 1}
    shop.later(hours=2)
    gateway.settle()
    assert reviews == [D("20.00")]


def test_c13_where_a_full_refund_is_refused_the_payment_stays_captured(shop, order, voucher, reviews):
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_limit="less_than")
    gateway.capture(order)
    with pytest.raises(RefusedError):
        gateway.cancel(order)
    settle_for(shop, 5)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_refunded) == ("captured", D("0.00"))
    assert D("20.00") in reviews
    assert kinds(shop, voucher) == {"charge": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        VoucherPayment.objects.update(status="cancelled")


def test_c15_an_order_shipped_after_the_backup_that_is_put_back_is_not_charged_again(shop, order, voucher):
    backup = Backup()
    gateway.capture(order)
    backup.put_back()
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    assert kinds(shop, voucher) == {"charge": 1}


def test_c16_two_confirmations_at_the_same_moment_do_not_count_on_the_same_money(shop, voucher, monkeypatch):
    first, second = (shop.order("50.00", number=f"A-200{number}") for number in (1, 2))
    for order in (first, second):
        gateway.select(order, "GIFT-8000-ABCD")
    write, done = authorize_selected.record_confirmation, []

    def overtaken(*arguments, **options):
        if not done:
            done.append(True)
            gateway.authorize_selected(first)
        return write(*arguments, **options)

    monkeypatch.setattr(authorize_selected, "record_confirmation", overtaken)
    gateway.authorize_selected(second)
    assert sum(payment.amount_agreed for payment in VoucherPayment.objects.all()) == D("80.00")


def test_c17_the_copy_of_a_database_charges_nothing(shop, order, voucher, gateway_settings):
    VoucherGatewayState.objects.create(name="instance", value="production")
    gateway_settings(INSTANCE="staging")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    settle_quietly()
    assert kinds(shop, voucher) == {}


def settle_quietly():
    with suppress(UnavailableError):
        gateway.settle()


def test_c18_an_order_that_was_not_confirmed_does_not_take_what_a_confirmed_one_counts_on(shop, voucher):
    first, second = (shop.order("50.00", number=f"A-200{number}") for number in (1, 2))
    for order in (first, second):
        gateway.authorize(order, "GIFT-8000-ABCD")
    gateway.authorize_selected(second)
    for order in (first, second):
        with suppress(RefusedError):
            gateway.capture(order)
    assert (first.voucher_captured, second.voucher_captured) == (D("0.00"), D("50.00"))


def _state_alone(operation, **changes):
    same = VoucherOperation.objects.filter(pk=operation.pk, state=operation.state)
    if not same.update(**changes):
        return False
    for name, value in changes.items():
        setattr(operation, name, value)
    return True


def _by_time(rows, *, amount, **_):
    operation = the("refund")
    fits = [
        row.id
        for row in rows
        if row.type == "refund"
        and row.amount == amount
        and (operation.sending_at - row.created_at).total_seconds() <= 60
    ]
    return Evidence("found", fits[-1]) if fits else ABSENT


def _any_client(rows, **facts):
    return refund_evidence(rows, **{**facts, "client_id": ""})


refund_evidence = refund.refund_evidence


def _refused_is_a_fence(operation):
    return reserved_anew(operation) or resolve._store_fence(operation, timezone.now())


def _not_found_is_a_fence(operation):
    return released(operation) or resolve._store_fence(operation, timezone.now())


def _repeated_at_the_fence(operation):
    fence(operation)
    resolve._repeat_or_end(charge.CHARGE, operation)


def _without_a_number(*facts):
    return {**confirmed_fields(*facts), "confirmation": None}


confirmed_fields = promises.confirmed_fields


reserved_anew, released, fence = (
    resolve._fence_by_reserving,
    resolve._fence_by_releasing,
    resolve._establish_fence,
)

RULES = {
    "C1": (
        test_c1_a_sleeper_does_not_give_back_the_attempt_of_another_worker,
        [(transitions, "_compare_and_set", _state_alone)],
    ),
    "C2": (
        test_c2_a_frozen_refund_is_not_sent_when_its_worker_wakes_up,
        [(execute, "send_before", lambda instant: nullcontext())],
    ),
    "C3 behind": (
        test_c3_a_refund_is_found_though_the_servers_clock_is_two_hours_behind,
        [(refund, "refund_evidence", _by_time)],
    ),
    "C3 ahead": (
        test_c3_an_earlier_refund_is_not_taken_for_a_lost_one_though_the_servers_clock_is_ahead,
        [(refund, "refund_evidence", _by_time)],
    ),
    "C4": (
        test_resolution.test_a_refused_reservation_is_no_fence,
        [(resolve, "_fence_by_reserving", _refused_is_a_fence)],
    ),
    "C5": (
        test_resolution.test_a_cancel_call_that_is_not_there_is_no_fence,
        [(resolve, "_fence_by_releasing", _not_found_is_a_fence)],
    ),
    "C6": (
        test_resolution.test_the_servers_clock_decides_nothing,
        [(resolve, "expiry_of", lambda target_dead_at, now: now)],
    ),
    "C7": (
        test_resolution.test_the_read_that_decides_is_sent_a_lag_after_the_fence,
        [(resolve, "_establish_fence", _repeated_at_the_fence)],
    ),
    "C8": (
        test_c8_the_same_order_number_of_another_shop_is_not_adopted,
        [(reference, "charge_reference", lambda order_number, capture, token: order_number)],
    ),
    "C10": (
        test_c10_a_refund_by_hand_in_the_place_of_a_lost_one_is_for_a_person,
        [(refund, "refund_evidence", _any_client)],
    ),
    "C12": (
        test_c12_a_hold_that_is_honoured_for_ever_is_told,
        [(transitions, "reread_at", lambda operation, booked: None)],
    ),
    "C15": (
        test_c15_an_order_shipped_after_the_backup_that_is_put_back_is_not_charged_again,
        [(evidence, "_charged_elsewhere", lambda operation, bookings, ours: ABSENT)],
    ),
    "C16": (
        test_c16_two_confirmations_at_the_same_moment_do_not_count_on_the_same_money,
        [(record_confirmation, "confirmed_fields", _without_a_number)],
    ),
    "C17": (
        test_c17_the_copy_of_a_database_charges_nothing,
        [(instance, "disagreement", lambda wanted, stored: "")],
    ),
    "C18": (
        test_c18_an_order_that_was_not_confirmed_does_not_take_what_a_confirmed_one_counts_on,
        [(reservation, "_leave_to_confirmed", lambda payment, amount, competing: None)],
    ),
}


@pytest.mark.parametrize("number", RULES)
def test_without_its_rule_the_schedule_ends_wrong(number, shop, request, monkeypatch, figures):
    schedule, dropped = RULES[number]
    for module, name, instead in dropped:
        monkeypatch.setattr(module, name, instead)
    needed = schedule.__code__.co_varnames[: schedule.__code__.co_argcount]
    if schedule.__module__ == test_resolution.__name__:
        voucher = shop.voucher("20.00") if "voucher" in needed else None
        given = {"voucher": voucher, "answer": "absent"}
        if "order" in needed:
            given["order"] = shop.order("50.00")
            gateway.authorize(given["order"], "GIFT-2000-ABCD")
    else:
        given = {}
    arguments = {name: given[name] if name in given else request.getfixturevalue(name) for name in needed}
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        schedule(**arguments)
    figures("planted bugs", caught=(1, 1))
