"""Sockets that obey the deadline of a call, however slowly the response arrives.

A timeout of httpcore bounds one read, not a response: one byte every four seconds never times out. The async
client has cancellation for that; on blocking sockets each read is bounded by the remaining time of the call.
"""

import socket
import ssl
import time
from collections.abc import Iterable
from functools import partial
from ipaddress import ip_address
from typing import Any

import httpcore

from voucher_payment_gateway.api._background import BackgroundCall, result_or_error
from voucher_payment_gateway.api._http.send_window import present_guard
from voucher_payment_gateway.api._steps import RunInThread, TimedOut

LOOKUP_TIMEOUT_SECONDS = 60.0


def _left(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    guard = present_guard.get()
    if guard is None:
        return timeout
    left = guard.deadline.at - time.monotonic()
    if left <= 0:
        raise error("deadline")
    return left if timeout is None else min(left, timeout)


class DeadlineStream(httpcore.NetworkStream):
    """A socket whose waits end at the deadline of the call, and that writes only what the guard of the call lets pass.

    The parts of a request are collected, and leave together: as a rule in one packet.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unsent:
            self._write_all(timeout)
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Collect a part of a request. The last one is empty: it ends the request."""
        if buffer:
            self._unsent += buffer
        elif self._unsent:
            self._write_all(timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _write_all(self, timeout: float | None) -> None:
        unsent, self._unsent = self._unsent, b""
        if (guard := present_guard.get()) is not None:
            guard.before_write(unsent)
        self._inner.write(unsent, _left(timeout, httpcore.WriteTimeout))


class DeadlineBackend(httpcore.SyncBackend):
    """Opens such sockets; the addresses of a host are tried in turn within the remaining time.

    A DNS lookup cannot be interrupted: after a timeout it goes on alone. While one hangs, no other is started.
    """

    def __init__(self) -> None:
        super().__init__()
        self._hanging: TimedOut | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("no address")
        for address in self._addresses(host, port, _left(timeout, httpcore.ConnectTimeout)):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return DeadlineStream(super().connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int, wait_seconds: float | None) -> list[str]:
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        if _is_address(host):
            found = result_or_error(look_up)
        elif self._hanging is not None and self._hanging.is_running():
            raise httpcore.ConnectTimeout("resolver")
        else:
            found = BackgroundCall(
                RunInThread(look_up, LOOKUP_TIMEOUT_SECONDS if wait_seconds is None else wait_seconds)
            ).outcome()
        if isinstance(found, TimedOut):
            self._hanging = found
            raise httpcore.ConnectTimeout("resolver")
        if not isinstance(found, list):
            raise httpcore.ConnectError(type(found).__name__)
        return [str(address[0]) for *_, address in found]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
