"""The doctor's first look at the Voucher Cloud: does its address answer, and what time is it there?"""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPSConnection
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from voucher_payment_gateway.api.arguments import read_certificates
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.doctor.report import Finding

__all__ = ["address_finding", "clock_finding", "with_timeout"]

T = TypeVar("T")

TOLERATED_SKEW_SECONDS = 300
MAX_TIMEOUT_SECONDS = 60.0
"""Whatever the settings say: nobody waits longer for the doctor."""


class CertificatesError(Exception):
    """No certificate can be read from CA_FILE."""


def address_finding(settings: GatewaySettings) -> tuple[Finding, str]:
    """Return whether the base URL answers, and its ``Date``. It is asked for its headers, without credentials.

    Any HTTP answer will do. It ends with ``DEADLINE_SECONDS``, however slowly the other side drips.
    """
    try:
        date = with_timeout(min(settings.DEADLINE_SECONDS, MAX_TIMEOUT_SECONDS), lambda: _read_date(settings))
    except Exception as error:  # whatever a resolver, a TLS library or a settings file brings up
        return Finding("address", "trouble", f"{settings.base_url} {_reason(error)}"), ""
    encrypted = "over TLS" if settings.base_url.lower().startswith("https:") else "without TLS, on loopback"
    return Finding("address", "ok", f"{settings.base_url} answers {encrypted}"), date


def with_timeout(seconds: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns or raise what it raises; raise TimeoutError where it takes longer.

    A look that nobody waits for any more ends with the process at the latest: neither a resolver nor a read of
    the standard library can be interrupted.
    """
    outcomes: Queue[tuple[T | None, Exception | None]] = Queue()

    def run() -> None:
        try:
            outcomes.put((call(), None))
        except Exception as error:
            outcomes.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        found, error = outcomes.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]


def _read_date(settings: GatewaySettings) -> str:
    parts, timeout = urlsplit(settings.base_url), min(settings.TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS)
    connection: HTTPConnection
    if parts.scheme == "https":
        context = _ssl_context(settings.CA_FILE)
        connection = HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("HEAD", parts.path or "/")
        return connection.getresponse().getheader("Date") or ""
    finally:
        connection.close()


def _ssl_context(ca_file: str) -> ssl.SSLContext:
    """Return the authorities that the client trusts."""
    if not ca_file:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return read_certificates(ca_file)
    except ValueError:
        raise CertificatesError from None


def _reason(error: Exception) -> str:
    match error:
        case CertificatesError():
            return "was not asked: no certificate can be read from CA_FILE"
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"does not speak TLS as it should: {error.reason or 'the connection ended'}"
        case socket.gaierror():
            return "has a host name that nobody knows: is BASE_URL right, does this machine resolve names?"
        case TimeoutError():
            return "does not answer in time: is a firewall in between?"
        case ConnectionRefusedError():
            return "refuses connections: is it the right port?"
    return f"gives no HTTP answer ({type(error).__name__})"


def clock_finding(date: str) -> Finding:
    """Return how far the clock that a ``Date`` header shows is from ours."""
    try:
        server = parsedate_to_datetime(date)
        seconds = (server.replace(tzinfo=server.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return Finding("clocks", "not known", "the server does not tell its time")
    if abs(seconds) <= TOLERATED_SKEW_SECONDS:
        return Finding("clocks", "ok", f"the server's and ours are less than {abs(int(seconds)) + 1} s apart")
    text = f"the server's is {abs(round(seconds))} s {'ahead of' if seconds > 0 else 'behind'} ours: is ours right?"
    return Finding("clocks", "warning", f"{text} No payment depends on it")
