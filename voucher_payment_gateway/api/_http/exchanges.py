"""One request and its answer: over connections of our own, or over a transport that the shop gives."""

import os
from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from typing import Any, Protocol

import httpcore
import httpx

from voucher_payment_gateway.api._http import pool
from voucher_payment_gateway.api._http.addresses import address
from voucher_payment_gateway.api._http.body import Body
from voucher_payment_gateway.api._http.deadline_sockets import DeadlineBackend
from voucher_payment_gateway.api._http.messages import core_request, httpx_request, timeouts
from voucher_payment_gateway.api._http.pool import AsyncPool, Pool
from voucher_payment_gateway.api._http.send_window import SendGuard
from voucher_payment_gateway.api._http.tls import ssl_context
from voucher_payment_gateway.api._steps import Answer, Outgoing
from voucher_payment_gateway.api.proxy import proxy_of


class Exchange(Protocol):
    """Sends one request for the calling thread."""

    reports_writes: bool
    """Whether the guard hears of the write itself."""

    def answer(self, request: Outgoing, guard: SendGuard) -> Answer:
        """Return the answer. Raises what went wrong."""

    def close(self) -> None: ...


class AsyncExchange(Protocol):
    """Sends one request for the running task."""

    reports_writes: bool

    async def answer(self, request: Outgoing, guard: SendGuard) -> Answer: ...

    async def aclose(self) -> None: ...


class PooledExchange:
    """Over blocking connections of our own, whose sockets ask the guard before they write."""

    reports_writes = True

    def __init__(self, timeout_seconds: float, ca_file: str, proxy_url: str) -> None:
        self._timeout_seconds = timeout_seconds
        options = _options(ca_file) | {"network_backend": DeadlineBackend()}
        # Of the pools of httpcore only this is used: how a connection to a host is made, through a proxy or directly.
        self._direct = Pool(httpcore.ConnectionPool(**options).create_connection)
        self._proxied = self._direct
        if proxy_url:
            proxied = httpcore.HTTPProxy(**options, **_proxy_options(ca_file, proxy_url))
            self._proxied = Pool(proxied.create_connection)

    def answer(self, request: Outgoing, guard: SendGuard) -> Answer:
        host, target = address(request.url)
        connections = self._direct if host.is_this_machine else self._proxied
        timeout = timeouts(guard.deadline, self._timeout_seconds)
        message = core_request(request, host, target, {"timeout": timeout})

        def read(response: httpcore.Response) -> Answer:
            body = Body(response.status, response.headers, guard.deadline)
            assert isinstance(response.stream, Iterable)  # noqa: S101
            for chunk in response.stream:
                body.add(chunk)
            return body.answer()

        return connections.exchange(host, message, timeout["pool"], read)

    def close(self) -> None:
        self._direct.close()
        self._proxied.close()


class GivenTransport:
    """Over a transport of httpx that the shop gives."""

    def __init__(self, transport: httpx.BaseTransport, timeout_seconds: float) -> None:
        self.reports_writes = isinstance(transport, httpx.HTTPTransport)
        self._transport = transport
        self._timeout_seconds = timeout_seconds

    def answer(self, request: Outgoing, guard: SendGuard) -> Answer:
        extensions = {"timeout": timeouts(guard.deadline, self._timeout_seconds), "trace": guard.trace}
        response = self._transport.handle_request(httpx_request(request, extensions))
        try:
            body = Body(response.status_code, response.headers.raw, guard.deadline)
            assert isinstance(response.stream, Iterable)  # noqa: S101
            for chunk in response.stream:
                body.add(chunk)
            return body.answer()
        finally:
            with suppress(Exception):
                response.close()

    def close(self) -> None:
        self._transport.close()


class PooledAsyncExchange:
    """Over connections of our own for tasks; httpcore reports its writes to the guard."""

    reports_writes = True

    def __init__(self, timeout_seconds: float, ca_file: str, proxy_url: str) -> None:
        self._timeout_seconds = timeout_seconds
        self._direct = AsyncPool(httpcore.AsyncConnectionPool(**_options(ca_file)).create_connection)
        self._proxied = self._direct
        if proxy_url:
            proxied = httpcore.AsyncHTTPProxy(**_options(ca_file), **_proxy_options(ca_file, proxy_url))
            self._proxied = AsyncPool(proxied.create_connection)

    async def answer(self, request: Outgoing, guard: SendGuard) -> Answer:
        host, target = address(request.url)
        connections = self._direct if host.is_this_machine else self._proxied
        timeout = timeouts(guard.deadline, self._timeout_seconds)
        message = core_request(request, host, target, {"timeout": timeout, "trace": guard.atrace})

        async def read(response: httpcore.Response) -> Answer:
            body = Body(response.status, response.headers, guard.deadline)
            assert isinstance(response.stream, AsyncIterable)  # noqa: S101
            async for chunk in response.stream:
                body.add(chunk)
            return body.answer()

        return await connections.exchange(host, message, timeout["pool"], read)

    async def aclose(self) -> None:
        await self._direct.aclose()
        await self._proxied.aclose()


class GivenAsyncTransport:
    """Over a transport of httpx for tasks that the shop gives."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeout_seconds: float) -> None:
        self.reports_writes = isinstance(transport, httpx.AsyncHTTPTransport)
        self._transport = transport
        self._timeout_seconds = timeout_seconds

    async def answer(self, request: Outgoing, guard: SendGuard) -> Answer:
        extensions = {"timeout": timeouts(guard.deadline, self._timeout_seconds), "trace": guard.atrace}
        response = await self._transport.handle_async_request(httpx_request(request, extensions))
        try:
            body = Body(response.status_code, response.headers.raw, guard.deadline)
            assert isinstance(response.stream, AsyncIterable)  # noqa: S101
            async for chunk in response.stream:
                body.add(chunk)
            return body.answer()
        finally:
            with suppress(Exception):
                await response.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()


def _options(ca_file: str) -> dict[str, Any]:
    context = ssl_context(ca_file, os.getpid())
    return {"ssl_context": context, "keepalive_expiry": pool.IDLE_TIMEOUT_SECONDS}


def _proxy_options(ca_file: str, proxy_url: str) -> dict[str, Any]:
    proxy = proxy_of(proxy_url)
    if proxy is None:
        return {}
    options: dict[str, Any] = {"proxy_url": proxy.url, "proxy_auth": proxy.auth}
    if proxy.is_encrypted:
        options["proxy_ssl_context"] = ssl_context(ca_file, os.getpid())
    return options
