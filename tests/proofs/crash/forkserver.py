"""A forkserver: a process with all imports done and no threads, which forks the processes that will be killed.

It forks one process per job, with its own connections to the database and to the Voucher Cloud. Only what that process
has committed and sent outlives it. Its processes inherit the caches that a rehearsal has filled.
"""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Ended", "Forkserver"]

TIMEOUT_SECONDS = 120
"""The timeout of a process."""


@dataclass(frozen=True)
class Ended:
    """The result of a process, or that it was killed."""

    returned: Any
    killed: bool


class Forkserver:
    """Runs each job in a process of its own. Create it before the first thread and the first connection."""

    def __init__(self) -> None:
        self._up, down = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                self._up.close()
                _fork_on_demand(down)
            finally:
                os._exit(0)  # no clean-up of what belongs to the parent
        down.close()

    def run(self, job: Callable[..., Any], *arguments: Any, on_start: Callable[[int], None] = id) -> Ended:
        """Run ``job``, a function of a module, and wait for its end; ``on_start`` gets the pid before it begins.

        Raises RuntimeError if the job raised, timed out, or ended by anything but SIGKILL.
        """
        self._up.send((job, arguments, True))
        pid = self._hear()
        on_start(pid)
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
        """Run ``job`` in the forkserver itself, to fill the caches that its processes inherit. The job must leave no
        connection and no thread behind.

        Raises RuntimeError if it raised or timed out.
        """
        self._up.send((job, arguments, False))
        what, content = self._hear()
        if what == "raised":
            raise RuntimeError(content)

    def close(self) -> None:
        """End the forkserver, and wait for it."""
        self._up.close()
        os.waitpid(self._pid, 0)

    def _hear(self, pid: int = 0) -> Any:
        if not self._up.poll(TIMEOUT_SECONDS):
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
            _run_job(down, job, arguments)
        _, status = os.waitpid(pid, 0)
        down.send(("ended", os.waitstatus_to_exitcode(status)))


def _run_job(down: Connection, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    down.send(os.getpid())
    down.recv()
    _tell(down, job, arguments)
    os._exit(0)


def _tell(down: Connection, job: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        down.send(("returned", job(*arguments)))
    except BaseException:
        down.send(("raised", traceback.format_exc()))
