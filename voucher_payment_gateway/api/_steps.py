"""The steps of a flow and their results: plain values, without I/O."""

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
    """The instant of the monotonic clock at which a call gives up."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        return self.at - time.monotonic()

    def halfway(self) -> "Deadline":
        """Return an earlier deadline that leaves half of the time to the next step."""
        return Deadline.after(self.remaining_seconds() / 2)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One complete HTTP request. Headers and content hold secrets, and so may the address of a webhook: all stay out
    of ``repr``."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    name: str = ""
    """Method and path template, free of ids: for measurements. Empty where it does not go to the Voucher Cloud."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response, with a body within the maximum size."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """No complete response. ``sent`` is false only where certainly nothing reached the server."""

    sent: bool
    reason: str
    """The class name of the error; never its message, which might quote a secret."""
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
    """Acquire the lock of the token, with a timeout; resumed with whether it was acquired."""

    wait_seconds: float


@dataclass(frozen=True, slots=True)
class RunInThread:
    """Run third-party code in a daemon thread, and wait for it with a timeout.

    Resumed with its result, with the exception that it raised, or with ``TimedOut``.
    """

    what: Callable[[], object] = field(repr=False)
    wait_seconds: float
    abandoned: Callable[[], object] | None = field(default=None, repr=False)
    """Called after ``what`` where its result came after the timeout."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Third-party code did not end within its timeout; its thread goes on."""

    is_running: Callable[[], bool] = field(repr=False)


Step = Send | Sleep | Acquire | RunInThread
Flow = Generator[Step, Any, T]
