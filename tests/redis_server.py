"""A Redis for the tests: a real server on a free loopback port, stopped at the end."""

import shutil
import socket
import subprocess
from contextlib import contextmanager

import pytest

MISSING = "redis-server is not installed: the shared cache cannot be tested (Debian package redis-server)"


@contextmanager
def redis_server(folder):
    """Start Redis, wait until it answers, and yield its address."""
    if shutil.which("redis-server") is None:
        pytest.skip(MISSING)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        for line in server.stdout:
            if "eady to accept connections" in line:
                break
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
