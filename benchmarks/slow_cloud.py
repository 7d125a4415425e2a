"""What a slow Voucher Cloud costs the other pages of a shop, with the bulkhead and without it.

    python -m benchmarks.slow_cloud --rounds 3
    python -m tests.postgres_server python -m benchmarks.slow_cloud --rounds 3

A WSGI server of four processes with 16 threads each, a Voucher Cloud in a process of its own, and the visitors in this
one. Checkouts (authorize and capture of a new order) begin eight times a second, other pages (one order read from the
database) twenty times, whether earlier ones have been answered or not. The four cases alternate, each on a new server;
a page's time counts from the instant at which its visitor wanted it. A round takes four minutes.
"""

import argparse
import asyncio
import itertools
import logging
import multiprocessing
import signal
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from wsgiref.handlers import SimpleHandler

from benchmarks import table
from benchmarks.shop import shop
from benchmarks.stub_cloud import stub_cloud

PROCESSES, THREADS = 4, 16
CHECKOUTS_PER_SECOND, PAGES_PER_SECOND = 8, 20
SLOW_SECONDS = 5.0
UNLIMITED = 10_000
PATIENCE_SECONDS = 120.0
"""How long a visitor waits for a page."""

CASES = {
    ("healthy", "no"): (0, UNLIMITED),
    ("healthy", "yes"): (0, THREADS // 4),
    ("answers in 5 s", "yes"): (SLOW_SECONDS, THREADS // 4),
    ("answers in 5 s", "no"): (SLOW_SECONDS, UNLIMITED),
}
COLUMNS = (
    *("Voucher Cloud", "bulkhead", "other pages, p50 ms", "p99 ms", "× the healthy p99"),
    *("checkouts paid", "refused at once", "checkouts, p50 ms"),
)

fork = multiprocessing.get_context("fork")


def application(environ, start_response):
    """The shop: ``/page`` reads an order, ``/checkout/NUMBER`` pays a new one with a gift voucher."""
    from tests.shop.models import Order
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.exceptions import VoucherGatewayError

    status, number = "200 OK", environ["PATH_INFO"].rpartition("/")[2]
    try:
        if environ["PATH_INFO"] == "/page":
            Order.objects.get(number="PAGE")
        else:
            order = Order.objects.create(number=number, total=Decimal("10.00"))
            gateway.authorize(order, f"CODE-{number}")
            gateway.capture(order)
    except VoucherGatewayError as error:
        status = f"503 {error.code}"
    except Exception as error:
        status = f"500 {type(error).__name__}"
    start_response(status, [("Content-Length", "0")])
    return [b""]


def serve_in_threads(listener):
    """One process of the server: each thread takes a connection, answers it, and takes the next one."""

    def work():
        while True:
            connection, _ = listener.accept()
            with connection:
                serve_one(connection)

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    signal.pause()


def serve_one(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(4096)
        if not received:
            return
        request += received
    path, output = request.split(b" ", 2)[1].decode(), BytesIO()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_PROTOCOL": "HTTP/1.0"}
    SimpleHandler(BytesIO(), output, sys.stderr, environ).run(application)
    connection.sendall(output.getvalue())


@contextmanager
def server(base_url, slow_calls):
    """Run the server of the shop; yield its port."""
    from django.conf import settings
    from django.db import connections
    from django.test import override_settings

    connections.close_all()
    configured = {
        **settings.VOUCHER_PAYMENT_GATEWAY,
        "BASE_URL": base_url,
        "SLOW_CALLS": slow_calls,
        "TIMEOUT_SECONDS": SLOW_SECONDS * 2,  # the answer comes in time, so the circuit stays closed
    }
    with (
        override_settings(VOUCHER_PAYMENT_GATEWAY=configured),
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
    ):
        running = [fork.Process(target=serve_in_threads, args=(listener,)) for _ in range(PROCESSES)]
        for process in running:
            process.start()
        try:
            yield listener.getsockname()[1]
        finally:
            for process in running:
                process.kill()
                process.join()


class Visitors:
    """Ask for pages at fixed instants, and note how long each took, and how checkouts were answered."""

    _numbers = itertools.count(1)

    def __init__(self, port):
        self.port = port
        self.pages, self.checkouts, self.answers = [], [], Counter()

    async def come(self, seconds):
        paths = (f"/checkout/S-{number}" for number in self._numbers)
        await asyncio.gather(
            self._every(1 / PAGES_PER_SECOND, seconds, itertools.repeat("/page"), self.pages),
            self._every(1 / CHECKOUTS_PER_SECOND, seconds, paths, self.checkouts),
        )

    async def _every(self, pause, seconds, paths, times):
        begin, visits = time.monotonic(), []
        for number, path in zip(range(int(seconds / pause)), paths, strict=False):
            wanted_at = begin + number * pause
            await asyncio.sleep(max(0.0, wanted_at - time.monotonic()))
            visits.append(asyncio.create_task(self._visit(path, times, wanted_at)))
        await asyncio.gather(*visits)

    async def _visit(self, path, times, wanted_at):
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                status = (await reader.read()).split(b"\r\n", 1)[0].decode().partition(" ")[2]
                writer.close()
        except (TimeoutError, OSError) as error:
            status = type(error).__name__
        times.append((time.monotonic() - wanted_at) * 1000)
        if times is self.checkouts:
            self.answers[status] += 1

    @property
    def p99(self):
        return statistics.quantiles(self.pages, n=100)[98]


def play(cloud, seconds, delay, slow_calls):
    """One case: a healthy Voucher Cloud for three seconds, then the one that is measured."""
    with server(cloud.base_url, slow_calls) as port:
        asyncio.run(Visitors(port).come(3))
        cloud.set_delay(delay)
        visitors = Visitors(port)
        try:
            asyncio.run(visitors.come(seconds))
        finally:
            cloud.set_delay(0)
    print(f"{visitors.p99:.0f} ms, {dict(visitors.answers)}", file=sys.stderr, flush=True)
    return visitors


def measured(rounds, seconds):
    """Yield a row for each case: medians of its rounds, and all of its checkouts."""
    played = {case: [] for case in CASES}
    with shop(), stub_cloud() as cloud:
        from tests.shop.models import Order

        Order.objects.create(number="PAGE", total=Decimal("1.00"))
        for _ in range(rounds):
            for case, (delay, slow_calls) in CASES.items():
                played[case].append(play(cloud, seconds, delay, slow_calls))
    healthy = statistics.median(each.p99 for each in played["healthy", "no"])
    for case, found in played.items():
        p99 = statistics.median(each.p99 for each in found)
        answers = sum((each.answers for each in found), Counter())
        yield (
            *case,
            f"{statistics.median(time for each in found for time in each.pages):.0f}",
            f"{p99:.0f}",
            f"{p99 / healthy:.1f}",
            answers["200 OK"],
            answers["503 too_many_slow_calls"],
            f"{statistics.median(time for each in found for time in each.checkouts):.0f}",
        )


def main():
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is played")
    parser.add_argument("--seconds", type=float, default=30, help="how long visitors come in each")
    asked = parser.parse_args()
    before = table.others()
    for line in table.printed(COLUMNS, measured(asked.rounds, asked.seconds)):
        print(line, flush=True)
    print(f"\n{table.state(asked.rounds, before, table.others())}")


if __name__ == "__main__":
    main()
