"""Death at a numbered line: a process that watches itself, and ends itself by SIGKILL, or loses its database."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.db import connection

from tests.proofs.crash.points import PLACES, Passing

__all__ = ["ENDS", "watched"]

FILES = {file for file, _ in PLACES}


def kill() -> None:
    """End this process as the kernel does it: no handler, no ``finally``, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_the_database() -> None:
    """Have PostgreSQL end the connection of this thread; the process goes on without it."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with connection.connection.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


ENDS = {"killed": kill, "cut_off": lose_the_database}


@contextmanager
def watched(death: Passing | None, end: str = "killed") -> Iterator[list[str]]:
    """Let the process end as ``end`` says at ``death``. Yields the points that are passed, in order."""
    reaper = _Reaper(death, ENDS[end])
    threading.settrace(reaper.called)
    sys.settrace(reaper.called)
    try:
        yield reaper.passed
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]


class _Reaper:
    def __init__(self, death: Passing | None, end: Callable[[], None]) -> None:
        self.death = death
        self.end = end
        self.passed: list[str] = []

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        return self.went_on if frame.f_code.co_filename in FILES else None

    def went_on(self, frame: FrameType, event: str, _: Any) -> Any:
        point = PLACES.get((frame.f_code.co_filename, frame.f_lineno)) if event == "line" else None
        if point and frame.f_lasti == _start_of_line(frame):
            self.passes(point)
        return self.went_on

    def passes(self, point: str) -> None:
        self.passed.append(point)
        if self.death and self.death == Passing(point, self.passed.count(point)):
            self.end()


def _start_of_line(frame: FrameType) -> int:
    """Return where the line begins: a ``with`` and a call over several lines come back to their first one."""
    return min(start for start, _, line in frame.f_code.co_lines() if line == frame.f_lineno)
