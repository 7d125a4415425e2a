"""The acts take turns, and the figures are those of the rounds."""

import pytest

from benchmarks.rounds import Spread, Timing, alternate, ms, ratio, spread


def test_every_act_begins_a_round_as_often_as_the_others():
    done = []

    def named(name):
        return lambda: lambda: done.append(name)

    found = alternate({"a": named("a"), "b": named("b")}, 4, warm_up=2)
    assert done == list("abba") * 3
    assert [len(timings) for timings in found.values()] == [4, 4]


def test_what_is_prepared_is_not_measured(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    found = alternate({"a": lambda: [next(clock) for _ in range(5)].clear}, 1, warm_up=0)
    assert found["a"][0].wall == 1


def test_a_ratio_is_that_of_each_round_and_not_of_the_medians():
    ours = [Timing(2, 1), Timing(30, 3), Timing(4, 4)]
    theirs = [Timing(1, 1), Timing(10, 1), Timing(4, 1)]
    assert ratio(ours, theirs) == Spread(1.5, 2, 2.5)
    assert ratio(ours, theirs, "cpu") == Spread(2, 3, 3.5)
    assert str(ms(ours, "cpu")) == "3000.00 (2000.00 to 3500.00)"


def test_one_round_has_no_quartiles():
    assert spread([2]) == Spread(2, 2, 2)


def test_rounds_that_are_missing_are_noticed():
    with pytest.raises(ValueError, match="shorter"):
        ratio([Timing(1, 1)] * 2, [Timing(1, 1)])
