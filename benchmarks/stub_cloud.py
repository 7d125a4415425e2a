"""A Voucher Cloud in a process of its own that answers at once and checks nothing: all peers wait for the same server.

    with stub_cloud(delay=0.05, tls=True) as server:
        server.base_url, server.ca_file, server.counts()

Every voucher exists and holds enough. It remembers reservations and bookings only so far as later answers name them.
The ids are unique. ``POST /stub/delay`` and ``GET /stub/counts`` are its own.
"""

import argparse
import asyncio
import itertools
import json
import re
import secrets
import ssl
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx

from tests.authority import new_authority

__all__ = ["Server", "stub_cloud"]

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).parent.parent
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TOKEN = {"token_type": "Bearer", "expires_in": 86400, "access_token": "of-the-stub"}

Json = dict[str, Any]


class Vouchers:
    """What was reserved and booked, by id."""

    def __init__(self) -> None:
        mark = secrets.token_hex(5)  # another stub gives other ids: a known one is money booked twice
        self._next = (f"{mark}{number:011x}" for number in itertools.count(1))
        self._voucher_ids: dict[str, str] = defaultdict(self._next.__next__)
        self._reservations: dict[str, tuple[str, str]] = {}
        self._charges: dict[str, Json] = {}
        self._bookings: dict[str, list[Json]] = defaultdict(list)

    def reserve(self, body: Json) -> Json:
        id, voucher_id = next(self._next), self._voucher_ids[body["code"]]
        self._reservations[id] = voucher_id, body["amount"]
        until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat(timespec="seconds")
        held = {"id": id, "voucher_id": voucher_id, "amount": body["amount"], "valid_until": until}
        return {**held, "voucher_taxable": False, "voucher_tax_rate": None, **_instants()}

    def charge(self, reservation_id: str, body: Json) -> Json:
        voucher_id, amount = self._reservations.pop(reservation_id)
        booked = self._book(voucher_id, "charge", amount, body["order_number"])
        self._charges[booked["id"]] = booked
        return booked

    def refund(self, charge_id: str, body: Json) -> Json:
        charge = self._charges[charge_id]
        return self._book(charge["voucher_id"], "refund", body["amount"], charge["order_number"])

    def release(self, reservation_id: str) -> None:
        del self._reservations[reservation_id]

    def bookings(self, voucher_id: str) -> Json:
        found = self._bookings[voucher_id]
        return {"data": found, "meta": {"current_page": 1, "last_page": 1, "total": len(found)}}

    def _book(self, voucher_id: str, kind: str, amount: str, number: str) -> Json:
        named = {"id": next(self._next), "type": kind, "amount": amount, "voucher_id": voucher_id}
        booked = {**named, "order_number": number, **_instants()}
        self._bookings[voucher_id].append(booked)
        return booked


class Stub:
    """Answers requests after ``delay`` seconds, and counts them."""

    def __init__(self, delay: float) -> None:
        self.delay, self.connections, self.calls = delay, 0, 0
        self.vouchers = Vouchers()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Return status and body."""
        match method, path.partition("?")[0].strip("/").split("/"):
            case "POST", ["oauth", "token"]:
                return 200, TOKEN
            case "POST", ["stub", "delay"]:
                self.delay = json.loads(body)["seconds"]
                return 204, None
            case "GET", ["stub", "counts"]:
                return 200, {"connections": self.connections, "calls": self.calls}
        self.calls += 1
        return self._of_the_api(method, path.partition("?")[0].split("/")[2:], body)

    def _of_the_api(self, method: str, parts: list[str], body: bytes) -> tuple[int, object]:
        match method, parts:
            case "POST", ["reservations"]:
                return 201, self.vouchers.reserve(json.loads(body))
            case "POST", ["reservations", id, "charge"]:
                return 201, self.vouchers.charge(id, json.loads(body))
            case "DELETE", ["reservations", id]:
                self.vouchers.release(id)
                return 204, None
            case "POST", ["charges", id, "refund"]:
                return 201, self.vouchers.refund(id, json.loads(body))
            case "GET", ["vouchers", id, "charges"]:
                return 200, self.vouchers.bookings(id)
        raise LookupError(method, parts)


class Connection(asyncio.Protocol):
    """One connection with keep-alive, one request at a time."""

    def __init__(self, stub: Stub, later: Callable[..., object]) -> None:
        self._stub, self._later, self._received, self._is_counted = stub, later, b"", False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not separator or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        response = _response(*self._stub.answer(method, path, body))
        if not path.startswith("/v1/"):
            self._transport.write(response)
            return
        self._stub.connections += not self._is_counted
        self._is_counted = True
        if self._stub.delay:
            self._later(self._stub.delay, self._transport.write, response)
        else:
            self._transport.write(response)


class Server(NamedTuple):
    """A running stub; ``ca_file`` verifies its certificate, empty without TLS."""

    url: str
    ca_file: str

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def counts(self) -> dict[str, int]:
        """Return the ``connections`` over which a call came, and the ``calls``, since the start."""
        with self._client() as client:
            found: dict[str, int] = client.get("/stub/counts").json()
        return found

    def set_delay(self, seconds: float) -> None:
        """Answer every later call after so many seconds."""
        with self._client() as client:
            client.post("/stub/delay", json={"seconds": seconds}).raise_for_status()

    def _client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        return httpx.Client(base_url=self.url, verify=trusted, trust_env=False)


@contextmanager
def stub_cloud(*, delay: float = 0, tls: bool = False) -> Iterator[Server]:
    """Start a stub that answers after ``delay`` seconds, and stop it at the end."""
    with TemporaryDirectory() as folder:
        options = ["--delay", str(delay)]
        if tls:
            new_authority(Path(folder))
            options += ["--tls", folder]
        command = [sys.executable, "-m", __name__, *options]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None  # noqa: S101
                yield Server(process.stdout.readline().strip(), f"{folder}/ca.pem" if tls else "")
            finally:
                process.terminate()


def _instants() -> Json:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"client_id": "stub", "created_at": now, "updated_at": now}


def _response(status: int, body: object) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Answered\r\nContent-Type: application/json\r\n"
    length = "" if status == 204 else f"Content-Length: {len(content)}\r\n"
    return f"{head}{length}\r\n".encode() + content


async def _serve(delay: float, folder: str) -> None:
    context = None
    if folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/ca.pem", f"{folder}/key.pem")
    loop, stub = asyncio.get_running_loop(), Stub(delay)
    server = await loop.create_server(
        lambda: Connection(stub, loop.call_later), LOOPBACK, 0, ssl=context, backlog=512
    )
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if folder else 'http'}://{LOOPBACK}:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay", type=float, default=0, help="seconds until each answer")
    parser.add_argument("--tls", default="", help="the folder of ca.pem and key.pem; without it plain HTTP")
    given = parser.parse_args()
    asyncio.run(_serve(given.delay, given.tls))


if __name__ == "__main__":
    main()
