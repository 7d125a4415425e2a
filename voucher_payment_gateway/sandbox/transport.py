"""The local Voucher Cloud in process: an httpx transport whose faults raise a client's exceptions."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx

from voucher_payment_gateway.sandbox import control
from voucher_payment_gateway.sandbox.cloud import LocalVoucherCloud
from voucher_payment_gateway.sandbox.damage import HUGE_BYTES
from voucher_payment_gateway.sandbox.messages import Request, Response

__all__ = ["mock_transport"]

_BLOCK = 64 * 1024


def mock_transport(cloud: LocalVoucherCloud) -> httpx.MockTransport:
    """Return a transport for sync and async clients that sends every request to ``cloud``, whatever its host."""

    def carry(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        answer = control.respond(cloud, Request(request.method, target, headers, request.content))
        return _delivered(request, answer)

    return httpx.MockTransport(carry)


def _delivered(request: httpx.Request, answer: Response) -> httpx.Response:
    match answer.delivery.how:
        case "refused":
            raise httpx.ConnectError("Connection refused", request=request)
        case "reset":
            raise httpx.ReadError("Connection reset by peer", request=request)
        case "drop":
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message, request=request)
        case "hang":
            # In process there is no waiting: the timeout is raised at once.
            raise httpx.ReadTimeout("The read operation timed out", request=request)
    return httpx.Response(answer.status, headers=list(answer.headers), stream=_Body(answer))


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body with the chunks, pauses and end of its delivery."""

    def __init__(self, answer: Response) -> None:
        self._body = answer.body
        self._delivery = answer.delivery

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces():
            time.sleep(self._delivery.seconds)
            yield piece
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            await asyncio.sleep(self._delivery.seconds)
            yield piece
        self._end()

    def _pieces(self) -> Iterator[bytes]:
        match self._delivery.how:
            case "drip":
                yield from (self._body[at : at + 1] for at in range(len(self._body)))
            case "truncated":
                yield self._body[: len(self._body) // 2]
            case "huge":
                yield from (b" " * _BLOCK for _ in range(HUGE_BYTES // _BLOCK))
            case _:
                yield self._body

    def _end(self) -> None:
        if self._delivery.how == "truncated":
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {len(self._body) // 2} bytes, expected {len(self._body)})"
            )
