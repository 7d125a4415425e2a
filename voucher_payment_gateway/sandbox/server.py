"""The local Voucher Cloud behind real HTTP, on loopback only."""

import contextlib
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from voucher_payment_gateway.log_events import SandboxEvents
from voucher_payment_gateway.sandbox import control
from voucher_payment_gateway.sandbox.cloud import LocalVoucherCloud
from voucher_payment_gateway.sandbox.damage import HUGE_BYTES
from voucher_payment_gateway.sandbox.messages import MAX_BODY_BYTES, Request, Response, problem_response
from voucher_payment_gateway.sandbox.problems import http_error
from voucher_payment_gateway.sandbox.routes import API_PREFIX

__all__ = ["LOOPBACK", "LocalServer", "serve"]

LOOPBACK = "127.0.0.1"
_BLOCK = b" " * 64 * 1024
_MAX_LINE_BYTES = 8192
_POLL_SECONDS = 0.02
_JOIN_SECONDS = 5


class LocalServer:
    """A running server; ``url`` is the host's root, ``base_url`` that of the API.

    It cannot be bound to anything but loopback: it holds well-known credentials. Raises OSError if the port is
    in use.
    """

    def __init__(self, cloud: LocalVoucherCloud, port: int = 0) -> None:
        self.cloud = cloud
        self._server = _Server(cloud, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="voucher-cloud", daemon=True
        )
        self.port = self._server.server_port
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.base_url = f"{self.url}{API_PREFIX}"

    def start(self) -> None:
        """Start to answer requests, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, close every connection and wait for the threads."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.end_connections()
        self._thread.join(_JOIN_SECONDS)


@contextmanager
def serve(cloud: LocalVoucherCloud, port: int = 0) -> Iterator[LocalServer]:
    """Serve ``cloud`` on loopback while the block runs; port 0 means a free one."""
    server = LocalServer(cloud, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, cloud: LocalVoucherCloud, port: int) -> None:
        self.cloud = cloud
        self.stopping = threading.Event()
        self._aborted: set[socket.socket] = set()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up its own name here, which may need a name server.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def abort(self, connection: socket.socket) -> None:
        """End a connection with a reset instead of an orderly close."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._aborted.add(connection)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.pop(request, None)
        if request in self._aborted:
            self._aborted.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._open_lock:
            threads = dict(self._open)
        for connection in threads:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads.values():
            thread.join(_JOIN_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        SandboxEvents.connection_ended_early.log()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The cloud answers every method; it decides about 405.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the cloud keeps its own record of requests."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer requests that http.server rejects, such as a malformed request line, with the API's error document."""
        status = HTTPStatus(code) if 400 <= code < 500 else HTTPStatus.BAD_REQUEST
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = (
            self.protocol_version
        )  # a malformed version would count as 0.9, without headers
        self._write_whole(problem_response(http_error(status)))

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = control.respond(self.server.cloud, Request(self.command, self.path, headers, body))
        except Exception:
            SandboxEvents.sandbox_failed.log(method=self.command)
            answer = problem_response(http_error(HTTPStatus.INTERNAL_SERVER_ERROR))
        self._deliver(answer)

    def _read_body(self) -> bytes | None:
        if "Transfer-Encoding" in self.headers:
            return self._read_chunks()
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            self.send_error(HTTPStatus.BAD_REQUEST)
        elif int(text) > MAX_BODY_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._drain(int(text))
        else:
            body = self.rfile.read(int(text))
            if len(body) == int(text):
                return body
            self.close_connection = True
        return None

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while size := self._chunk_size():
            if size < 0 or len(body) + size > MAX_BODY_BYTES:
                self.send_error(HTTPStatus.BAD_REQUEST if size < 0 else HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                self._drain(size)
                return None
            body += self.rfile.read(size)
            self.rfile.readline(_MAX_LINE_BYTES)
        while self.rfile.readline(_MAX_LINE_BYTES).strip():
            continue  # trailers
        return bytes(body)

    def _chunk_size(self) -> int:
        """Return the size of the next chunk, 0 for the last, -1 for an invalid one."""
        text = self.rfile.readline(_MAX_LINE_BYTES).partition(b";")[0].strip()
        return int(text, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,8}", text) else -1

    def _drain(self, length: int) -> None:
        """Read the rest of the body, up to a limit: closing on unread bytes would reset the connection."""
        left = min(length, 16 * MAX_BODY_BYTES)
        while left > 0 and (got := self.rfile.read1(min(left, len(_BLOCK)))):
            left -= len(got)

    def _deliver(self, answer: Response) -> None:
        delivery = answer.delivery
        if delivery.how in ("hang", "whole") and delivery.seconds + (delivery.how == "hang"):
            self._wait(None if delivery.how == "hang" else delivery.seconds)
        match delivery.how:
            case "whole":
                self._write_whole(answer)
                return
            case "reset" | "refused":
                self.server.abort(self.connection)
            case "drip":
                self._write_slowly(answer)
            case "truncated":
                self._write_head(answer, len(answer.body))
                self.wfile.write(answer.body[: len(answer.body) // 2])
            case "huge":
                self._write_head(answer, HUGE_BYTES)
                for _ in range(HUGE_BYTES // len(_BLOCK)):
                    self.wfile.write(_BLOCK)
        self.close_connection = True

    def _write_whole(self, answer: Response) -> None:
        self._write_head(answer, None if answer.status == HTTPStatus.NO_CONTENT else len(answer.body))
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _write_head(self, answer: Response, length: int | None) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _write_slowly(self, answer: Response) -> None:
        self._write_head(answer, len(answer.body))
        self.wfile.flush()
        for at in range(len(answer.body)):
            if not self._wait(answer.delivery.seconds):
                return
            self.wfile.write(answer.body[at : at + 1])
            self.wfile.flush()

    def _wait(self, seconds: float | None) -> bool:
        """Wait (None: for ever) and return True; False as soon as the client disconnects or the server stops."""
        slices = None if seconds is None else max(1, round(seconds / _POLL_SECONDS))
        pause = _POLL_SECONDS if seconds is None or slices is None else seconds / slices
        while slices is None or slices > 0:
            if self.server.stopping.wait(pause) or self._client_left():
                return False
            slices = None if slices is None else slices - 1
        return True

    def _client_left(self) -> bool:
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True
