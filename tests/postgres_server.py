"""A PostgreSQL for the tests: a real cluster in a temporary folder on a free loopback port, stopped at the end.

``python -m tests.postgres_server COMMAND …`` runs a command with ``DATABASE_URL`` set to one.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["MISSING", "is_postgres", "postgres_cluster", "postgres_server", "programs"]

MISSING = "PostgreSQL is neither named by DATABASE_URL nor installed: it cannot be tested (Debian package postgresql)"
DEBIAN = Path("/usr/lib/postgresql")
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
}
"""Without ``fsync`` a crash of the machine loses data; a crash of a process does not."""


def is_postgres(url: str) -> bool:
    """Return whether a database URL is one of PostgreSQL."""
    return url.startswith(("postgres://", "postgresql://"))


def programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, or None if PostgreSQL is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


class Cluster:
    """A cluster in ``home`` that can be stopped and started again, on the same port and with the same data."""

    def __init__(self, folder: Path, home: str) -> None:
        self._folder, self._home = folder, home
        self._user = _unprivileged(home)
        port = _free_port()
        settings = {**OPTIONS, "port": str(port), "unix_socket_directories": home}
        self._options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._run(
            "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"
        )

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "--log", f"{self._home}/log", "--options", self._options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate")

    def _run(self, program: str, *arguments: str) -> None:
        # a file, since a server that inherits a pipe would keep it open
        with open(f"{self._home}/output", "ab") as output:
            subprocess.run(
                [self._folder / program, "-D", f"{self._home}/data", *arguments],
                check=True,
                user=self._user,
                cwd=self._home,
                stdout=output,
                stderr=output,
            )


@contextmanager
def postgres_cluster() -> Iterator[Cluster]:
    """Start a cluster, wait until it answers, and yield it; it must run at the end. Raises FileNotFoundError if
    PostgreSQL is not installed."""
    folder = programs()
    if folder is None:
        raise FileNotFoundError(MISSING)
    with TemporaryDirectory(prefix="postgres-") as home:
        cluster = Cluster(folder, home)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a cluster, wait until it answers, and yield its URL. Raises FileNotFoundError if it is not installed."""
    with postgres_cluster() as cluster:
        yield cluster.url


def _unprivileged(home: str) -> str | None:
    """Give ``home`` to a user that PostgreSQL agrees to run as: it refuses root."""
    if os.geteuid() != 0:
        return None
    shutil.chown(home, "postgres")
    return "postgres"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stop the server too
    with postgres_server() as url:
        return subprocess.run(sys.argv[1:], check=False, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main())
