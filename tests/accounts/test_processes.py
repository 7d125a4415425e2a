"""Two processes that share database and cache, each of which sells for both merchants at the same time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections

from tests.accounts.conftest import CODE, bookings, tokens
from voucher_payment_gateway.models import VoucherPayment

ROOT = Path(__file__).parent.parent.parent
ORDERS = 4

WORKER = """
import json, sys
import django
from django.conf import settings
import tests.settings as base
FILES = "django.core.cache.backends.filebased.FileBasedCache"
given = json.loads(sys.argv[1])
options = {name: getattr(base, name) for name in dir(base) if name.isupper()}
options["DATABASES"]["default"]["NAME"] = given["database"]
options["CACHES"] = {"default": {"BACKEND": FILES, "LOCATION": given["cache"]}}
options["VOUCHER_PAYMENT_GATEWAY"] = given["settings"]
settings.configure(**options)
django.setup()
from tests.shop.models import Order
from voucher_payment_gateway import gateway
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
for number in given["orders"]:
    order = Order.objects.create(number=number, total="5.00")
    gateway.authorize(order, given["code"])
    gateway.authorize_selected(order)
    gateway.capture(order)
print("done")
"""


@pytest.fixture
def run(market, settings, tmp_path):
    """Run two workers at the same time, each for its own orders of both merchants."""

    def run():
        base = {
            "database": str(connections["default"].settings_dict["NAME"]),
            "cache": str(tmp_path),
            "settings": {**settings.VOUCHER_PAYMENT_GATEWAY, "DEADLINE_SECONDS": 30},
            "code": CODE,
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        workers = []
        for worker in "AB":
            orders = [f"{letter}-{worker}{number}" for number in range(ORDERS) for letter in "NS"]
            command = [
                sys.executable,
                "-c",
                WORKER,
                json.dumps({**base, "orders": orders, "code": f"{CODE}-{worker}"}),
            ]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            workers.append(subprocess.Popen(command, cwd=ROOT, env=env, **pipes))
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return [worker.communicate(timeout=120)[0] for worker in workers]

    return run


def test_two_processes_mix_nothing_up(market, run):
    vouchers = {worker: market.vouchers("20.00", "100.00", code=f"{CODE}-{worker}") for worker in "AB"}
    assert run() == ["done\n"] * 2
    for north, south in vouchers.values():
        assert bookings(market.north, north) == bookings(market.south, south) == [("charge", "5.00")] * ORDERS
        assert (market.north.balance(north.id), market.south.balance(south.id)) == (0, 80)
    assert {payment.account for payment in VoucherPayment.objects.filter(order_number__startswith="N")} == {
        "north"
    }
    assert {payment.account for payment in VoucherPayment.objects.filter(order_number__startswith="S")} == {
        "south"
    }


def test_a_token_is_shared_by_processes_and_not_by_merchants(market, run):
    """Both processes start without one: one of them asks, the other waits. A file cache may let both ask."""
    for worker in "AB":
        market.vouchers("20.00", "100.00", code=f"{CODE}-{worker}")
    run()
    for cloud in (market.north, market.south):
        assert 1 <= tokens(cloud) <= 2
