"""Start and stop the two programs of the demo: the local Voucher Cloud and the shop."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 5


class DemoError(Exception):
    """The demo cannot go on; the message says why in one sentence."""


def is_taken(port: int) -> bool:
    """Whether another program listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


@dataclass(frozen=True)
class Program:
    """A running program and its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def wait_until_it_answers(self, url: str) -> None:
        """Return once ``url`` answers 200. Raises DemoError when the program ends or takes too long."""
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at:
            if self.has_ended:
                raise DemoError(f"{self.name} did not start. Its last words:\n{self.last_words}")
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                    return
            time.sleep(0.1)
        raise DemoError(f"{self.name} did not answer within {START_SECONDS} seconds.")


@contextmanager
def running(name: str, command: list[str], log: Path, folder: Path, **environment: str) -> Iterator[Program]:
    """Run a program until the block ends. Ctrl-C does not reach it (it has a session of its own): we stop it."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield Program(name, process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_while_all_run(*programs: Program) -> None:
    """Block until one of the programs ends, then raise DemoError."""
    while True:
        for program in programs:
            if program.has_ended:
                raise DemoError(f"{program.name} has ended, so the demo ends too:\n{program.last_words}")
        time.sleep(0.2)
