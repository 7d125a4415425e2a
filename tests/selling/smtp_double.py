"""A small SMTP server on a port of its own: it accepts mails, refuses, or closes the connection after the mail came."""

import socketserver
from contextlib import contextmanager
from email import message_from_bytes, policy
from threading import Thread


class SmtpServer(socketserver.ThreadingTCPServer):
    """``behaviour``: "accept", "refuse recipient", "refuse" (the server is busy),
    "close after DATA" or "say nothing"."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.behaviour = "accept"
        self.received = []
        self.recipients = []

    @property
    def port(self):
        return self.server_address[1]


class Session(socketserver.StreamRequestHandler):
    """One connection of a client."""

    def handle(self):
        if self.server.behaviour == "refuse":
            self._say("421 secret-host.internal is busy")
            return
        if self.server.behaviour != "say nothing":
            self._say("220 ready")
        for line in self.rfile:
            verb = line.decode().strip().partition(":")[0].split(" ")[0].upper()
            if not getattr(self, f"_{verb.lower()}", self._other)(line):
                return

    def _ehlo(self, line):
        return self._say("250 hello")

    def _mail(self, line):
        return self._say("250 ok")

    def _rcpt(self, line):
        if self.server.behaviour == "refuse recipient":
            return self._say("550 token=canary-of-the-server unknown")
        self.server.recipients.append(line.decode().partition("<")[2].partition(">")[0])
        return self._say("250 ok")

    def _data(self, line):
        self._say("354 go on")
        body = b"".join(iter(self.rfile.readline, b".\r\n"))
        self.server.received.append(message_from_bytes(body, policy=policy.default))
        if self.server.behaviour == "close after DATA":
            return False
        return self._say("250 queued")

    def _quit(self, line):
        self._say("221 bye")
        return False

    def _other(self, line):
        return self._say("250 ok")

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())
        return True


@contextmanager
def smtp_server():
    with SmtpServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
