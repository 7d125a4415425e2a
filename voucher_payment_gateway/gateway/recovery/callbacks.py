"""What the sweeps call of ``events``, a higher layer, which connects itself here when Django starts."""

from collections.abc import Callable

__all__ = ["BY_STATUS", "POSTPONED", "Run", "connect"]

Run = Callable[..., None]
"""Takes a verb and an order, and by keyword an idempotency key, an actor and a reason."""

BY_STATUS: list[Run] = []
"""Runs a verb for an order as a save in its status does; empty where no status is looked at."""

POSTPONED: list[Run] = []
"""Runs a verb for what has waited: an order, or one of its payments."""


def connect(calls: list[Run], run: Run | None) -> None:
    """Let ``calls`` call ``run``; with None nothing any more."""
    calls[:] = [] if run is None else [run]
