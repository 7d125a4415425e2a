"""The decision after a read without our booking, to the second."""

from datetime import UTC, datetime, timedelta

import pytest

from voucher_payment_gateway.rules.resolution import (
    Decision,
    Tolerances,
    UnknownOperation,
    after_absence,
    after_proven_absence,
    is_unreadable_too_long,
    is_wanted,
    may_repeat,
    trailing_read_at,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIGURES = Tolerances()


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def decide(read_at, **known):
    known = {"kind": "charge", "sent_at": NOON, **known}
    return after_absence(UnknownOperation(**known), at(read_at), FIGURES)


def test_the_default_tolerances_are_a_minute_and_fifteen():
    assert (FIGURES.list_lag, FIGURES.refund_grace) == (timedelta(seconds=60), timedelta(seconds=900))


def test_a_charge_without_a_fence_needs_one():
    assert decide(10_000) == Decision("fence")


@pytest.mark.parametrize(
    ("read_at", "step"),
    [
        (100, Decision("wait", at(160))),
        (159, Decision("wait", at(160))),
        (160, Decision("not_booked")),
        (161, Decision("not_booked")),
    ],
)
def test_the_read_that_decides_is_sent_a_lag_after_the_fence(read_at, step):
    assert decide(read_at, fence_at=at(100)) == step


@pytest.mark.parametrize("kind", ["charge", "refund"])
@pytest.mark.parametrize(
    ("read_at", "step"),
    [(259, Decision("wait", at(260))), (260, Decision("refused")), (9999, Decision("refused"))],
)
def test_a_refused_repeat_is_read_again_a_lag_after_the_refusal(kind, read_at, step):
    known = {"fence_at": at(100)} if kind == "charge" else {"absent_at": at(100)}
    assert decide(read_at, kind=kind, refused_at=at(200), **known) == step


@pytest.mark.parametrize("kind", ["issue", "activate"])
@pytest.mark.parametrize(
    ("read_at", "refused_at", "step"),
    [
        (0, None, Decision("not_booked")),
        (259, 200, Decision("wait", at(260))),
        (260, 200, Decision("refused")),
    ],
)
def test_what_is_safe_to_repeat_needs_no_certainty_unless_it_was_refused(kind, read_at, refused_at, step):
    known = at(refused_at) if refused_at is not None else None
    assert decide(read_at, kind=kind, refused_at=known) == step


@pytest.mark.parametrize("kind", ["refund", "recharge", "deactivate"])
@pytest.mark.parametrize(
    ("read_at", "absent_at", "step"),
    [
        (0, None, Decision("wait", at(900))),
        (899, None, Decision("wait", at(900))),
        (900, None, Decision("note_absence", at(960))),
        (1000, 899, Decision("note_absence", at(1060))),
        (959, 900, Decision("wait", at(960))),
        (960, 900, Decision("not_booked")),
        (1200, 1000, Decision("not_booked")),
    ],
)
def test_a_refund_waits_for_its_grace_and_for_two_reads(kind, read_at, absent_at, step):
    known = at(absent_at) if absent_at is not None else None
    assert decide(read_at, kind=kind, absent_at=known) == step


def test_an_operator_who_knows_better_sets_the_figures():
    figures = Tolerances(list_lag=timedelta(seconds=5), refund_grace=timedelta(seconds=10))
    charge = UnknownOperation("charge", NOON, fence_at=NOON)
    refund = UnknownOperation("refund", NOON, absent_at=at(10))
    assert after_absence(charge, at(5), figures) == Decision("not_booked")
    assert after_absence(refund, at(14), figures) == Decision("wait", at(15))


@pytest.mark.parametrize(
    ("kind", "cancelling", "has_code", "expected"),
    [
        ("charge", False, True, True),
        ("charge", True, True, False),
        ("charge", False, False, False),
        ("charge", True, False, False),
        ("refund", True, False, True),
        ("refund", False, True, True),
        ("recharge", False, False, True),
    ],
)
def test_only_a_charge_can_lose_its_purpose(kind, cancelling, has_code, expected):
    assert is_wanted(kind, cancelling=cancelling, has_code=has_code) is expected


@pytest.mark.parametrize("kind", ["charge", "refund", "deactivate", "recharge"])
@pytest.mark.parametrize(
    ("wanted", "sends", "cancelling", "expected"),
    [
        (True, 1, False, "repeat"),
        (True, 3, True, "repeat"),
        (True, 4, False, "require_review"),
        (False, 1, True, "give_up"),
        (False, 4, True, "give_up"),
        (False, 1, False, "refuse"),
    ],
)
def test_what_follows_certainty(kind, wanted, sends, cancelling, expected):
    assert after_proven_absence(kind, wanted=wanted, sends=sends, cancelling=cancelling) == expected


@pytest.mark.parametrize("kind", ["issue", "activate"])
@pytest.mark.parametrize("sends", [1, 4, 100])
def test_what_is_safe_to_repeat_is_repeated_however_often_it_was_sent(kind, sends):
    assert after_proven_absence(kind, wanted=True, sends=sends, cancelling=False) == "repeat"


def test_a_call_is_sent_four_times_at_most():
    assert [may_repeat(sends) for sends in (1, 2, 3, 4, 5)] == [True, True, True, False, False]


@pytest.mark.parametrize(("seconds", "too_long"), [(0, False), (86_399, False), (86_400, True)])
def test_a_voucher_that_is_gone_for_a_day_is_never_read_again(seconds, too_long):
    assert is_unreadable_too_long(NOON, at(seconds)) is too_long


@pytest.mark.parametrize(
    ("sends", "booked", "again"), [(1, True, False), (2, True, True), (1, False, True), (2, False, True)]
)
def test_what_was_repeated_or_ended_without_money_is_read_once_more_after_two_hours(sends, booked, again):
    assert trailing_read_at(NOON, sends=sends, booked=booked) == (at(7200) if again else None)
