"""The rate limit: a maximum of calls in each second, of all processes that share a store."""

from threading import Lock


class RateLimit:
    """Counts the calls of this process, where there is no store that counts those of all, or it fails."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._lock = Lock()
        self._second = 0
        self._count = 0

    def count(self, second: int) -> int:
        """Count one call in this second of ``time.time()``, and return how many were counted in it."""
        with self._lock:
            if second != self._second:
                self._second, self._count = second, 0
            self._count += 1
            return self._count
