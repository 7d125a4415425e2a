"""The bulkhead: a Voucher Cloud that answers slowly holds up a bounded number of a process's threads."""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from threading import Lock
from typing import Literal

SLOW_SECONDS = 1.0

REMEMBERED_SECONDS = 10.0
"""How long a slow answer says something about the next call."""

Verdict = Literal["entered", "full", "unproven"]


@dataclass(slots=True)
class _Caller:
    since: float
    calls: int = 1


class Bulkhead:
    """Counts the callers of one process that wait for an answer. Instants are those of the monotonic clock.

    As many may wait as were answered within a second of their call during the last second, and ``slow_calls`` more; no
    other is let in once ``slow_calls`` have waited longer than that. In a hang quick answers cease, so it holds up
    ``slow_calls`` callers, and those for whom the second before it had vouched, however many come at once.
    """

    def __init__(self, slow_calls: int) -> None:
        self._slow_calls = slow_calls
        self._lock = Lock()
        self._callers: dict[object, _Caller] = {}
        """In the order in which they came."""
        self._quick: deque[float] = deque()
        """The instants of the quick answers of the last second."""
        self._slow_at = float("-inf")
        """The instant of a slow answer, after which there was no quick one."""

    def enter(self, caller: object, now: float) -> Verdict:
        """Let a caller in, and leave with ``leave``. ``unproven``: too many wait, but it is not known yet whether the
        Voucher Cloud is slow; within a second that is ``entered`` or ``full``."""
        with self._lock:
            known = self._callers.get(caller)
            if known is not None:
                known.calls += 1
                return "entered"
            if len(self._callers) >= self._slow_calls and (verdict := self._beyond(now)) != "entered":
                return verdict
            self._callers[caller] = _Caller(now)
            return "entered"

    def leave(self, caller: object, since: float, now: float, *, answered: bool) -> None:
        """End a call that was let in at ``since``. ``answered``: by the Voucher Cloud, with whatever answer."""
        with self._lock:
            known = self._callers[caller]
            known.calls -= 1
            if not known.calls:
                del self._callers[caller]
            if now - since > SLOW_SECONDS:
                self._slow_at = now
            elif answered:
                self._slow_at = float("-inf")
                self._quick.append(now)
                self._forget_before(now - SLOW_SECONDS)

    def _beyond(self, now: float) -> Verdict:
        slow = sum(1 for _ in takewhile(lambda each: now - each.since > SLOW_SECONDS, self._callers.values()))
        if slow >= self._slow_calls:
            return "full"
        self._forget_before(now - SLOW_SECONDS)
        if len(self._callers) < self._slow_calls + len(self._quick):
            return "entered"
        is_known = slow or now - self._slow_at <= REMEMBERED_SECONDS
        return "full" if is_known else "unproven"

    def _forget_before(self, instant: float) -> None:
        while self._quick and self._quick[0] <= instant:
            self._quick.popleft()
