"""Kills the process at a crash point: it traces itself, and sends itself SIGKILL or loses its database connection."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from django.db import connection

from tests.proofs.crash.points import PLACES, Passing

__all__ = ["ENDS", "Passed", "watched"]

FILES = {file for file, _ in PLACES}


class Passed(NamedTuple):
    """A point that was passed: its file and line, and what was being done: the kind of operation, and whose it is."""

    point: str
    place: tuple[str, int]
    deed: str


def kill() -> None:
    """End this process by SIGKILL: no handler, no ``finally``, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_the_database() -> None:
    """Let PostgreSQL terminate the connection of this thread; the process continues without it."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with connection.connection.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


ENDS = {"killed": kill, "cut_off": lose_the_database}


@contextmanager
def watched(crash_at: Passing | None, end: str = "killed") -> Iterator[list[Passed]]:
    """End the process at ``crash_at`` in the way of ``end``. Yields the points that are passed, in order."""
    killer = _Killer(crash_at, ENDS[end])
    threading.settrace(killer.called)
    sys.settrace(killer.called)
    try:
        yield killer.passed
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


class _Killer:
    def __init__(self, crash_at: Passing | None, end: Callable[[], None]) -> None:
        self.crash_at = crash_at
        self.end = end
        self.passed: list[Passed] = []

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        return self.went_on if frame.f_code.co_filename in FILES else None

    def went_on(self, frame: FrameType, event: str, _: Any) -> Any:
        place = (frame.f_code.co_filename, frame.f_lineno)
        point = PLACES.get(place) if event == "line" else None
        if point and frame.f_lasti == _start_of_line(frame):
            self.passes(Passed(point, place, _deed(frame)))
        return self.went_on

    def passes(self, passed: Passed) -> None:
        self.passed.append(passed)
        time = sum(each.point == passed.point for each in self.passed)
        if self.crash_at and self.crash_at == Passing(passed.point, time):
            self.end()


def _deed(frame: FrameType) -> str:
    """Return the kind of the operation in the frame, and whether it is of a payment or a sale; "" without one."""
    operation = frame.f_locals.get("operation") or frame.f_locals.get("draft")
    if operation is None:
        return ""
    return f"{operation.kind} of a {'payment' if operation.sale_id is None else 'sale'}"


def _start_of_line(frame: FrameType) -> int:
    """Return the first offset of the line: a ``with`` and a call over several lines return to their first line."""
    return min(start for start, _, line in frame.f_code.co_lines() if line == frame.f_lineno)
