"""One client per process: a fork never shares it."""

import os

import pytest

from voucher_payment_gateway import connection


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_gets_a_client_of_its_own_even_while_the_parent_builds_one(gateway_settings):
    parent = connection.voucher_cloud()
    assert connection.voucher_cloud() is parent
    reader, writer = os.pipe()
    with connection._lock:
        pid = os.fork()
        if pid == 0:
            os.write(writer, b"own" if connection.voucher_cloud() is not parent else b"shared")
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 10) == b"own"


def test_changed_settings_open_a_new_client(gateway_settings):
    first = connection.voucher_cloud()
    gateway_settings(CLIENT_TYPE="till")
    assert connection.voucher_cloud() is not first
