"""The cost of the gateway compared with the bare API call, and of several vouchers compared with one.

    .venv/bin/python benchmarks/gateway.py
    .venv/bin/python -m tests.postgres_server .venv/bin/python benchmarks/gateway.py

Each figure is the ratio of two measurements that alternate in one run, so that it means the same on every machine.
The database is made for the run and removed afterwards. A machine that does other work at the same time makes the
ratios larger, and those of a server that needs no time the most.
"""

import argparse
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx

from tests.proofs.storm.bench import database

ROUNDS = 100
WARM_UP = 3


def seconds(act):
    """Return the duration of ``act``."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


class Bench:
    """A shop of the tests, connected to a local Voucher Cloud over HTTP that answers after ``delay`` seconds."""

    def __init__(self, cloud, server, delay):
        self.cloud, self.delay, self.count = cloud, delay, 0
        self.base_url = server.base_url
        self.bare = httpx.Client(trust_env=False)

    def order(self, vouchers=1, total="10.00"):
        """Return an order, and the codes of new vouchers of 10.00."""
        from tests.shop.models import Order

        self.count += 1
        name = f"{id(self)}-{self.count}"
        codes = [f"CODE-{name}-{number}" for number in range(vouchers)]
        for code in codes:
            self.cloud.add_voucher(code=code, amount="10.00")
        order = Order.objects.create(number=name, total=Decimal(total))
        return order, codes

    def slow_down(self):
        """Delay every answer of the Voucher Cloud from here on."""
        if self.delay:
            self.cloud.faults.next(f"after:slow={self.delay}", times=1_000_000)

    def capture_and_bare_charge(self):
        """Return the seconds of one capture, and of the same call by a bare client with keep-alive."""
        from voucher_payment_gateway import gateway
        from voucher_payment_gateway.connection import voucher_cloud

        (order, (code,)), (_, (other,)) = self.order(), self.order()
        gateway.authorize(order, code)
        held = voucher_cloud().reserve(code=other, amount=Decimal("10.00"), currency="EUR")
        url = f"{self.base_url}/reservations/{held.id}/charge"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        captured = seconds(lambda: gateway.capture(order))
        charged = seconds(
            lambda: self.bare.post(url, json={"order_number": "B-1"}, headers=headers).raise_for_status()
        )
        return captured, charged

    def hold(self, vouchers):
        """Return the seconds to reserve the selected vouchers of an order, each with a balance below the total: four
        sequential calls per voucher."""
        from voucher_payment_gateway import gateway

        order, codes = self.order(vouchers, total="50.00")
        for code in codes:
            gateway.select(order, code)
        return seconds(lambda: gateway.authorize_selected(order))

    def fetch_token(self):
        answer = self.bare.post(
            self.base_url.removesuffix("/v1") + "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=("local-shop", "local-shop-secret"),
        )
        self.token = answer.json()["access_token"]


def with_bench(delay, measure):
    from django.conf import settings
    from django.test import override_settings

    from voucher_payment_gateway import connection
    from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

    cloud = LocalVoucherCloud()
    with serve(cloud) as server:
        configured = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": server.base_url}
        with override_settings(VOUCHER_PAYMENT_GATEWAY=configured):
            bench = Bench(cloud, server, delay)
            bench.fetch_token()
            connection.voucher_cloud().authenticate()
            bench.slow_down()
            try:
                measure(bench)
            finally:
                connection.close()


def compare_captures(bench):
    pairs = [bench.capture_and_bare_charge() for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    ratio = statistics.median(captured / charged for captured, charged in pairs)
    print(f"capture beside the bare call, server of {bench.delay * 1000:.0f} ms: {ratio:.2f} times")


def compare_vouchers(bench):
    pairs = [(bench.hold(5), bench.hold(1)) for _ in range(WARM_UP + ROUNDS // 5)][WARM_UP:]
    ratio = statistics.median(five / one for five, one in pairs)
    print(f"five vouchers beside one, server of {bench.delay * 1000:.0f} ms: {ratio:.2f} times")


def main():
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with database():
        for delay in (0, 0.05):
            with_bench(delay, compare_captures)
        with_bench(0.05, compare_vouchers)


if __name__ == "__main__":
    main()
