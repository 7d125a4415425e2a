"""``manage.py demo``: one command that starts everything."""

import signal
import socket

from tests.browser.conftest import demo_program, free_ports, wait_for_welcome


def test_the_demo_tells_what_to_try_and_stops_both_programs(tmp_path):
    port, cloud_port = free_ports(2)
    with demo_program(tmp_path, port, cloud_port) as process:
        welcome = wait_for_welcome(process)
        assert f"http://127.0.0.1:{port}/" in welcome
        for words in ("GIFT-5000", "GIFT-2000", "PIN 2468", "GIFT-0035", "not activated", "staff / staff"):
            assert words in welcome
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not is_listening(port)
    assert not is_listening(cloud_port)


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
