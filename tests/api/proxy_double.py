"""A small forward proxy on loopback: it tunnels (CONNECT), over plain HTTP or TLS, with or without a user."""

import base64
import socket
import threading
from contextlib import contextmanager, suppress

from tests.authority import FAR_NAME

__all__ = ["Proxy", "far", "proxying"]


def far(url):
    """Return the address of a server on this machine as if it were another one, which only the proxy reaches."""
    return url.replace("127.0.0.1", FAR_NAME)


class Proxy:
    """``behave`` may take over a connection after its first request was read, and returns whether it did. With an
    ``inside`` context, what is tunnelled is decrypted: the server behind it needs no TLS."""

    def __init__(self, *, user=None, context=None, behave=None, inside=None):
        self._wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self._context, self._behave, self._inside = context, behave, inside
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads, self._open, self._lock, self._is_closing = [], [], threading.Lock(), False
        self.asked = []
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._start(self._accept)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._start(self._serve, self._keep(connection))

    def _keep(self, connection):
        """Close it with the proxy: its thread may still be busy then."""
        with self._lock:
            self._open.append(connection)
            if self._is_closing:
                raise OSError
        return connection

    def _serve(self, connection):
        with suppress(OSError):
            if self._context:
                connection = self._keep(self._context.wrap_socket(connection, server_side=True))
            head = self._head(connection)
            line, *headers = head.decode("latin-1").split("\r\n")
            method, target, _ = line.split(" ")
            self.asked.append((method, target))
            if self._behave and self._behave(connection):
                return
            if self._wanted and f"proxy-authorization: {self._wanted}".lower() not in map(str.lower, headers):
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            if method != "CONNECT":
                connection.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                return
            self._carry(connection, target)

    def _carry(self, connection, target):
        host, _, port = target.rpartition(":")
        there = self._keep(socket.create_connection(("127.0.0.1" if host == FAR_NAME else host, int(port))))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self._inside:
            connection = self._keep(self._inside.wrap_socket(connection, server_side=True))
        self._start(self._copy, there, connection)
        self._copy(connection, there)

    @staticmethod
    def _head(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65536)):
                raise OSError
            data += more
        return data.partition(b"\r\n\r\n")[0]

    @staticmethod
    def _copy(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self):
        """End all threads, then close all sockets: none is opened after its list was closed."""
        with self._lock:
            self._is_closing = True
            still_open = list(self._open)
        for connection in [self._listener, *still_open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for connection in [self._listener, *self._open]:
            connection.close()


@contextmanager
def proxying(**options):
    proxy = Proxy(**options)
    try:
        yield proxy
    finally:
        proxy.close()
