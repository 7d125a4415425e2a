"""Skips of situations that a shop cannot have: declared by the shop, or since it lacks a hook."""

from collections.abc import Mapping
from typing import NoReturn

import pytest

__all__ = ["declared", "skip_without_hook"]


def declared(reason: str) -> BaseException:
    """Return the skip of what a shop says that it cannot do. ``is_declared`` tells it from any other skip."""
    skip = pytest.skip.Exception(f"this shop cannot: {reason}")
    skip.is_declared = True  # type: ignore[attr-defined]
    return skip


def skip_without_hook(hook: str, cannot: Mapping[str, str]) -> NoReturn:
    """Skip a situation that needs an optional hook which the shop does not have."""
    if hook in cannot:
        raise declared(cannot[hook])
    pytest.skip(f'the shop has no {hook}(): define it, or say in cannot = {{"{hook}": "…"}} why it has none')
