"""Which attempts count, under which limits, and which are uncounted."""

import itertools
import time
from types import SimpleNamespace

import pytest

from tests.throttle.conftest import failures_until_throttled, guess, visitor
from voucher_payment_gateway import throttle
from voucher_payment_gateway.exceptions import (
    AmountError,
    ContractError,
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    ReservationClosedError,
    ThrottledError,
    UnavailableError,
    VoucherUnusableError,
    WrongStateError,
)
from voucher_payment_gateway.signals import guessing_limit_reached

asked = []


def solved(request):
    """The captcha callable of the shop."""
    asked.append(request)
    return getattr(request, "solved", False)


def broken(request):
    raise LookupError("canary-of-a-code")


@pytest.mark.parametrize(
    "error",
    [
        RefusedError,
        VoucherUnusableError,
        InsufficientBalanceError,
        CurrencyMismatchError,
        ReservationClosedError,
        ZeroDivisionError,
    ],
)
def test_whatever_may_tell_something_of_a_code_counts(limits, error):
    limits(session="2/1h")
    assert [guess(visitor(), error) for _ in range(3)] == [error, error, ThrottledError]


@pytest.mark.parametrize(
    "error",
    [
        None,
        UnavailableError,
        ThrottledError,
        CredentialsError,
        ContractError,
        OutcomeUnknownError,
        AmountError,
        WrongStateError,
        OperationInProgressError,
    ],
)
def test_success_and_what_tells_nothing_of_a_code_is_given_back(limits, error):
    limits(session="1/1h", account="1/1h", address="1/1h", everyone="1/1h")
    for _ in range(3):
        assert guess(visitor(account=7), error) in (error, None)
    assert guess(visitor(account=7)) is VoucherUnusableError


def test_success_does_not_wipe_out_earlier_failures(limits):
    limits(address="2/1h")
    seen = [guess(visitor(), error) for error in (VoucherUnusableError, None) * 2]
    assert seen == [VoucherUnusableError, None, VoucherUnusableError, ThrottledError]


SAME = {"session": "s", "account": 7, "address": "93.184.216.34"}


@pytest.mark.parametrize("name", SAME)
def test_each_limit_is_about_its_own_mark_alone(limits, name):
    limits(**{name: "3/1h"})
    others = {"session": "s-{}", "account": "{}", "address": "93.184.217.{}"}

    def visitors(count, first):
        for number in range(first, first + count):
            yield visitor(**{key: value.format(number) for key, value in others.items()} | {name: SAME[name]})

    assert failures_until_throttled(visitors(10, 1)) == 3
    assert guess(visitor(**{key: value.format(99) for key, value in others.items()})) is VoucherUnusableError


def test_everyone_together_has_a_limit(limits):
    limits(everyone="5/1h")
    strangers = (visitor(f"s-{number}", number, f"93.184.216.{number}") for number in range(1, 20))
    assert failures_until_throttled(strangers) == 5


def test_whoever_is_stopped_by_their_own_limit_does_not_use_up_that_of_everyone(limits):
    limits(session="1/1h", address="3/1h", everyone="4/1h")
    for _ in range(50):
        guess(visitor())
    assert failures_until_throttled(visitor(f"s-{number}") for number in range(2, 9)) == 2
    assert failures_until_throttled(visitor(f"t-{n}", address=f"93.184.217.{n}") for n in range(9)) == 1


def test_whoever_is_stopped_by_a_wide_limit_keeps_what_the_narrow_one_leaves(limits):
    limits(session="2/1h", address="1/1h")
    assert [guess(visitor()) for _ in range(5)] == [VoucherUnusableError] + [ThrottledError] * 4
    assert guess(visitor(address="93.184.217.1")) is VoucherUnusableError


def test_an_attempt_under_way_counts_and_leaves_nothing_behind_when_it_succeeds(limits):
    limits(session="1/1h")
    with throttle.attempt(visitor()):
        assert [guess(visitor()) for _ in range(3)] == [ThrottledError] * 3
    assert [guess(visitor()) for _ in range(2)] == [VoucherUnusableError, ThrottledError]


def test_without_session_or_account_the_address_still_counts(limits):
    limits(session="1/1h", account="1/1h", address="3/1h")
    bare = SimpleNamespace(META={"REMOTE_ADDR": "93.184.216.34"})
    assert failures_until_throttled([bare, visitor(session=None), bare, bare]) == 3


def test_somebody_who_takes_on_and_off_is_stopped_too(limits):
    limits(holds="3/1h")
    assert [guess(visitor(f"s-{n}"), None) for n in range(4)] == [None, None, None, ThrottledError]
    assert guess(visitor(address="93.184.217.1"), None) is None


def test_a_failure_is_no_reservation(limits):
    limits(holds="1/1h")
    assert [guess(visitor()) for _ in range(3)] == [VoucherUnusableError] * 3


def test_without_throttle_nothing_is_counted(gateway_settings):
    gateway_settings(THROTTLE=None)
    assert failures_until_throttled(visitor() for _ in range(500)) is None


def test_it_is_on_where_a_shop_sets_nothing(gateway_settings, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    gateway_settings(THROTTLE={})
    assert failures_until_throttled(visitor() for _ in range(10)) == 5
    assert len(slept) == 5
    assert all(0.5 < seconds <= 1 for seconds in slept)


def test_it_is_told_when_to_come_again(limits, monkeypatch):
    now = 1_800_000_000.0 - 1_800_000_000.0 % 600
    monkeypatch.setattr(time, "time", lambda: now + 100.5)
    limits(session="1/10m")
    guess(visitor())
    with pytest.raises(ThrottledError) as caught, throttle.attempt(visitor()):
        raise AssertionError("what is throttled is not run")
    assert caught.value.retry_after_seconds == 500
    monkeypatch.setattr(time, "time", lambda: now + 100.5 + 500)
    assert guess(visitor()) is VoucherUnusableError


def test_what_is_throttled_does_not_wait(limits, monkeypatch):
    limits(session="1/1h", refusal_seconds=5)
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for error in (VoucherUnusableError, None, UnavailableError):
        guess(visitor(), error)
    assert len(slept) == 1


def test_a_refusal_that_took_long_enough_does_not_wait(limits, monkeypatch):
    limits(refusal_seconds=2)
    slept, clock = [], itertools.count(step=3)
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    guess(visitor())
    assert slept == [0]


@pytest.mark.parametrize("name", ["session", "address"])
def test_a_solved_captcha_lifts_every_limit_but_that_of_an_account(limits, name):
    limits(**{name: "1/1h"}, everyone="4/1h", captcha=f"{__name__}.solved")
    person = visitor()
    person.solved = True
    assert guess(person) is VoucherUnusableError
    asked.clear()
    assert guess(visitor()) is ThrottledError
    assert len(asked) == 1
    assert failures_until_throttled(person for _ in range(9)) is None, "that of everyone as well"
    assert failures_until_throttled(visitor(f"s-{n}", address=f"93.184.217.{n}") for n in range(9)) == 0


def test_a_captcha_does_not_lift_the_limit_of_an_account(limits):
    limits(account="1/1h", captcha=f"{__name__}.solved")
    person = visitor(account=7)
    person.solved = True
    assert failures_until_throttled(person for _ in range(9)) == 1


def test_a_captcha_is_asked_for_only_at_a_limit_and_once(limits):
    limits(session="1/1h", address="1/1h", holds="9/1h", captcha=f"{__name__}.solved")
    person = visitor()
    person.solved = True
    asked.clear()
    guess(person)
    assert asked == []
    guess(person)
    assert asked == [person]


@pytest.mark.parametrize("answer", [1, "yes", None])
def test_only_true_is_a_solved_captcha(limits, answer):
    limits(session="1/1h", captcha=f"{__name__}.solved")
    person = visitor()
    person.solved = answer
    guess(person)
    assert guess(person) is ThrottledError


def test_a_captcha_that_fails_lifts_nothing_and_stops_nothing_else(limits, caplog):
    limits(session="1/1h", captcha=f"{__name__}.broken")
    guess(visitor())
    assert guess(visitor()) is ThrottledError
    assert "LookupError" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        CredentialsError(http_status=403, missing_scope="use"),
        CredentialsError(http_status=401),
        UnavailableError(http_status=404),
        ContractError(http_status=422),
    ],
)
def test_an_answer_about_the_shop_or_of_somebody_else_is_given_back(limits, error):
    """What the Voucher Cloud refuses of a code with 401 or 403 arrives here as a refusal."""
    limits(session="1/1h")
    assert [guess(visitor(), error) for _ in range(3)] == [type(error)] * 3


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_answer_that_speaks_of_haste_or_trouble_is_given_back(limits, status):
    limits(session="1/1h")
    error = UnavailableError(http_status=status)
    assert [guess(visitor(), error) for _ in range(3)] == [UnavailableError] * 3


# The limit of everyone


@pytest.fixture
def reached(limits):
    """Use up the limit of everyone, by failures from many networks."""

    def reach(**others):
        limits(everyone="3/1h", **{"account": "9/1h", **others})
        assert failures_until_throttled(visitor(f"s-{n}", address=f"93.184.216.{n}") for n in range(9)) == 3

    return reach


def test_a_customer_who_is_logged_in_redeems_although_everyone_has_reached_the_limit(reached):
    reached()
    assert guess(visitor("s-50", account=7, address="93.184.217.1"), None) is None
    assert guess(visitor("s-51", address="93.184.217.1"), None) is ThrottledError


def test_an_account_passes_the_limit_of_everyone_with_one_failure_only(reached):
    reached()
    person = visitor("s-50", account=7, address="93.184.217.1")
    assert [guess(person) for _ in range(3)] == [VoucherUnusableError, ThrottledError, ThrottledError]
    assert guess(person, None) is ThrottledError


def test_an_account_whose_failures_are_not_counted_passes_nothing(reached):
    reached(account=None)
    assert guess(visitor("s-50", account=7, address="93.184.217.1"), None) is ThrottledError


def test_what_passes_the_limit_of_everyone_is_held_by_the_narrow_ones(reached):
    reached(address="1/1h")
    person = visitor("s-50", account=7, address="93.184.217.1")
    assert guess(person) is VoucherUnusableError
    assert guess(visitor("s-51", account=8, address="93.184.217.1"), None) is ThrottledError


def test_that_everyone_has_reached_the_limit_is_told_once(reached, caplog):
    heard = []

    def hear(sender, **facts):
        heard.append(facts)
        raise LookupError

    guessing_limit_reached.connect(hear)
    try:
        reached()
        for number in range(5):
            guess(visitor(f"t-{number}", account=number, address=f"93.184.218.{number}"))
    finally:
        guessing_limit_reached.disconnect(hear)
    [facts] = heard
    assert facts["limit"] == 3
    assert 0 < facts["seconds_left"] <= 3600
    told = [record for record in caplog.records if "3 codes were refused" in record.getMessage()]
    assert [record.levelname for record in told] == ["ERROR"]
    assert "a receiver of guessing_limit_reached failed" in caplog.text


def test_the_limit_of_one_visitor_is_not_told(limits, caplog):
    limits(session="1/1h")
    assert [guess(visitor()) for _ in range(3)][-1] is ThrottledError
    assert "refused" not in caplog.text
