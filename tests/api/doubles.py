"""The other side, in the tests of the client: scripted answers in process, and real sockets on loopback."""

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress

import httpx

from voucher_payment_gateway.api import AsyncVoucherCloud, VoucherCloud

CODE, PIN, SECRET, TOKEN = "CANARY-CODE-4711", "CANARY-PIN-0815", "CANARY-SECRET-x9", "CANARY-TOKEN-y7"
DOCUMENT = {"code": "SOME.REASON", "message": "The reason."}

VOUCHER = {"id": "v-1", "currency": "EUR", "status": "active", "remaining_amount": "25.00"}
COMPLETE = {**VOUCHER, "code": CODE, "pin": PIN}
RESERVATION = {"id": "r-1", "voucher_id": "v-1", "amount": "10.00"}
CHARGE = {"id": "c-1", "type": "charge", "amount": "10.00", "order_number": "ORDER-1"}
REFUND = {"id": "c-2", "type": "refund", "amount": "10.00"}
RECHARGE = {"id": "c-3", "type": "recharge", "amount": "10.00", "order_number": "ORDER-1"}


def document(status, **more):
    """The API's own error document."""
    return {"status": status, **DOCUMENT, **more}


def page(rows, current=1, last=1):
    return {"data": rows, "meta": {"current_page": current, "last_page": last}}


class Script:
    """Answers requests in process: grants tokens, and gives everything else to ``answer``."""

    def __init__(self, answer=None, *, token=None):
        self.answer = answer
        self.token = token or self.grant
        self.requests = []
        self.granted = 0

    def __call__(self, request):
        self.requests.append(request)
        reply = self.token if request.url.path == "/oauth/token" else self.answer
        reply = reply(request) if callable(reply) else reply
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, dict):
            return httpx.Response(200, json=reply)
        return reply

    def grant(self, request):
        self.granted += 1
        body = {"access_token": f"{TOKEN}-{self.granted}", "token_type": "Bearer", "expires_in": 3600}
        return httpx.Response(200, json=body)

    @property
    def calls(self):
        return [request for request in self.requests if request.url.path != "/oauth/token"]

    @property
    def token_requests(self):
        return len(self.requests) - len(self.calls)

    @property
    def last(self):
        return self.calls[-1]

    @property
    def last_body(self):
        return json.loads(self.last.content) if self.last.content else None


class Threads:
    """Runs what a test asks of a client on VoucherCloud."""

    client = VoucherCloud

    def __init__(self, answer=None, **settings):
        self.script = answer if isinstance(answer, Script) else Script(answer)
        settings.setdefault("transport", httpx.MockTransport(self.script))
        if settings["transport"] is None:
            settings.pop("transport")
        self.settings = {"client_id": "client-1", "client_secret": SECRET, **settings}

    def __call__(self, *asks):
        """Ask one thing after another of one client; return the last value."""
        value = None
        with self.client(**self.settings) as cloud:
            for ask in asks:
                value = ask(cloud)
                if hasattr(value, "__next__"):
                    value = list(value)
        return value

    def errors(self, ask, prepare, count):
        """Ask ``count`` times of one client, ``prepare(i)`` before each; return values and errors."""
        found = []
        with self.client(**self.settings) as cloud:
            for i in range(count):
                prepare(i)
                try:
                    found.append(ask(cloud))
                except Exception as error:
                    found.append(error)
        return found


class Tasks(Threads):
    """Runs the same on AsyncVoucherCloud."""

    client = AsyncVoucherCloud

    def __call__(self, *asks):
        return asyncio.run(self._all(asks))

    async def _all(self, asks):
        value = None
        async with self.client(**self.settings) as cloud:
            for ask in asks:
                value = await self._one(ask, cloud)
        return value

    async def _one(self, ask, cloud):
        value = ask(cloud)
        if hasattr(value, "__anext__"):
            return [row async for row in value]
        return await value if hasattr(value, "__await__") else value

    def errors(self, ask, prepare, count):
        async def run():
            found = []
            async with self.client(**self.settings) as cloud:
                for i in range(count):
                    prepare(i)
                    try:
                        found.append(await self._one(ask, cloud))
                    except Exception as error:
                        found.append(error)
            return found

        return asyncio.run(run())


class Server:
    """A loopback server: grants tokens, and lets ``behave(connection, request)`` write every other answer."""

    def __init__(self, behave, context=None, before_tls=None):
        self._behave, self._context, self._before_tls = behave, context, before_tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads, self._open = [], []
        self.seen = Counter()
        self.connections = 0
        scheme = "http" if context is None else "https"
        self.base_url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._start(self._accept)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection):
        with suppress(OSError):
            if self._context is None:
                self._converse(connection)
                return
            if self._before_tls:
                self._before_tls()
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                self._open.append(encrypted)
                self._converse(encrypted)

    def _converse(self, connection):
        while (request := self._read(connection)) is not None:
            path = request.split(b" ", 2)[1].decode()
            self.seen[path] += 1
            if path == "/oauth/token":
                connection.sendall(reply({"access_token": TOKEN, "expires_in": 3600}))
            else:
                self._behave(connection, request)

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65536)):
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < int(lengths[0].split(b":")[1]):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends accept(): from here no connection is added
        self._threads[0].join(5)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def serving(behave: Callable, **settings):
    server = Server(behave, **settings)
    try:
        yield server
    finally:
        server.close()


def reply(body, status=200, headers=""):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(content)}\r\n\r\n".encode() + content
