"""HTTP within a deadline and a maximum of size. Errors are returned, not raised.

Connections are used directly, without a client of httpx: no cookies, no redirects, no environment proxies, no log line
with a URL, and nothing between the last check of the clock and the write.
"""

import asyncio

import httpcore
import httpx

from voucher_payment_gateway.api._http.body import OversizedBodyError
from voucher_payment_gateway.api._http.exchanges import (
    AsyncExchange,
    Exchange,
    GivenAsyncTransport,
    GivenTransport,
    PooledAsyncExchange,
    PooledExchange,
)
from voucher_payment_gateway.api._http.measured import measured, measured_async
from voucher_payment_gateway.api._http.send_window import NotSentError, SendGuard, present_guard
from voucher_payment_gateway.api._steps import Deadline, Failure, Outcome, Outgoing

Transport = httpx.BaseTransport
AsyncTransport = httpx.AsyncBaseTransport

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.LocalProtocolError,
    httpcore.UnsupportedProtocol,
)


class SyncSender:
    """Sends requests of one process over blocking sockets."""

    def __init__(
        self, transport: httpx.BaseTransport | None, timeout_seconds: float, ca_file: str, proxy_url: str = ""
    ) -> None:
        self._exchange: Exchange = (
            PooledExchange(timeout_seconds, ca_file, proxy_url)
            if transport is None
            else GivenTransport(transport, timeout_seconds)
        )

    @measured
    def send(self, request: Outgoing, deadline: Deadline) -> Outcome:
        guard = SendGuard(deadline, reports_writes=self._exchange.reports_writes)
        token = present_guard.set(guard)
        try:
            guard.check()
            return self._exchange.answer(request, guard)
        except Exception as error:
            return _failure(error, guard)
        finally:
            present_guard.reset(token)

    def close(self) -> None:
        self._exchange.close()


class AsyncSender:
    """Sends requests of one event loop."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        timeout_seconds: float,
        ca_file: str,
        proxy_url: str = "",
    ) -> None:
        self._exchange: AsyncExchange = (
            PooledAsyncExchange(timeout_seconds, ca_file, proxy_url)
            if transport is None
            else GivenAsyncTransport(transport, timeout_seconds)
        )

    @measured_async
    async def send(self, request: Outgoing, deadline: Deadline) -> Outcome:
        guard = SendGuard(deadline, reports_writes=self._exchange.reports_writes)
        try:
            async with asyncio.timeout(deadline.remaining_seconds()):
                guard.check()
                return await self._exchange.answer(request, guard)
        except Exception as error:
            return _failure(error, guard)

    async def aclose(self) -> None:
        await self._exchange.aclose()


def _failure(error: Exception, guard: SendGuard) -> Failure:
    if isinstance(error, NotSentError):
        return Failure(sent=False, reason=error.reason, code=error.code)
    sent = guard.began and not isinstance(error, _NEVER_SENT)
    return Failure(sent=sent, reason=type(error).__name__, oversized=isinstance(error, OversizedBodyError))
