"""Open connections of one process, each for one thread at a time, or of one event loop, each for one task.

A pool of httpcore looks at every connection twice for each request: with many threads or tasks that takes longer than
the request. Here one takes the connection that was used last, and puts it back.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import httpcore

from voucher_payment_gateway.api._http.addresses import Host

MAX_CONNECTIONS = 100

IDLE_TIMEOUT_SECONDS = 5.0
"""A connection that was idle for so long is closed, not used: the server may be about to close it, and a request that
it never read would have an unknown outcome."""

T = TypeVar("T")
Connection = TypeVar("Connection", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)


class Pool:
    """Connections for threads. None is opened while another one to the same host is idle."""

    def __init__(self, connection_to: Callable[[httpcore.Origin], httpcore.ConnectionInterface]) -> None:
        self._connection_to = connection_to
        self._places: SimpleQueue[None] = SimpleQueue()  # waiting for one costs no call of Python
        for _ in range(MAX_CONNECTIONS):
            self._places.put(None)
        self._idle = IdleConnections[httpcore.ConnectionInterface]()

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
            connection = self._connection(host)
            try:
                response = connection.handle_request(request)
                try:
                    return read(response)
                finally:
                    with suppress(Exception):
                        response.close()
            finally:
                _close(self._idle.put_back(host, connection))
        finally:
            self._places.put(None)

    def close(self) -> None:
        """Close every connection; one that is in use is closed when it is put back."""
        _close(self._idle.end())

    def _connection(self, host: Host) -> httpcore.ConnectionInterface:
        while connection := self._idle.take(host):
            if not connection.has_expired():  # nor closed by its server
                return connection
            _close([connection])
        return self._connection_to(host.origin())


class AsyncPool:
    """The same for tasks."""

    def __init__(self, connection_to: Callable[[httpcore.Origin], httpcore.AsyncConnectionInterface]) -> None:
        self._connection_to = connection_to
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._idle = IdleConnections[httpcore.AsyncConnectionInterface]()

    async def exchange(
        self,
        host: Host,
        request: httpcore.Request,
        wait_seconds: float,
        read: Callable[[httpcore.Response], Awaitable[T]],
    ) -> T:
        try:
            async with asyncio.timeout(wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None
        try:
            connection = await self._connection(host)
            try:
                response = await connection.handle_async_request(request)
                try:
                    return await read(response)
                finally:
                    with suppress(Exception):
                        await response.aclose()
            finally:
                await _aclose(self._idle.put_back(host, connection))
        finally:
            self._places.release()

    async def aclose(self) -> None:
        await _aclose(self._idle.end())

    async def _connection(self, host: Host) -> httpcore.AsyncConnectionInterface:
        while connection := self._idle.take(host):
            if not connection.has_expired():
                return connection
            await _aclose([connection])
        return self._connection_to(host.origin())


class IdleConnections(Generic[Connection]):
    """The idle connections to each host. What it returns as no longer wanted, the caller closes.

    Needs no lock: what more than one thread may change is changed by one step of a deque.
    """

    def __init__(self) -> None:
        self._of_host: dict[bytes, deque[tuple[float, Connection]]] = {}
        self._ended = False

    def take(self, host: Host) -> Connection | None:
        """Return the one that was used last."""
        idle = self._of_host.get(host.base)
        try:
            return idle.pop()[1] if idle else None
        except IndexError:  # another thread took it
            return None

    def put_back(self, host: Host, connection: Connection) -> list[Connection]:
        """Keep a connection, unless it cannot be used again; return those whose time is up."""
        if not connection.is_available() or has_unread_bytes(connection):
            return [connection]
        idle = self._of_host.get(host.base)
        if idle is None:
            idle = self._of_host.setdefault(host.base, deque())
        now = time.monotonic()
        idle.append((now + IDLE_TIMEOUT_SECONDS, connection))
        return _taken(idle, float("inf") if self._ended else now)

    def end(self) -> list[Connection]:
        """Keep none from here on; return all."""
        self._ended = True
        return [each for idle in list(self._of_host.values()) for each in _taken(idle, float("inf"))]


def has_unread_bytes(connection: object) -> bool:
    """Return whether more has come than the answer: it would be read as the answer of the next request. httpcore looks
    at the socket alone, not at what h11 has read from it already."""
    inner = getattr(connection, "_connection", None)
    state = getattr(inner, "_h11_state", None)
    return state is None or bool(state.trailing_data[0])


def _taken(idle: deque[tuple[float, Connection]], until: float) -> list[Connection]:
    """Take out the connections whose time is up: those that were put back first stand first."""
    taken = []
    with suppress(IndexError):  # there are no more
        while idle[0][0] < until:
            taken.append(idle.popleft()[1])
    return taken


def _close(connections: list[httpcore.ConnectionInterface]) -> None:
    for connection in connections:
        with suppress(Exception):
            connection.close()


async def _aclose(connections: list[httpcore.AsyncConnectionInterface]) -> None:
    for connection in connections:
        with suppress(Exception):
            await connection.aclose()
