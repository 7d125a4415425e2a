"""What travels between the description of a call and the thing that carries it: plain values, no I/O."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from voucher_payment_gateway import __version__

T = TypeVar("T")

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"voucher-payment-gateway/{__version__}",
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant of the monotonic clock after which a call gives up."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        return self.at - time.monotonic()

    def halfway(self) -> "Deadline":
        """A sooner deadline that leaves half of the time to what comes next."""
        return Deadline.after(self.remaining_seconds() / 2)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request, whole. Headers and content hold secrets and stay out of ``repr``."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    url: str
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came whole, with a body within bounds."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """No whole answer. ``sent`` is false only where surely nothing reached the other side."""

    sent: bool
    reason: str
    """The class of what went wrong: a name, never a message, which might quote a secret."""
    code: str = ""
    oversized: bool = False


Outcome = Answer | Failure


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request; resumed with an ``Outcome``."""

    request: Outgoing
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait; resumed with None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take the lock of the token, waiting this long at most; resumed with whether it was taken."""

    wait_seconds: float


@dataclass(frozen=True, slots=True)
class RunInThread:
    """Call code of others beside the call, awaiting it so long at most.

    Resumed with its result, with the exception that it raised, or with ``TimedOut``.
    """

    what: Callable[[], object] = field(repr=False)
    wait_seconds: float
    abandoned: Callable[[], object] | None = field(default=None, repr=False)
    """Called after ``what`` where nobody awaits its result any more."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Code of others took longer than it was given; it goes on beside the call."""

    is_running: Callable[[], bool] = field(repr=False)


Step = Send | Sleep | Acquire | RunInThread
Flow = Generator[Step, Any, T]
