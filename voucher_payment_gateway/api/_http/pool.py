"""Open connections of one process, each for one thread at a time.

A pool of httpcore looks at every connection twice for each request, under one lock: with many threads that takes
longer than the request. Here a thread takes the connection that was used last, and puts it back.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import httpcore

from voucher_payment_gateway.api._http.addresses import Host

MAX_CONNECTIONS = 100

IDLE_TIMEOUT_SECONDS = 5.0
"""A connection that was idle for so long is closed, not used: the server may be about to close it, and a request that
it never read would have an unknown outcome."""

T = TypeVar("T")


class Pool:
    """All connections that are open at one moment were in use at one moment: none is opened beside an idle one."""

    def __init__(self, connection_to: Callable[[httpcore.Origin], httpcore.ConnectionInterface]) -> None:
        self._connection_to = connection_to
        self._places: SimpleQueue[None] = SimpleQueue()  # waiting for one costs no call of Python
        for _ in range(MAX_CONNECTIONS):
            self._places.put(None)
        self._idle: dict[bytes, deque[tuple[float, httpcore.ConnectionInterface]]] = {}
        self._closed = False

    def exchange(
        self,
        host: Host,
        request: httpcore.Request,
        wait_seconds: float,
        read: Callable[[httpcore.Response], T],
    ) -> T:
        """Send the request and return what ``read`` makes of the response. Raises the errors of httpcore."""
        try:
            self._places.get(timeout=wait_seconds)
        except Empty:
            raise httpcore.PoolTimeout from None
        try:
            connection = self._idle_connection(host) or self._connection_to(host.origin())
            try:
                return _read(connection.handle_request(request), read)
            finally:
                self._put_back(host, connection)
        finally:
            self._places.put(None)

    def close(self) -> None:
        """Close every connection; one that is in use is closed when it is put back."""
        self._closed = True
        for idle in list(self._idle.values()):
            _close_idle(idle, float("inf"))

    def _idle_connection(self, host: Host) -> httpcore.ConnectionInterface | None:
        """Return the connection that was used last, unless its server has closed it."""
        idle = self._idle.get(host.base)
        while idle:
            try:
                _, connection = idle.pop()
            except IndexError:  # another thread took it
                break
            if not connection.has_expired():
                return connection
            _close(connection)
        return None

    def _put_back(self, host: Host, connection: httpcore.ConnectionInterface) -> None:
        if not connection.is_available():
            _close(connection)
            return
        idle = self._idle.get(host.base)
        if idle is None:
            idle = self._idle.setdefault(host.base, deque())
        now = time.monotonic()
        idle.append((now + IDLE_TIMEOUT_SECONDS, connection))
        _close_idle(idle, float("inf") if self._closed else now)


def _read(response: httpcore.Response, read: Callable[[httpcore.Response], T]) -> T:
    try:
        return read(response)
    finally:
        with suppress(Exception):
            response.close()


def _close_idle(idle: deque[tuple[float, httpcore.ConnectionInterface]], until: float) -> None:
    """Close the connections whose time is up at ``until``: those that were put back first stand first."""
    try:
        while idle[0][0] < until:
            _, connection = idle.popleft()
            _close(connection)
    except IndexError:  # there is none, or another thread took it
        return


def _close(connection: httpcore.ConnectionInterface) -> None:
    with suppress(Exception):
        connection.close()
