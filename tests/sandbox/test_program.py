"""``python -m voucher_payment_gateway.sandbox`` as a separate process."""

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from tests.sandbox.conftest import NO_TLS
from voucher_payment_gateway.sandbox.__main__ import main

PROGRAM = [sys.executable, "-m", "voucher_payment_gateway.sandbox"]


@contextmanager
def running(*arguments, stop=signal.SIGTERM):
    """Run the program, yield its URL and its output, stop it and check that it ended without errors."""
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        lines = [process.stdout.readline()]
        while lines[-1] and not lines[-1].startswith("Ctrl-C"):
            lines.append(process.stdout.readline())
        yield lines[0].split()[3], "".join(lines)
    finally:
        process.send_signal(stop)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def get(url):
    return httpx.get(url, verify=NO_TLS)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_when_told(stop):
    with running("--port", 0, stop=stop) as (url, text):
        assert url.startswith("http://127.0.0.1:")
        assert "local-shop-secret" in text
        assert get(f"{url}/v1/vouchers").status_code == 401


def test_demo_vouchers_and_all_else_survive_a_restart(tmp_path):
    arguments = ("--port", 0, "--state", tmp_path / "state.json", "--seed-demo", "--behaviour", "hostile")
    with running(*arguments) as (url, text):
        assert "GIFT-20" in text
        before = get(f"{url}/sandbox/state").json()
    with running(*arguments) as (url, _):
        after = get(f"{url}/sandbox/state").json()
    assert before["vouchers"] == after["vouchers"]
    assert len(after["vouchers"]) == 7
    assert after["behaviour"]["second_charge"] == "book_again"


def test_a_taken_port_is_one_clear_sentence(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    errors = capsys.readouterr().err
    assert errors == f"Port {port} is taken: stop the other program or choose another with --port.\n"


def test_a_port_that_does_not_exist_is_one_clear_sentence(capsys):
    assert main(["--port", "70000"]) == 2
    assert capsys.readouterr().err == "There is no port 70000: choose one from 0 to 65535.\n"


def test_a_state_file_that_cannot_be_used_is_one_clear_sentence(tmp_path, capsys):
    damaged = tmp_path / "state.json"
    damaged.write_text("{")
    assert main(["--port", "0", "--state", str(damaged)]) == 2
    assert main(["--port", "0", "--state", str(tmp_path / "none" / "state.json")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "is damaged" in lines[0]
    assert "cannot be written" in lines[1]


def test_there_is_no_way_to_another_address(capsys):
    with pytest.raises(SystemExit):
        main(["--host", "0.0.0.0"])
    assert "unrecognized arguments" in capsys.readouterr().err
