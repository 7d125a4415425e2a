"""HTTP over httpx, within a deadline and a maximum of size. Errors are returned, not raised.

The transports are used directly, without ``httpx.Client``: no cookies, no redirects, no environment
proxies, no log line with a URL, and nothing between the last check of the clock and the write.
"""

import asyncio
import functools
import os
import ssl
import zlib
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from voucher_payment_gateway.api._http.deadline_sockets import DeadlineBackend, with_deadline
from voucher_payment_gateway.api._http.measured import measured, measured_async
from voucher_payment_gateway.api._http.send_window import NotSentError, SendGuard
from voucher_payment_gateway.api._steps import Answer, Deadline, Failure, Outcome, Outgoing
from voucher_payment_gateway.api.arguments import read_certificates
from voucher_payment_gateway.api.proxy import proxy_for, proxy_of

Transport = httpx.BaseTransport
AsyncTransport = httpx.AsyncBaseTransport

MAX_BODY_BYTES = 1024 * 1024
MAX_CONNECTIONS = 100
MAX_IDLE_CONNECTIONS = 20
IDLE_TIMEOUT_SECONDS = 5.0

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


class OversizedBodyError(Exception):
    """The body is longer than any response of this API."""


class UndecodableBodyError(Exception):
    """The body is corrupt, or in an encoding that was not asked for."""


class DrippingBodyError(Exception):
    """The body was still arriving at the deadline."""


class SyncSender:
    """Sends requests of one process over blocking sockets."""

    def __init__(
        self, transport: httpx.BaseTransport | None, timeout_seconds: float, ca_file: str, proxy_url: str = ""
    ) -> None:
        self._direct = PoolTransport(ca_file) if transport is None else transport
        self._proxied = PoolTransport(ca_file, proxy_url) if transport is None and proxy_url else self._direct
        self._proxy_url = proxy_url
        self._timeout_seconds = timeout_seconds

    @measured
    def send(self, request: Outgoing, deadline: Deadline) -> Outcome:
        transport = self._proxied if proxy_for(request.url, self._proxy_url) else self._direct
        guard = SendGuard(deadline, reports_writes=isinstance(transport, PoolTransport | httpx.HTTPTransport))
        try:
            message = _message(request, deadline, self._timeout_seconds, guard.trace)
            with with_deadline(deadline):
                guard.check()
                response = transport.handle_request(message)
                try:
                    body = Body(response, deadline)
                    assert isinstance(response.stream, Iterable)  # noqa: S101
                    for chunk in response.stream:
                        body.add(chunk)
                    return body.answer()
                finally:
                    with suppress(Exception):
                        response.close()
        except Exception as error:
            return _failure(error, guard)

    def close(self) -> None:
        self._direct.close()
        if self._proxied is not self._direct:
            self._proxied.close()


class AsyncSender:
    """Sends requests of one event loop."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None,
        timeout_seconds: float,
        ca_file: str,
        proxy_url: str = "",
    ) -> None:
        self._direct = _async_pool(ca_file) if transport is None else transport
        self._proxied = _async_pool(ca_file, proxy_url) if transport is None and proxy_url else self._direct
        self._proxy_url = proxy_url
        self._timeout_seconds = timeout_seconds

    @measured_async
    async def send(self, request: Outgoing, deadline: Deadline) -> Outcome:
        transport = self._proxied if proxy_for(request.url, self._proxy_url) else self._direct
        guard = SendGuard(deadline, reports_writes=isinstance(transport, httpx.AsyncHTTPTransport))
        try:
            message = _message(request, deadline, self._timeout_seconds, guard.atrace)
            async with asyncio.timeout(deadline.remaining_seconds()):
                guard.check()
                response = await transport.handle_async_request(message)
                try:
                    body = Body(response, deadline)
                    assert isinstance(response.stream, AsyncIterable)  # noqa: S101
                    async for chunk in response.stream:
                        body.add(chunk)
                    return body.answer()
                finally:
                    with suppress(Exception):
                        await response.aclose()
        except Exception as error:
            return _failure(error, guard)

    async def aclose(self) -> None:
        await self._direct.aclose()
        if self._proxied is not self._direct:
            await self._proxied.aclose()


class PoolTransport(httpx.BaseTransport):
    """A pool of blocking connections that obey the deadline of a call."""

    def __init__(self, ca_file: str, proxy_url: str = "") -> None:
        context, proxy = ssl_context(ca_file, os.getpid()), proxy_of(proxy_url)
        options: dict[str, Any] = {
            "ssl_context": context,
            "max_connections": MAX_CONNECTIONS,
            "max_keepalive_connections": MAX_IDLE_CONNECTIONS,
            "keepalive_expiry": IDLE_TIMEOUT_SECONDS,
            "network_backend": DeadlineBackend(),
        }
        if proxy is not None:
            options |= {"proxy_url": proxy.url, "proxy_auth": proxy.auth}
        if proxy is not None and proxy.is_encrypted:
            options["proxy_ssl_context"] = context
        self._pool: httpcore.ConnectionPool = (
            httpcore.ConnectionPool(**options) if proxy is None else httpcore.HTTPProxy(**options)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions=request.extensions,
        )
        answered = self._pool.handle_request(sent)
        return httpx.Response(answered.status, headers=answered.headers, stream=_Stream(answered))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answered: httpcore.Response) -> None:
        self._answered = answered

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answered.iter_stream()

    def close(self) -> None:
        self._answered.close()


class Body:
    """The body of a response as it arrives: bounded in time and in size, before and after decompression."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        self._response = response
        self._deadline = deadline
        self._late = False
        self._came = 0
        self._read = bytearray()
        self._inflate = _decoder(response.headers.get("content-encoding", ""))

    def add(self, chunk: bytes) -> None:
        if self._late:
            raise DrippingBodyError
        # The received bytes count too: an endless stream may decompress to nothing.
        self._came += len(chunk)
        self._read += chunk if self._inflate is None else self._unpacked(self._inflate, chunk)
        if max(self._came, len(self._read)) > MAX_BODY_BYTES:
            raise OversizedBodyError
        self._late = self._deadline.remaining_seconds() <= 0

    def _unpacked(self, inflate: "zlib._Decompress", chunk: bytes) -> bytes:
        plain = inflate.decompress(chunk, MAX_BODY_BYTES + 1)
        if inflate.unused_data:  # bytes after the end of the stream are not checked by it
            raise UndecodableBodyError
        return plain

    def answer(self) -> Answer:
        if self._inflate is not None and not self._inflate.eof:
            raise UndecodableBodyError
        retry_after = self._response.headers.get("retry-after", "").strip()
        return Answer(self._response.status_code, bytes(self._read), retry_after)


@functools.lru_cache(maxsize=8)
def ssl_context(ca_file: str, pid: int) -> ssl.SSLContext:
    """Return the context of this process, built once as that takes 20 ms. It always verifies."""
    return read_certificates(ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)


def _async_pool(ca_file: str, proxy_url: str = "") -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_IDLE_CONNECTIONS,
        keepalive_expiry=IDLE_TIMEOUT_SECONDS,
    )
    context, proxy = ssl_context(ca_file, os.getpid()), proxy_of(proxy_url)
    through = None
    if proxy is not None:
        user = (proxy.auth[0].decode(), proxy.auth[1].decode()) if proxy.auth else None
        through = httpx.Proxy(proxy.url, auth=user, ssl_context=context if proxy.is_encrypted else None)
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, trust_env=False, proxy=through)


def _message(request: Outgoing, deadline: Deadline, timeout_seconds: float, trace: object) -> httpx.Request:
    left = max(0.002, deadline.remaining_seconds())
    timeout = dict.fromkeys(("read", "write", "pool"), min(timeout_seconds, left))
    # It bounds the connection and the TLS handshake separately; both must end before the deadline cancels
    # them, as httpcore leaves the socket of a cancelled handshake open.
    timeout["connect"] = min(timeout_seconds, left / 2)
    extensions = {"timeout": timeout, "trace": trace}
    return httpx.Request(
        request.method, request.url, headers=request.headers, content=request.content, extensions=extensions
    )


def _failure(error: Exception, guard: SendGuard) -> Failure:
    if isinstance(error, NotSentError):
        return Failure(sent=False, reason=error.reason, code=error.code)
    sent = guard.began and not isinstance(error, _NEVER_SENT)
    return Failure(sent=sent, reason=type(error).__name__, oversized=isinstance(error, OversizedBodyError))


def _decoder(encoding: str) -> "zlib._Decompress | None":
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47)
    raise UndecodableBodyError
