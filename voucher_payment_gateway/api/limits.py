"""What a client may ask of a Voucher Cloud that is slow, away or busy: the public part of its limits."""

import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

__all__ = [
    "LimitStore",
    "Limits",
    "as_one_caller",
    "by_clock",
    "caller",
    "goes_through_open_circuit",
    "is_patient",
    "patiently",
    "through_open_circuit",
    "worker_threads",
]

Given = TypeVar("Given")
Got = TypeVar("Got")

clock: Callable[[], float] = time.monotonic
"""The clock of pauses and of slow calls."""

USUAL_THREADS = 32
"""The threads of a worker whose command does not name them."""

_is_patient: ContextVar[bool] = ContextVar("is_patient", default=False)
_goes_through: ContextVar[bool] = ContextVar("goes_through_open_circuit", default=False)
_caller: ContextVar[object] = ContextVar("caller", default=None)


class LimitStore(Protocol):
    """Where the processes of a shop share what they know of a Voucher Cloud, such as a cache. It may fail at any time.

    Every exception is swallowed: a process then knows what it has seen itself. All methods are called in a thread of
    their own; a call waits for one a fifth of a second, and does not wait while one hangs.
    """

    def open_until(self) -> float | None:
        """Return the instant (``time.time()``) up to which no process may call; None while calls are answered."""

    def open(self, until: float) -> None:
        """Share this instant, and keep it for some minutes after it has passed."""

    def close(self) -> None:
        """Forget it: a call was answered."""

    def claim_probe(self, seconds: float) -> bool:
        """Return whether this process may make the one call that tries again; for so long no other may."""

    def release_probe(self) -> None:
        """Let the next process try."""

    def count(self, second: int) -> int:
        """Count one request in this second of ``time.time()``, and return how many all processes have counted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one client. Raises ValueError for a number below one."""

    slow_calls: int
    """How many of the process's callers may wait for a slow answer."""
    requests_per_second: int | None = None
    """The maximum of calls in one second, of all processes that share the store; None for no limit."""
    store: LimitStore | None = field(default=None, repr=False)
    """Without one each process counts by itself."""

    def __post_init__(self) -> None:
        for name in ("slow_calls", "requests_per_second"):
            value = getattr(self, name)
            if name == "requests_per_second" and value is None:
                continue
            if type(value) is not int or value < 1:
                raise ValueError(f"{name}: must be a whole number of at least 1")


@contextmanager
def by_clock(other: Callable[[], float]) -> Iterator[None]:
    """Measure pauses and slow calls of this process by another monotonic clock: for tests that let time pass."""
    global clock
    before, clock = clock, other
    try:
        yield
    finally:
        clock = before


@contextmanager
def patiently() -> Iterator[None]:
    """Let the calls of this block, or of a function so decorated, wait for their turn for up to two thirds of their
    deadline before they are refused: for work that no visitor waits for."""
    token = _is_patient.set(True)
    try:
        yield
    finally:
        _is_patient.reset(token)


def is_patient() -> bool:
    """Return whether the calls of this thread or task wait for their turn."""
    return _is_patient.get()


@contextmanager
def through_open_circuit() -> Iterator[None]:
    """Let the calls of this block through although the circuit is open: a read that tells what became of a call which
    was sent is worth more than one request less."""
    token = _goes_through.set(True)
    try:
        yield
    finally:
        _goes_through.reset(token)


def goes_through_open_circuit() -> bool:
    """Return whether the calls of this thread or task are sent although the circuit is open."""
    return _goes_through.get()


def as_one_caller(do: Callable[[Given], Got]) -> Callable[[Given], Got]:
    """Return ``do`` for other threads that this one waits for: their calls hold up one thread of the worker, and count
    as one. They are as patient as this thread."""
    one, patient = caller(), is_patient()

    def done(given: Given) -> Got:
        tokens = _caller.set(one), _is_patient.set(patient)
        try:
            return do(given)
        finally:
            _caller.reset(tokens[0])
            _is_patient.reset(tokens[1])

    return done


def caller() -> object:
    """Return who waits for the calls of this thread: itself, unless another one does."""
    return _caller.get() or object()


def worker_threads(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the threads of a worker, as the command that started it or ``GUNICORN_CMD_ARGS`` names them with
    ``--threads`` (gunicorn, waitress, uWSGI, mod_wsgi-express), the command first; else 32."""
    try:
        from_environment = shlex.split(environment.get("GUNICORN_CMD_ARGS", ""))
    except ValueError:
        from_environment = []
    words = [*command, "", *from_environment]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == "--threads" and (value or following).isdecimal():
            return max(1, int(value or following))
    return USUAL_THREADS
