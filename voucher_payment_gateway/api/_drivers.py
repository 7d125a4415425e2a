"""Run the steps of a flow: by blocking a thread, or by suspending a task."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from voucher_payment_gateway.api import _base
from voucher_payment_gateway.api._background import BackgroundCall
from voucher_payment_gateway.api._base import Client
from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api._http.transport import (
    AsyncSender,
    AsyncTransport,
    SyncSender,
    Transport,
)
from voucher_payment_gateway.api._pages import Pages, Row
from voucher_payment_gateway.api._steps import Acquire, Failure, Flow, RunInThread, Send, Sleep, Step
from voucher_payment_gateway.api.wire import Envelope
from voucher_payment_gateway.exceptions import ContractError, VoucherGatewayError
from voucher_payment_gateway.telemetry import counted

T = TypeVar("T")

_CLOSED = Failure(sent=False, reason="the client is closed", code="client_closed")


@dataclass(frozen=True, slots=True)
class Session:
    """Connections and lock of one process. After a fork the child makes its own: a shared socket mixes up responses."""

    pid: int
    sender: SyncSender
    lock: threading.Lock


@dataclass(frozen=True, slots=True)
class AsyncSession:
    """Connections and lock of one event loop of one process."""

    pid: int
    loop: asyncio.AbstractEventLoop
    sender: AsyncSender
    lock: asyncio.Lock


class SyncDriver(Client[Transport]):
    """Runs flows in the calling thread."""

    _session: Session | None = None

    def close(self) -> None:
        """Close the connections; every later call raises UnavailableError and sends nothing."""
        self._closed = True
        self._present_session().sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        with counted(call.name):
            return value_or_raise(self._drive(lambda session: self._flow.call(call, session.lock)))

    def _rows(self, row: type[Row], call: Call[Envelope]) -> Iterator[Row]:
        return self._walk(Pages(call, row))

    def _walk(self, pages: Pages[Row]) -> Iterator[Row]:
        while (call := pages.next_call()) is not None:
            yield from rows(pages.take(self._send(call)))

    def _drive(self, begin: Callable[[Session], Flow[T]]) -> T:
        session = self._present_session()
        with closing(begin(session)) as flow:
            result: Any = None
            while True:
                try:
                    step = flow.send(result)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                result = self._run_step(step, session)

    def _run_step(self, step: Step, session: Session) -> object:
        match step:
            case Send(request, deadline):
                return _CLOSED if self._closed else session.sender.send(request, deadline)
            case Acquire(wait_seconds):
                return session.lock.acquire(timeout=wait_seconds)
            case RunInThread():
                return BackgroundCall(step).outcome()
            case Sleep(seconds):
                time.sleep(seconds)
        return None

    def _present_session(self) -> Session:
        session = self._session
        if session is None or session.pid != os.getpid():
            with _base.session_guard:
                session = self._session
                if session is None or session.pid != os.getpid():
                    session = self._session = self._new_session()
        return session

    def _new_session(self) -> Session:
        self._flow.begin()
        settings = self._flow.settings
        sender = SyncSender(self._transport, settings.timeout_seconds, settings.ca_file, settings.proxy_url)
        return Session(os.getpid(), sender, threading.Lock())


class AsyncDriver(Client[AsyncTransport]):
    """Runs flows in the awaiting task. One client serves one event loop of asyncio at a time."""

    _session: AsyncSession | None = None

    async def aclose(self) -> None:
        """Close the connections; every later call raises UnavailableError and sends nothing."""
        self._closed = True
        await self._present_session().sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, call: Call[T]) -> T:
        with counted(call.name):
            return value_or_raise(await self._drive(lambda session: self._flow.call(call, session.lock)))

    def _rows(self, row: type[Row], call: Call[Envelope]) -> AsyncIterator[Row]:
        return self._walk(Pages(call, row))

    async def _walk(self, pages: Pages[Row]) -> AsyncIterator[Row]:
        while (call := pages.next_call()) is not None:
            for row in rows(pages.take(await self._send(call))):
                yield row

    async def _drive(self, begin: Callable[[AsyncSession], Flow[T]]) -> T:
        session = self._present_session()
        with closing(begin(session)) as flow:
            result: Any = None
            while True:
                try:
                    step = flow.send(result)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                result = await self._run_step(step, session)

    async def _run_step(self, step: Step, session: AsyncSession) -> object:
        match step:
            case Send(request, deadline):
                return _CLOSED if self._closed else await session.sender.send(request, deadline)
            case Acquire(wait_seconds):
                return await _acquired(session.lock, wait_seconds)
            case RunInThread():
                return await BackgroundCall(step).awaited()
            case Sleep(seconds):
                await asyncio.sleep(seconds)
        return None

    def _present_session(self) -> AsyncSession:
        session = self._session
        if session is None or not _belongs_here(session):
            with _base.session_guard:
                session = self._session = self._new_session()
        return session

    def _new_session(self) -> AsyncSession:
        self._flow.begin()
        settings = self._flow.settings
        sender = AsyncSender(self._transport, settings.timeout_seconds, settings.ca_file, settings.proxy_url)
        return AsyncSession(os.getpid(), asyncio.get_running_loop(), sender, asyncio.Lock())


def value_or_raise(result: T | VoucherGatewayError) -> T:
    """Return the value or raise the error."""
    if isinstance(result, VoucherGatewayError):
        raise result
    return result


def rows(page: list[Row] | ContractError) -> list[Row]:
    """Return the rows of a page or raise its error."""
    if isinstance(page, ContractError):
        raise page
    return page


def _belongs_here(session: AsyncSession) -> bool:
    return session.pid == os.getpid() and session.loop is asyncio.get_running_loop()


async def _acquired(lock: asyncio.Lock, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await lock.acquire()
    except TimeoutError:
        return False
