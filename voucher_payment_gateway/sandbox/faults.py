"""Faults by moment and kind, scripted per request or drawn from a seed.

A fault is written ``"moment:kind"`` or ``"moment:kind=value"``.

Moments:
- ``before``: the request is not processed;
- ``after``: it is processed, then its answer is lost or damaged;
- ``late``: it is processed after the caller gave up, by ``land_late()`` or, if ``lands_after_seconds`` is
  given, by the cloud's clock.

Kinds:
- ``drop``: the connection is closed without an answer; ``reset``: it is reset;
- ``refused``: the connection is refused (in process only; over a socket it is a reset);
- ``hang``: no answer until the client disconnects;
- ``slow=SECONDS``: the correct answer, later; ``drip=SECONDS``: the correct answer, a byte at a time;
- ``truncated``, ``garbage``, ``badgzip``, ``huge`` (64 MiB): an unusable body;
- ``other``: a well-formed answer with another order's data; ``redirect`` or ``redirect=URL``;
- ``500``, ``502``, ``503``, ``504``, ``408``, ``401`` or any other status, with the API's error document;
  ``429=3``, ``429=3600``, ``429=date`` (in an hour) or ``429=anything`` sets Retry-After;
- ``html502`` or any other status, with a proxy's page.
"""

import random
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase

from voucher_payment_gateway.sandbox.clock import Clock
from voucher_payment_gateway.sandbox.damage import KINDS, Damage, damaged
from voucher_payment_gateway.sandbox.messages import Request, Response

__all__ = ["DRAWN", "Fault", "Faults"]

MOMENTS = ("before", "after", "late")
DRAWN: tuple[str, ...] = (
    "before:drop",
    "before:reset",
    "before:500",
    "before:503",
    "before:429=3",
    "after:drop",
    "after:reset",
    "after:500",
    "after:html502",
    "after:truncated",
    "after:garbage",
    "after:badgzip",
    "after:504",
    "late:drop",
    "late:html504",
)
"""The faults drawn by default: none of these waits, so that tests with many of them run fast."""

Process = Callable[[Request], Response]


@dataclass(frozen=True)
class Fault:
    """One fault for requests of ``method`` (``*``: any) to paths like ``path``."""

    text: str
    moment: str
    damage: Damage
    method: str = "*"
    path: str = "/v1/*"
    lands_after_seconds: float | None = None

    def concerns(self, request: Request) -> bool:
        """Return whether this fault applies to a request."""
        return self.method in ("*", request.method) and fnmatchcase(request.path, self.path)


@dataclass(frozen=True)
class _Draw:
    random: random.Random
    rate: float
    faults: Sequence[Fault]


class Faults:
    """The planned faults. ``log`` lists (fault, method, path) of those that occurred."""

    def __init__(self, clock: Clock) -> None:
        self.log: list[tuple[str, str, str]] = []
        self._clock = clock
        self._lock = threading.RLock()
        self._scripted: list[tuple[Fault, int | None]] = []
        self._drawn: _Draw | None = None
        self._late: list[Callable[[], bool]] = []

    def next(
        self,
        fault: str,
        *,
        method: str = "*",
        path: str = "/v1/*",
        times: int | None = 1,
        lands_after_seconds: float | None = None,
    ) -> None:
        """Make the next ``times`` (None: all) matching requests meet this fault; faults planned earlier come first.

        ``path`` is a shell pattern over the path without query; ``"/oauth/token"`` reaches token requests,
        which the default does not match. Raises ValueError for an unknown fault.
        """
        found = _parsed(fault, method, path, lands_after_seconds)
        if times is not None and times < 1:
            raise ValueError("times: must be at least 1, or None for all.")
        with self._lock:
            self._scripted.append((found, times))

    def draw(
        self,
        seed: int,
        *,
        rate: float = 0.11,
        faults: Sequence[str] = DRAWN,
        method: str = "*",
        path: str = "/v1/*",
        late_seconds: float | None = 600,
    ) -> None:
        """Make matching requests meet one of ``faults`` with probability ``rate``, drawn from ``seed``.

        Late requests are processed within ``late_seconds`` of the cloud's clock, or by ``land_late()`` if it is None.
        """
        chance = random.Random(seed)  # noqa: S311  drawn for tests, nothing secret
        found = [_parsed(fault, method, path, late_seconds) for fault in faults]
        with self._lock:
            self._drawn = _Draw(chance, rate, found)

    def clear(self) -> None:
        """Remove the planned faults; late requests in flight stay."""
        with self._lock:
            self._scripted.clear()
            self._drawn = None

    def land_late(self) -> int:
        """Process every late request in flight, oldest first; return how many."""
        with self._lock:
            landing = list(self._late)
        return sum(land() for land in landing)

    @property
    def late_count(self) -> int:
        """How many late requests are in flight."""
        with self._lock:
            return len(self._late)

    def answer(self, request: Request, process: Process) -> Response:
        """Return the answer to a request, with the fault that is planned for it, if any."""
        fault = self._pick(request)
        if fault is None:
            return process(request)
        if fault.moment == "after":
            return damaged(fault.damage, request, process(request), self._clock.now())
        if fault.moment == "late":
            self._put_off(replace(request, arrived_at=self._clock.now()), process, fault.lands_after_seconds)
        return damaged(fault.damage, request, None, self._clock.now())

    def _pick(self, request: Request) -> Fault | None:
        with self._lock:
            fault = self._next_scripted(request) or self._next_drawn(request)
            if fault is not None:
                self.log.append((fault.text, request.method, request.path))
            return fault

    def _next_scripted(self, request: Request) -> Fault | None:
        for index, (fault, times) in enumerate(self._scripted):
            if not fault.concerns(request):
                continue
            if times == 1:
                del self._scripted[index]
            elif times is not None:
                self._scripted[index] = (fault, times - 1)
            return fault
        return None

    def _next_drawn(self, request: Request) -> Fault | None:
        draw = self._drawn
        if draw is None or not draw.faults or not draw.faults[0].concerns(request):
            return None
        if draw.random.random() >= draw.rate:
            return None
        fault = draw.random.choice(draw.faults)
        if fault.lands_after_seconds is None:
            return fault
        return replace(fault, lands_after_seconds=draw.random.uniform(1, fault.lands_after_seconds))

    def _put_off(self, request: Request, process: Process, lands_after_seconds: float | None) -> None:
        def land() -> bool:
            with self._lock:
                if land not in self._late:
                    return False
                self._late.remove(land)
            process(request)
            return True

        with self._lock:
            self._late.append(land)
        if lands_after_seconds is not None:
            due_at = self._clock.now() + timedelta(seconds=lands_after_seconds)
            self._clock.call_at(due_at, land)


def _parsed(text: str, method: str, path: str, lands_after_seconds: float | None) -> Fault:
    found = re.fullmatch(r"([a-z]+):([a-z]*)([0-9]{3})?(?:=(.*))?", text)
    if found is None or found[1] not in MOMENTS:
        raise ValueError(f'"{text}" is no fault: write it as "after:500"; moments are {", ".join(MOMENTS)}.')
    kind, status, value = found[2], found[3], found[4] or ""
    if (kind in ("", "html")) != (status is not None) or kind not in KINDS:
        named = ", ".join(kind for kind in KINDS if kind not in ("", "html"))
        raise ValueError(f'"{text}" is no fault: kinds are {named}, a status such as 500, or html502.')
    if kind in ("slow", "drip"):
        try:
            float(value)
        except ValueError:
            raise ValueError(f'"{text}" needs its seconds, as in "after:{kind}=0.5".') from None
    return Fault(text, found[1], Damage(kind, int(status or 0), value), method, path, lands_after_seconds)
