"""Requests per second of the local Voucher Cloud over real HTTP: it should not be the bottleneck of a test.

    .venv/bin/python benchmarks/local_voucher_cloud.py

Absolute figures depend on the machine; compare them with each other.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

THREADS, REQUESTS = 8, 2000


def per_second(threads, act):
    """Return how often ``act`` runs per second in ``threads`` threads."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(act, range(REQUESTS)))
    return REQUESTS / (time.perf_counter() - begun)


def main():
    cloud = LocalVoucherCloud()
    vouchers = [cloud.add_voucher(code=f"CODE-{number}", amount="50.00") for number in range(64)]
    with serve(cloud) as server:
        client = VoucherCloud(
            client_id="local-shop", client_secret="local-shop-secret", base_url=server.base_url
        )
        with client:
            client.authenticate()

            def read(number):
                client.get_voucher(vouchers[number % 64].id)

            def reserve(number):
                client.reserve(code=f"CODE-{number % 64}", amount=Decimal("5.00"), currency="EUR")

            for name, act in (("read a voucher", read), ("reserve", reserve)):
                for threads in (1, THREADS):
                    print(f"{name}, {threads} threads: {per_second(threads, act):.0f} requests a second")


if __name__ == "__main__":
    main()
