"""How long a reservation may be used, and when it has certainly expired."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from voucher_payment_gateway.rules.resolution import expired_at
from voucher_payment_gateway.rules.timing import (
    belongs_from,
    ends_soon,
    has_ended,
    held_until,
    is_usable,
    may_be_charged,
    next_renewal_at,
    renewal_due_at,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_hold_is_used_until_a_minute_before_its_end():
    answered_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    until = held_until(answered_at)
    assert until - answered_at == timedelta(minutes=30)
    assert is_usable(until, until - timedelta(seconds=61))
    assert not is_usable(until, until - timedelta(seconds=60))
    assert not is_usable(None, answered_at)


@pytest.mark.parametrize(
    ("seconds_left", "held", "expected"), [(61, "5.00", True), (60, "5.00", False), (61, "5.01", False)]
)
def test_a_charge_takes_a_usable_hold_of_exactly_its_amount(seconds_left, held, expected):
    until = NOON + timedelta(seconds=seconds_left)
    assert may_be_charged(until, NOON, held=D(held), amount=D("5.00")) is expected


def test_a_hold_is_believed_dead_five_minutes_after_its_end_or_later_if_the_server_says_so():
    ours = NOON + timedelta(minutes=5)
    assert expired_at(NOON, None) == ours
    assert expired_at(NOON, NOON - timedelta(hours=2)) == ours
    assert expired_at(NOON, NOON + timedelta(hours=2)) == NOON + timedelta(hours=2)
    assert expired_at(NOON, NOON + timedelta(days=400)) == ours + timedelta(hours=24)


def test_a_hold_ends_soon_from_ten_minutes_before_its_end():
    until = held_until(datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert not ends_soon(until, until - timedelta(seconds=601))
    assert ends_soon(until, until - timedelta(seconds=600))
    assert not ends_soon(None, until)


@pytest.mark.parametrize(
    ("left", "wait"),
    [(600, 30), (590, 30), (540, 60), (300, 300), (0, 30), (-60, 60)],
)
def test_a_renewal_that_failed_is_tried_again_after_as_long_as_it_has_been_due_or_the_hold_lost(left, wait):
    until = held_until(NOON)
    now = until - timedelta(seconds=left)
    assert next_renewal_at(now, until) == now + timedelta(seconds=wait)
    assert ends_soon(until, renewal_due_at(until))


@pytest.mark.parametrize(("seconds", "ended"), [(None, True), (-1, True), (0, True), (1, False)])
def test_a_reservation_has_ended_from_its_last_instant_on(seconds, ended):
    until = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert has_ended(until, NOON) is ended


def test_a_payment_belongs_to_an_order_that_came_into_being_up_to_a_minute_later():
    assert belongs_from(NOON) == NOON - timedelta(seconds=60)
