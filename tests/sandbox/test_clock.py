from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.sandbox.conftest import NOON
from voucher_payment_gateway.sandbox import Clock


def test_a_clock_with_a_start_stands_still_until_it_is_moved():
    clock = Clock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(1.5)
    assert clock.now() == NOON + timedelta(seconds=1.5)
    clock.advance(-86400)
    assert clock.now() == NOON + timedelta(days=-1, seconds=1.5)


def test_a_clock_without_a_start_runs_with_the_systems():
    clock = Clock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    clock.advance(1800)
    assert clock.offset_seconds == 1800
    assert clock.now() >= before + timedelta(seconds=1800)


def test_a_clock_is_set_to_any_aware_instant_and_answers_in_utc():
    clock = Clock(NOON)
    clock.set(datetime(2030, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2030-01-01T00:00:00+00:00"
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2030, 1, 1))  # noqa: DTZ001  the naive instant is the point


def test_what_falls_due_happens_in_order_at_its_own_instant():
    clock, seen = Clock(NOON), []
    for seconds in (20, 10, 40):
        clock.call_at(NOON + timedelta(seconds=seconds), lambda: seen.append(clock.now()))
    clock.advance(30)
    assert seen == [NOON + timedelta(seconds=10), NOON + timedelta(seconds=20)]
    assert clock.now() == NOON + timedelta(seconds=30)
    clock.set(NOON + timedelta(seconds=50))
    clock.run_due()
    assert seen[2:] == [NOON + timedelta(seconds=50)]
