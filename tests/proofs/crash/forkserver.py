"""A process that has everything imported and no thread, and forks the processes that are to die.

A process is forked for each job: it has its own connections to the database and to the Voucher Cloud, and nothing of it
outlives it but what it has committed and sent. They are quick at what the nursery has rehearsed.
"""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Ended", "Nursery"]

MOST_SECONDS = 120
"""A process that takes longer hangs."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: what it returned, or that it was killed."""

    returned: Any
    killed: bool


class Nursery:
    """Runs jobs in processes of their own. Make it before the first thread and the first connection."""

    def __init__(self) -> None:
        self._up, down = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                self._up.close()
                _fork_on_demand(down)
            finally:
                os._exit(0)  # nothing of the parent's is this process's to tidy up
        down.close()

    def run(self, job: Callable[..., Any], *arguments: Any, born: Callable[[int], None] = id) -> Ended:
        """Run ``job``, a function of a module, and wait for the end; ``born`` is told the pid before it begins.

        Raises RuntimeError where it raised, hung or died in another way than by SIGKILL.
        """
        self._up.send((job, arguments, True))
        pid = self._hear()
        born(pid)
        self._up.send("begin")
        what, content = self._hear(pid)
        returned = None
        if what == "raised":
            self._hear(pid)
            raise RuntimeError(content)
        if what == "returned":
            returned = content
            what, content = self._hear(pid)
        if content not in (0, -signal.SIGKILL):
            raise RuntimeError(f"the process ended with {content}")
        return Ended(returned, killed=content != 0)

    def rehearse(self, job: Callable[..., Any], *arguments: Any) -> None:
        """Run ``job`` in the nursery itself, so that the processes to come are quicker at it. It has to leave nothing
        behind: no connection, no thread.

        Raises RuntimeError where it raised or hung.
        """
        self._up.send((job, arguments, False))
        what, content = self._hear()
        if what == "raised":
            raise RuntimeError(content)

    def close(self) -> None:
        """End the nursery; no process of it is left behind."""
        self._up.close()
        os.waitpid(self._pid, 0)

    def _hear(self, pid: int = 0) -> Any:
        if not self._up.poll(MOST_SECONDS):
            os.kill(pid or self._pid, signal.SIGKILL)
            raise RuntimeError("the process hung")
        return self._up.recv()


def _fork_on_demand(down: Connection) -> None:
    while True:
        try:
            job, arguments, in_a_fork = down.recv()
        except EOFError:
            return
        if not in_a_fork:
            _tell(down, job, arguments)
            continue
        pid = os.fork()
        if pid == 0:
            _live(down, job, arguments)
        _, status = os.waitpid(pid, 0)
        down.send(("ended", os.waitstatus_to_exitcode(status)))


def _live(down: Connection, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    down.send(os.getpid())
    down.recv()
    _tell(down, job, arguments)
    os._exit(0)


def _tell(down: Connection, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        down.send(("returned", job(*arguments)))
    except BaseException:
        down.send(("raised", traceback.format_exc()))
