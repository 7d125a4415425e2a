"""Run third-party code in a daemon thread and wait for it with a timeout."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError

from voucher_payment_gateway.api._steps import RunInThread, TimedOut


class BackgroundCall:
    """Starts at once. Its thread never blocks the shutdown of the interpreter or of an event loop."""

    def __init__(self, run: RunInThread) -> None:
        self._run = run
        self._result: Future[object] = Future()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), daemon=True)
        try:
            self._thread.start()
        except (
            RuntimeError
        ) as error:  # no thread can be started: too many, or the interpreter is shutting down
            self._result.set_result(error)

    def outcome(self) -> object:
        """Return the result of ``RunInThread``, blocking the calling thread."""
        try:
            return self._result.result(max(0.0, self._run.wait_seconds))
        except TimeoutError:
            return TimedOut(self._thread.is_alive)
        finally:
            self._result.cancel()

    async def awaited(self) -> object:
        """The same, suspending the calling task."""
        try:
            async with asyncio.timeout(self._run.wait_seconds):
                return await asyncio.wrap_future(self._result)
        except TimeoutError:
            return TimedOut(self._thread.is_alive)
        finally:
            self._result.cancel()

    def _work(self) -> None:
        result = result_or_error(self._run.what)
        try:
            self._result.set_result(result)
        except InvalidStateError:
            if self._run.abandoned is not None:
                result_or_error(self._run.abandoned)


def result_or_error(what: Callable[[], object]) -> object:
    """Return the result of third-party code, or the exception that it raised, SystemExit included."""
    try:
        return what()
    except BaseException as error:
        return error.with_traceback(None)
