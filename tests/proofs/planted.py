"""Plant a bug in the rules, and look for the day that it spoils: what the simulations share."""

import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from unittest import mock

__all__ = ["Planted", "applied", "first_caught", "report", "sample_of"]

ONE_IN_CI = 3


def sample_of(mutants: Collection[str]) -> list[str]:
    """Return the names that pytest plays: in CI every third one of those that take seconds each, elsewhere all."""
    is_sample = os.environ.get("REQUIRE_ALL_PARTS") and not os.environ.get("PLANTED")
    return [*mutants][:: ONE_IN_CI if is_sample else 1]


class Planted(Protocol):
    """A dropped rule: ``changes`` replace functions, each given by its place, its name, and what makes the new one of
    the old one. ``setting`` plays days on which the rule matters, ``instead_of`` the same days without it."""

    @property
    def changes(self) -> tuple[tuple[Any, str, Callable[[Any], Any]], ...]: ...

    @property
    def setting(self) -> Any: ...

    @property
    def instead_of(self) -> Any: ...


@contextmanager
def applied(mutant: Planted, *, may_add_to: Any = None) -> Iterator[None]:
    """Apply the mutant. Each name exists already, but for those that it adds to ``may_add_to``."""
    with ExitStack() as patches:
        for where, name, change in mutant.changes:
            is_added = where is may_add_to and not hasattr(where, name)
            before = None if is_added else getattr(where, name)
            patches.enter_context(mock.patch.object(where, name, change(before), create=is_added))
        yield


def first_caught(
    mutant: Planted, play: Callable[[int, Any], Any], max_days: int, *, may_add_to: Any = None
) -> tuple[Any, int] | None:
    """Return the first day that goes wrong with the mutant only, and how many were played; None where none does."""
    for seed in range(max_days):
        with applied(mutant, may_add_to=may_add_to):
            wrong = play(seed, mutant.setting)
        if wrong.is_wrong and not play(seed, mutant.instead_of).is_wrong:
            return wrong, seed + 1
    return None


def report(
    mutants: Mapping[str, Any],
    caught_by: Callable[[Any], tuple[Any, int] | None],
    max_days: int,
    *,
    label: Callable[[str], str] = str,
) -> int:
    """Print the day that notices each of the mutants named on the command line, or of all; return the exit code."""
    names = sys.argv[1:] or list(mutants)
    survivors = 0
    for name in names:
        caught = caught_by(mutants[name])
        survivors += caught is None
        if caught:
            result, days = caught
            print(f"{label(name)}: {days} days: {result.judgement.problems[0]}", flush=True)
        else:
            print(f"{label(name)}: NOT CAUGHT in {max_days} days", flush=True)
    print(f"{len(names) - survivors} of {len(names)} planted bugs were caught")
    return 1 if survivors else 0
