"""The bulkhead by itself: instants are given, nothing waits."""

import random
from itertools import count

import pytest

from voucher_payment_gateway.api._limits.bulkhead import SLOW_SECONDS, Bulkhead

A_BURST = 64


def entered(bulkhead, now, callers=A_BURST):
    """Return how many of so many new callers are let in at this instant, and the verdicts on the others."""
    verdicts = [bulkhead.enter(object(), now) for _ in range(callers)]
    return verdicts.count("entered"), set(verdicts) - {"entered"}


def answer(bulkhead, at, took=0.05):
    """One call that was answered at this instant."""
    who = object()
    assert bulkhead.enter(who, at - took) == "entered"
    bulkhead.leave(who, at - took, at, answered=True)


def test_a_burst_before_the_first_answer_is_bounded():
    assert entered(Bulkhead(4), 0.0) == (4, {"unproven"})


def test_what_waited_for_the_first_answer_is_refused_once_the_calls_are_slow():
    bulkhead = Bulkhead(4)
    entered(bulkhead, 0.0)
    assert bulkhead.enter(object(), SLOW_SECONDS) == "unproven"
    assert bulkhead.enter(object(), SLOW_SECONDS + 0.001) == "full"


def test_each_quick_answer_lets_one_more_in():
    bulkhead, callers = Bulkhead(4), [object() for _ in range(4)]
    for who in callers:
        bulkhead.enter(who, 0.0)
    for who in callers:
        bulkhead.leave(who, 0.0, 0.05, answered=True)
    assert entered(bulkhead, 0.06) == (8, {"unproven"})


def test_a_hang_holds_up_no_more_than_the_second_before_it_vouches_for():
    bulkhead = Bulkhead(4)
    for tenth in range(1, 30):
        answer(bulkhead, tenth / 10)
    assert entered(bulkhead, 2.95)[0] == 4 + 10


def test_old_answers_vouch_for_nothing():
    bulkhead = Bulkhead(4)
    for tenth in range(1, 30):
        answer(bulkhead, tenth / 10)
    assert entered(bulkhead, 60.0)[0] == 4


def test_after_a_slow_answer_the_next_one_is_refused_at_once():
    bulkhead = Bulkhead(2)
    answer(bulkhead, 5.0, took=5.0)
    assert entered(bulkhead, 5.1) == (2, {"full"})


def test_a_quick_answer_ends_that():
    bulkhead = Bulkhead(2)
    answer(bulkhead, 5.0, took=5.0)
    answer(bulkhead, 5.2, took=0.1)
    assert entered(bulkhead, 7.0) == (2, {"unproven"})


def test_a_quick_failure_vouches_for_nothing():
    bulkhead, who = Bulkhead(1), object()
    bulkhead.enter(who, 0.0)
    bulkhead.leave(who, 0.0, 0.01, answered=False)
    assert entered(bulkhead, 0.02)[0] == 1


def test_no_other_is_let_in_beside_so_many_slow_calls_however_quick_the_others_are():
    bulkhead = Bulkhead(2)
    assert entered(bulkhead, 0.0, callers=2) == (2, set())
    bulkhead._quick.extend([1.5] * 50)
    assert bulkhead.enter(object(), 1.6) == "full"


def test_a_straggler_holds_up_no_busy_process():
    bulkhead, straggler = Bulkhead(4), object()
    bulkhead.enter(straggler, 0.0)
    for hundredth in range(1, 150):
        answer(bulkhead, hundredth / 100, took=0.001)
    assert entered(bulkhead, 1.5)[0] == A_BURST


def test_the_calls_of_one_caller_count_as_one():
    bulkhead, who = Bulkhead(1), object()
    assert [bulkhead.enter(who, 0.0) for _ in range(8)] == ["entered"] * 8
    assert bulkhead.enter(object(), 0.0) == "unproven"
    for _ in range(8):
        bulkhead.leave(who, 0.0, 0.01, answered=False)
    assert bulkhead.enter(object(), 0.02) == "entered"


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happened_before_a_hang_holds_up_a_bounded_number(seed):
    """Play random answers, then a hang: in it at most ``slow_calls`` are let in beyond what the second before vouches
    for, and after a second no other beyond ``slow_calls``."""
    drawn, limit = random.Random(seed), 1 + seed % 5
    bulkhead, waiting, now, quick = Bulkhead(limit), {}, 0.0, []
    for name in count():
        now += drawn.expovariate(20)
        if now > 6:
            break
        if waiting and drawn.random() < 0.5:
            who = drawn.choice(list(waiting))
            since = waiting.pop(who)
            bulkhead.leave(who, since, now, answered=True)
            quick += [now] if now - since <= SLOW_SECONDS else []
        elif bulkhead.enter(name, now) == "entered":
            waiting[name] = now
    vouched = sum(1 for at in quick if at > now - SLOW_SECONDS)
    let_in, _ = entered(bulkhead, now)
    assert len(waiting) + let_in <= max(len(waiting), limit + vouched)
    held_up = len(waiting) + let_in
    assert entered(bulkhead, now + 1.001)[0] == max(0, limit - held_up)
