"""A situation: a test of the suite that ends with a comparison of the books, or is skipped where a shop says why."""

import difflib
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from voucher_payment_gateway.testing.conformance.hooks import OPTIONAL_HOOKS, Hooks
from voucher_payment_gateway.testing.conformance.skips import declared

__all__ = ["check_declared", "situation", "situations"]

PREFIX = "test_"


def situation(play: Callable[[Any], None]) -> Callable[[Any], None]:
    """Turn a method into a situation. Its docstring says what a customer or a merchant would lose.

    At its end the books are compared. A shop that names it in ``cannot`` is tried all the same: if it fails, that is a
    skip with the shop's reason; if it passes, the entry is outdated, and the test fails.
    """
    name = play.__name__.removeprefix(PREFIX)

    @wraps(play)
    def test(suite: Any) -> None:
        reason = suite.cannot.get(name)
        try:
            play(suite)
            suite.close_books()
        except (Exception, pytest.skip.Exception) as ended:
            if reason is not None:
                raise declared(reason) from None
            if isinstance(ended, Exception):
                ended.add_note(f"What would be lost: {play.__doc__}")
            raise
        if reason is not None:
            pytest.fail(f'cannot: "{name}" passes, so this shop can do it. Remove the entry: {reason}')

    test.is_situation = True  # type: ignore[attr-defined]
    return test


def situations(cls: type) -> dict[str, Callable[[Any], None]]:
    """Return the situations of a suite by their names, in alphabetical order."""
    methods = {name: getattr(cls, name) for name in dir(cls) if name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX): method for name, method in methods.items()}


def check_declared(cls: Any) -> None:
    """Raise ValueError for an entry of ``cannot`` that names nothing, has no reason, or names a hook that is there."""
    known = [*situations(cls), *OPTIONAL_HOOKS]
    for name, reason in cls.cannot.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f' Do you mean "{close[0]}"?' if close else ""
            raise ValueError(f'cannot: no situation and no hook has the name "{name}".{hint}')
        if not str(reason).strip():
            raise ValueError(f'cannot: say why "{name}" is not possible.')
        if name in OPTIONAL_HOOKS and getattr(cls, name) is not getattr(Hooks, name):
            raise ValueError(f'cannot: the shop has the hook "{name}", so it is not true that it cannot.')
