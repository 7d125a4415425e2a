"""What a verb of the gateway costs beside the bare call: a reused ``httpx.Client`` that keeps no books.

python -m benchmarks.calls
python -m tests.postgres_server python -m benchmarks.calls
"""

import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx

from benchmarks import table
from benchmarks.peers.wire import HEADERS
from benchmarks.rounds import alternate, ms, ratio
from benchmarks.shop import TOTAL, connected, database_name, new_order, shop
from benchmarks.stub_cloud import Server

HEADER = (
    "database",
    "server",
    "verb",
    "× the bare call (quartiles)",
    "× in processor time",
    "ms",
    "processor, ms",
    "bare, ms",
    "bare, processor, ms",
)
DELAYS = (0, 0.05)


class Bare:
    """The two calls of an order paid, by one client with keep-alive."""

    def __init__(self, server: Server) -> None:
        context = ssl.create_default_context(cafile=server.ca_file or None)
        self.client = httpx.Client(base_url=server.base_url, headers=HEADERS, verify=context, trust_env=False)

    def reserve(self, code: str) -> Any:
        body = {"code": code, "amount": str(TOTAL), "currency": "EUR"}
        return self.client.post("/reservations", json=body).raise_for_status().json()

    def charge(self, reservation_id: str, number: str) -> Any:
        path = f"/reservations/{reservation_id}/charge"
        return self.client.post(path, json={"order_number": number}).raise_for_status().json()


def acts(bare: Bare) -> dict[str, Callable[[], Callable[[], object]]]:
    """Return what is compared, by name: each takes a new order."""
    from voucher_payment_gateway import gateway

    def authorize() -> Callable[[], object]:
        return partial(gateway.authorize, *new_order())

    def capture() -> Callable[[], object]:
        order, code = new_order()
        gateway.authorize(order, code)
        return partial(gateway.capture, order)

    def bare_authorize() -> Callable[[], object]:
        return partial(bare.reserve, new_order()[1])

    def bare_capture() -> Callable[[], object]:
        order, code = new_order()
        return partial(bare.charge, bare.reserve(code)["id"], order.number)

    return {
        "authorize": authorize,
        "capture": capture,
        "bare authorize": bare_authorize,
        "bare capture": bare_capture,
    }


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop():
        for delay in DELAYS:
            with connected(delay=delay) as server:
                bare = Bare(server)
                found = alternate(acts(bare), rounds)
                bare.client.close()
            for verb in ("authorize", "capture"):
                ours, theirs = found[verb], found[f"bare {verb}"]
                times = (f"{ms(each, of).median:.2f}" for each in (ours, theirs) for of in ("wall", "cpu"))
                beside = ratio(ours, theirs), ratio(ours, theirs, "cpu")
                yield database_name(), f"{delay * 1000:.0f} ms", f"`{verb}`", *beside, *times


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows)
