"""The circuit breaker: after repeated failures one call at a time is sent, until one is answered."""

from threading import Lock
from typing import Literal

FAILURES = 10.0
"""Failures in a row that open the circuit. Each counts one, or as many seconds as it took, five at most: two timeouts
of five seconds are enough, or ten refused connections."""

MOST_OF_ONE = 5.0
"""What one failure counts at most: one alone opens nothing."""

MAX_RETRY_AFTER_SECONDS = 10.0
"""How long a ``Retry-After`` holds back every call. Then one at a time asks whether it is still so: a mistake there
must not close the shop."""

Verdict = Literal["closed", "open", "probe", "probing"]


class CircuitBreaker:
    """The circuit of one process, which the others may share. Instants are those of the monotonic clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures = 0.0
        self._open_until: float | None = None
        """Nothing is sent before this instant, one call at a time from then on; None while the circuit is closed."""
        self.openings = 0
        """How often a failure has opened the circuit, or kept it open."""
        self._probe_ends_at: float | None = None
        self._is_shared = False

    @property
    def is_closed(self) -> bool:
        return self._open_until is None

    @property
    def is_untroubled(self) -> bool:
        """Whether an answer changes nothing."""
        return self._open_until is None and not self._failures

    def has_failed_since(self, openings: int) -> bool:
        """Return whether the circuit is open, and a failure has shown it since ``openings`` was read."""
        return self._open_until is not None and self.openings > openings

    def open_seconds(self, now: float) -> float:
        """Return for how long nothing is sent; 0 where a call may go, or try again."""
        until = self._open_until
        return 0.0 if until is None else max(0.0, until - now)

    def admit(self, now: float, probe_seconds: float) -> Verdict:
        """Return ``closed`` where a call may go, ``probe`` where it is the one that tries again: its outcome must be
        noted or released, and it counts as lost after ``probe_seconds``. ``probing``: another one tries."""
        if self._open_until is None:
            return "closed"
        with self._lock:
            if self._open_until is None:
                return "closed"
            if now < self._open_until:
                return "open"
            if self._probe_ends_at is not None and now < self._probe_ends_at:
                return "probing"
            self._probe_ends_at = now + probe_seconds
            return "probe"

    def release_probe(self) -> None:
        """Let the next call try: this one has shown nothing."""
        self._probe_ends_at = None

    def note_answer(self, *, was_probe: bool) -> bool:
        """Begin to count again, and return whether that closes the circuit. The answer to a call that began before it
        was opened does not: it says nothing about now."""
        with self._lock:
            was_open = self._open_until is not None
            if was_probe or not was_open:
                self._close()
            return was_open and was_probe

    def note_failure(self, took_seconds: float, now: float, *, was_probe: bool) -> bool:
        """Count a failure, and return whether the circuit is open by it. One that began before it was opened shows
        nothing new."""
        with self._lock:
            if self._open_until is None:
                self._failures += min(max(1.0, took_seconds), MOST_OF_ONE)
                if self._failures < FAILURES:
                    return False
            elif not was_probe:
                return False
            self._open(now)
            return True

    def obey_retry_after(self, seconds: float, now: float) -> bool:
        """Send nothing for as long as the Voucher Cloud asks, ten seconds at most; return whether that is news."""
        until = now + min(seconds, MAX_RETRY_AFTER_SECONDS)
        with self._lock:
            if seconds <= 0 or (self._open_until is not None and until <= self._open_until):
                return False
            self._open(until)
            return True

    def adopt(self, open_seconds: float | None, now: float) -> None:
        """Take over what the processes share: None where nothing is. That closes only a circuit that was seen there
        before: a store that keeps nothing must not close it."""
        with self._lock:
            if open_seconds is None:
                if self._is_shared:
                    self._close()
                return
            if open_seconds > MAX_RETRY_AFTER_SECONDS:  # by a clock that is ahead: it would be so each time
                open_seconds = 0.0
            if self._open_until is None or open_seconds > 0:
                self._open_until = now + open_seconds
            self._is_shared = True

    def _open(self, until: float) -> None:
        self._open_until, self._probe_ends_at = until, None
        self.openings += 1

    def _close(self) -> None:
        self._failures = 0.0
        self._open_until = self._probe_ends_at = None
        self._is_shared = False
