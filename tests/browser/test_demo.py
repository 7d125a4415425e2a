"""``manage.py demo``: one command that starts everything."""

import signal
import socket
import sqlite3
import subprocess
from contextlib import closing

import httpx

from tests.browser.conftest import ROOT, demo_program, free_ports, wait_for_welcome


def test_the_demo_tells_what_to_try_and_stops_both_programs(tmp_path):
    port, cloud_port = free_ports(2)
    with demo_program(tmp_path, port, cloud_port) as process:
        welcome = wait_for_welcome(process)
        for path in ("", "staff/", "admin/"):
            assert f"http://127.0.0.1:{port}/{path}" in welcome
            assert httpx.get(f"http://127.0.0.1:{port}/{path}", trust_env=False).status_code in (200, 302)
        assert f"http://127.0.0.1:{cloud_port}/" in welcome
        for words in (
            "GIFT-5000",
            "GIFT-2000",
            "PIN 2468",
            "GIFT-0035",
            "not activated",
            "staff / staff",
            "mails",
        ):
            assert words in welcome
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not is_listening(port)
    assert not is_listening(cloud_port)


def test_make_demo_passes_its_arguments_on():
    shown = subprocess.run(
        ["make", "--dry-run", "demo", "ARGS=--fresh"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "example_project/manage.py demo --fresh" in shown.stdout


def test_fresh_starts_with_a_fresh_database(tmp_path):
    (tmp_path / "cloud.state.json").write_text("not readable any more")
    with closing(sqlite3.connect(tmp_path / "shop.sqlite3")) as database, database:
        database.execute("CREATE TABLE of_an_earlier_version (id INTEGER)")
    port, cloud_port = free_ports(2)
    with demo_program(tmp_path, port, cloud_port, "--fresh") as process:
        wait_for_welcome(process)
        with closing(sqlite3.connect(tmp_path / "shop.sqlite3")) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    assert "shop_order" in tables
    assert "of_an_earlier_version" not in tables


def test_a_taken_port_is_one_sentence(tmp_path):
    port, cloud_port = free_ports(2)
    with socket.create_server(("127.0.0.1", cloud_port)), demo_program(tmp_path, port, cloud_port) as process:
        assert process.wait(20) == 2
        sentence = process.stderr.read()
    assert sentence == f"Port {cloud_port} is taken; choose another one with --cloud-port.\n"
    assert not is_listening(port)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
