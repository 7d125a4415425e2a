"""Processes with threads that live through all rounds and start each round at the same moment."""

import os
import signal
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Workers"]

FORK = get_context("fork")
TIMEOUT_SECONDS = 300
"""The timeout of a round."""

Job = Callable[..., Any]


class Workers:
    """``processes`` × ``threads`` workers. Create them before the first thread and the first connection."""

    def __init__(self, processes: int, threads: int) -> None:
        self.size = processes * threads
        self._barrier = FORK.Barrier(self.size)
        self._ups: list[Connection] = []
        self._pids: list[int] = []
        for process in range(processes):
            up, down = FORK.Pipe()
            pid = os.fork()
            if pid == 0:
                for other in (*self._ups, up):
                    other.close()
                try:
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    self._work(down, process * threads, threads)
                finally:
                    os._exit(0)  # no clean-up of what belongs to the parent
            down.close()
            self._ups.append(up)
            self._pids.append(pid)

    def each_process(self, job: Job, *arguments: Any) -> list[Any]:
        """Run the job once in each process, in its main thread; return the results."""
        return self._send("each_process", job, arguments)

    def at_once(self, job: Job, *arguments: Any) -> list[Any]:
        """Run ``job(number, *arguments)`` in every worker at the same moment; return the results."""
        return [result for results in self._send("at_once", job, arguments) for result in results]

    def close(self) -> None:
        """End all processes, and wait for them."""
        for up in self._ups:
            up.close()
        for pid in self._pids:
            os.waitpid(pid, 0)

    def _send(self, what: str, job: Job, arguments: tuple[Any, ...]) -> list[Any]:
        for up in self._ups:
            up.send((what, job, arguments))
        return [self._receive(up) for up in self._ups]

    def _receive(self, up: Connection) -> Any:
        if not up.poll(TIMEOUT_SECONDS):
            raise RuntimeError("a worker hangs")
        failed, answer = up.recv()
        if failed:
            raise RuntimeError(answer)
        return answer

    def _work(self, down: Connection, first: int, threads: int) -> None:
        """Serve the jobs of one process until the parent closes its end."""
        numbers = range(first, first + threads)
        with ThreadPoolExecutor(threads) as pool:
            while True:
                try:
                    what, job, arguments = down.recv()
                except EOFError:
                    return
                try:
                    if what == "each_process":
                        down.send((False, job(*arguments)))
                    else:
                        steps = [pool.submit(self._step, job, number, arguments) for number in numbers]
                        down.send((False, [step.result() for step in steps]))
                except BaseException:
                    down.send((True, traceback.format_exc()))

    def _step(self, job: Job, number: int, arguments: tuple[Any, ...]) -> Any:
        self._barrier.wait(TIMEOUT_SECONDS)
        return job(number, *arguments)
