"""How long an operation belongs to the worker that sends it, and what follows when it does not come back.

Sending begins within a window after the claim was written, so a worker that slept in between sends nothing: by then
another one may have taken over. The lease is longer than the window and the longest call together.
"""

from datetime import datetime, timedelta
from typing import Literal

__all__ = ["SEND_WINDOW_SECONDS", "after_lease", "lease_seconds", "may_begin", "next_look_at", "next_send_at"]

SEND_WINDOW_SECONDS = 20
"""Later than this after the claim an operation is not sent any more."""

EARLIEST_LOOK_SECONDS, LATEST_LOOK_SECONDS = 30, 3600


def lease_seconds(deadline_seconds: float) -> float:
    """Return how long a sending operation belongs to its worker, where a call takes ``deadline_seconds`` at most."""
    return SEND_WINDOW_SECONDS + deadline_seconds + SEND_WINDOW_SECONDS


def may_begin(now: float, latest: float) -> bool:
    """Say, as the last thing before the socket is written, whether it is not too late to begin."""
    return now <= latest


def after_lease(kind: str) -> Literal["unknown", "succeeded"]:
    """Return the state of an operation whose worker did not come back: unknown, never to be sent again.

    A release books nothing and has no outcome to wait for.
    """
    return "succeeded" if kind == "cancel" else "unknown"


def next_look_at(now: datetime, began_at: datetime) -> datetime:
    """Return when to look again at what began at ``began_at``: soon at first, then ever more seldom, at least every
    hour."""
    age = (now - began_at).total_seconds()
    return now + timedelta(seconds=min(max(age, EARLIEST_LOOK_SECONDS), LATEST_LOOK_SECONDS))


def next_send_at(now: datetime, asked_at: datetime, wait_seconds: float) -> datetime:
    """Return when to send again what was asked for at ``asked_at`` and surely not applied: not before ``wait_seconds``
    are over, but at least every hour."""
    earliest = now + timedelta(seconds=min(wait_seconds, LATEST_LOOK_SECONDS))
    return max(next_look_at(now, asked_at), earliest)
