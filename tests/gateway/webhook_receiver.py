"""A receiver of webhooks on a port of its own: a real HTTP server that keeps what it was sent."""

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


class Receiver(ThreadingHTTPServer):
    """``status`` is the answer to each POST, with ``location`` as its redirect. ``answers``: cleared, it keeps every
    answer back."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.status, self.location = 204, ""
        self.received = []
        self.answers = Event()
        self.answers.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class Session(BaseHTTPRequestHandler):
    """Keeps path, headers and body of one request."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers, body))
        self.server.answers.wait(30)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Write nothing."""


@contextmanager
def webhook_receiver():
    """Run a receiver, and stop it at the end."""
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.answers.set()
            server.shutdown()
            thread.join()
