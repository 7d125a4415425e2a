"""Instants that a clock which was ahead has written, and the latest that each can truly be."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway.rules.plausible import (
    clocks_agree,
    corrected_hold,
    corrected_operation,
    corrected_sale,
    is_implausible,
    longest_wait,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
WAIT = timedelta(hours=1)
NOTHING = dict.fromkeys(
    ("due_at", "sending_at", "target_dead_at", "fence_at", "absent_at", "refused_at", "forbidden_at")
)


def ahead(**duration):
    return NOW + timedelta(**duration)


def corrected(**instants):
    return corrected_operation({**NOTHING, **instants}, NOW, WAIT)


@pytest.mark.parametrize(("seconds", "implausible"), [(-1, False), (0, False), (60, False), (61, True)])
def test_an_instant_may_be_ahead_by_what_two_clocks_differ(seconds, implausible):
    assert is_implausible(ahead(seconds=seconds), NOW) == implausible
    assert is_implausible(ahead(seconds=seconds, hours=1), NOW, WAIT) == implausible


def test_no_instant_is_plausible():
    assert not is_implausible(None, NOW)


@pytest.mark.parametrize(
    ("seconds", "agree"), [(0, True), (60, True), (-60, True), (61, False), (-61, False)]
)
def test_clocks_agree_within_a_minute(seconds, agree):
    assert clocks_agree(NOW, ahead(seconds=seconds)) == agree


@pytest.mark.parametrize(("lease", "lag", "longest"), [(55, 60, 3600), (4000, 60, 4000), (55, 86400, 86400)])
def test_the_longest_wait_is_that_of_backoff_lease_or_lag(lease, lag, longest):
    assert longest_wait(lease_seconds=lease, list_lag_seconds=lag) == timedelta(seconds=longest)


def test_an_operation_that_is_on_time_is_left_alone():
    assert corrected() == {}
    on_time = {
        "due_at": ahead(hours=1),
        "sending_at": NOW,
        "target_dead_at": ahead(minutes=35),
        "fence_at": ahead(minutes=35),
        "absent_at": NOW,
        "refused_at": NOW,
        "forbidden_at": NOW,
    }
    assert corrected(**on_time) == {}


@pytest.mark.parametrize("name", ["sending_at", "refused_at", "forbidden_at", "due_at"])
def test_what_happened_happened_by_now_and_what_is_due_is_due_now(name):
    assert corrected(**{name: ahead(days=1)}) == {name: NOW}


@pytest.mark.parametrize("name", ["absent_at", "fence_at"])
def test_what_was_proven_by_a_clock_that_was_ahead_is_proven_anew(name):
    assert corrected(**{name: ahead(days=1)}) == {name: None}


def test_a_fence_at_the_end_of_a_reservation_that_the_api_named_is_believed():
    """The clock of the API may be wrong by a day."""
    end = ahead(hours=24, minutes=35)
    assert corrected(target_dead_at=end, fence_at=end) == {}


def test_an_end_that_not_even_the_api_can_have_named_is_not_believed():
    end = ahead(hours=26)
    assert corrected(target_dead_at=end, fence_at=end) == {
        "target_dead_at": ahead(minutes=35),
        "fence_at": None,
    }


def test_a_hold_was_made_before_now():
    assert corrected_hold({"reserved_until": ahead(minutes=30)}, NOW) == {}
    assert corrected_hold({"reserved_until": ahead(days=1)}, NOW) == {
        "reserved_until": ahead(minutes=30),
        "reservation_dead_at": ahead(minutes=35),
    }


def test_a_sale_waits_no_longer_than_any_schedule_can_have_said():
    waiting = {"due_at": ahead(hours=1), "deliver_due_at": ahead(hours=1), "deliver_at": None}
    assert corrected_sale(waiting, NOW, WAIT) == {}
    wrong = {"due_at": ahead(days=1), "deliver_due_at": ahead(days=1), "deliver_at": None}
    assert corrected_sale(wrong, NOW, WAIT) == {"due_at": NOW, "deliver_due_at": NOW}


def test_a_delivery_that_was_planned_for_later_is_believed():
    week = ahead(days=7)
    planned = {"due_at": None, "deliver_at": week, "deliver_due_at": week + WAIT}
    assert corrected_sale(planned, NOW, WAIT) == {}
    assert corrected_sale(planned | {"deliver_due_at": ahead(days=8)}, NOW, WAIT) == {"deliver_due_at": week}
