"""A MariaDB for the tests: a real server in a temporary folder on a free loopback port, stopped at the end.

``python -m tests.mariadb_server COMMAND …`` runs a command with ``DATABASE_URL`` set to one.
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
from time import monotonic, sleep

__all__ = ["MISSING", "is_mariadb", "mariadb_server", "program"]

MISSING = "MariaDB is neither named by DATABASE_URL nor installed: it cannot be tested (Debian package mariadb-server)"
USER = "mysql"
START_TIMEOUT_SECONDS = 120
ZONES = Path("/usr/share/zoneinfo")
OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--max-connections=200",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
)
"""Without its waits for the disk a crash of the machine loses data; a crash of a client does not. The collation is
Debian's, which takes ``a`` for ``A``: the tables of the gateway must not."""


def is_mariadb(url: str) -> bool:
    """Return whether a database URL is one of MariaDB or MySQL."""
    return url.startswith(("mysql://", "mariadb://"))


def program() -> str | None:
    """Return the path of the server, or None if MariaDB is not installed."""
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


@contextmanager
def mariadb_server() -> Iterator[str]:
    """Start a server, wait until it answers, and yield its URL. Raises FileNotFoundError if it is not installed."""
    server = program()
    if server is None:
        raise FileNotFoundError(MISSING)
    with TemporaryDirectory(prefix="mariadb-") as home, open(f"{home}/output", "ab") as output:
        user = _unprivileged(home)
        options: dict[str, object] = {"user": user, "cwd": home, "stdout": output, "stderr": output}
        data = ["--no-defaults", f"--datadir={home}/data"]
        _install(data, options)
        port, socket_path = _free_port(), f"{home}/socket"
        where = [f"--port={port}", f"--socket={socket_path}", f"--pid-file={home}/pid"]
        running = subprocess.Popen([server, *data, *where, *OPTIONS], **options)  # type: ignore[call-overload]
        try:
            _wait_until_it_answers(running, socket_path)
            _load_time_zones(socket_path, options)
            yield f"mysql://root@127.0.0.1:{port}/test"
        finally:
            running.terminate()
            running.wait()


def _install(data, options):
    subprocess.run(
        ["mariadb-install-db", *data, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        **options,
    )


def _wait_until_it_answers(running, socket_path):
    ping = ["mariadb-admin", "--no-defaults", f"--socket={socket_path}", "--user=root", "ping"]
    give_up_at = monotonic() + START_TIMEOUT_SECONDS
    while subprocess.run(ping, check=False, capture_output=True).returncode != 0:
        if running.poll() is not None or monotonic() > give_up_at:
            raise RuntimeError("MariaDB did not start")
        sleep(0.1)


def _load_time_zones(socket_path, options):
    """Load what the database needs for days and months in the zone of a shop."""
    if not ZONES.is_dir():
        return
    zones = subprocess.run(
        ["mariadb-tzinfo-to-sql", str(ZONES)], check=True, capture_output=True, text=True
    ).stdout
    client = ["mariadb", "--no-defaults", f"--socket={socket_path}", "--user=root", "mysql"]
    subprocess.run(client, check=True, input=zones, text=True, stdout=subprocess.DEVNULL)


def _unprivileged(home: str) -> str | None:
    """Give ``home`` to a user that MariaDB agrees to run as: it refuses root."""
    if os.geteuid() != 0:
        return None
    shutil.chown(home, USER)
    return USER


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stop the server too
    with mariadb_server() as url:
        return subprocess.run(sys.argv[1:], check=False, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main())
