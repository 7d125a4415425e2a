"""Checks of the network: whether the Voucher Cloud's address answers, and how far its clock is from ours."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

from voucher_payment_gateway.api.diagnostics import (
    CertificatesError,
    ProxyRefusedError,
    ProxyUnreachableError,
    read_date_through,
    trusted_context,
)
from voucher_payment_gateway.api.proxy import Proxy, proxy_for
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.management.doctor.report import Finding

__all__ = ["address_finding", "clock_finding", "with_timeout"]

T = TypeVar("T")

TOLERATED_SKEW_SECONDS = 300
MAX_TIMEOUT_SECONDS = 60.0
"""Limits the timeouts of the settings, so that the doctor ends soon."""


def address_finding(settings: GatewaySettings) -> tuple[Finding, str]:
    """Return whether the base URL answers, and its ``Date`` header. Sends a HEAD request without credentials, through
    the proxy of ``PROXY_URL`` where there is one and the calls take it.

    Any HTTP answer is accepted. ``DEADLINE_SECONDS`` limits the whole check, also where the server sends slowly.
    """
    proxy = proxy_for(settings.base_url, settings.PROXY_URL)
    way = f"{settings.base_url}, through the proxy {proxy.url}," if proxy else settings.base_url
    read = partial(_read_date_through, proxy) if proxy else _read_date
    try:
        date = with_timeout(min(settings.DEADLINE_SECONDS, MAX_TIMEOUT_SECONDS), lambda: read(settings))
    except ProxyUnreachableError as error:
        text = f"{settings.base_url} is not reached: the proxy {error} {_reason_of_proxy(error.reason)}"
        return Finding("address", "trouble", text), ""
    except Exception as error:  # a resolver or a TLS library may raise any class
        return Finding("address", "trouble", f"{way} {_reason(error)}"), ""
    encrypted = "over TLS" if settings.base_url.lower().startswith("https:") else "without TLS, on loopback"
    return Finding("address", "ok", f"{way} answers {encrypted}"), date


def with_timeout(seconds: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns or raise what it raises; raise TimeoutError where it takes longer.

    After a timeout the call goes on in a daemon thread, which ends with the process at the latest: a name
    resolution or a read of the standard library cannot be interrupted.
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


def _read_date_through(proxy: Proxy, settings: GatewaySettings) -> str:
    return read_date_through(proxy, settings.base_url, settings.CA_FILE, settings.TIMEOUT_SECONDS)


def _read_date(settings: GatewaySettings) -> str:
    parts, timeout = urlsplit(settings.base_url), min(settings.TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS)
    connection: HTTPConnection
    if parts.scheme == "https":
        context = trusted_context(settings.CA_FILE)
        connection = HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("HEAD", parts.path or "/")
        return connection.getresponse().getheader("Date") or ""
    finally:
        connection.close()


def _reason(error: Exception) -> str:
    match error:
        case ProxyRefusedError():
            return (
                f"is not reached: the proxy answers {error}. Is PROXY_URL right, with its user and password?"
            )
        case CertificatesError():
            return "was not asked: no certificate can be read from CA_FILE"
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"does not speak TLS as it should: {error.reason or 'the connection ended'}"
        case socket.gaierror():
            return (
                "has a host name that cannot be resolved: is BASE_URL right, does this machine resolve names?"
            )
        case TimeoutError():
            return "does not answer in time: is a firewall in between?"
        case ConnectionRefusedError():
            return "refuses connections: is it the right port?"
    return f"gives no HTTP answer ({type(error).__name__})"


def _reason_of_proxy(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "has a host name that cannot be resolved: is PROXY_URL right, does this machine resolve names?"
        case TimeoutError():
            return "does not answer in time: is PROXY_URL right, is a firewall in between?"
        case ConnectionRefusedError():
            return "refuses connections: has PROXY_URL the right port?"
    return f"cannot be connected to ({type(error).__name__}): is PROXY_URL right?"


def clock_finding(date: str) -> Finding:
    """Return how far the server's clock, read from its ``Date`` header, is from ours."""
    try:
        server = parsedate_to_datetime(date)
        seconds = (server.replace(tzinfo=server.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return Finding("clocks", "not known", "the server sends no date")
    if abs(seconds) <= TOLERATED_SKEW_SECONDS:
        return Finding("clocks", "ok", f"the server's and ours are less than {abs(int(seconds)) + 1} s apart")
    text = f"the server's is {abs(round(seconds))} s {'ahead of' if seconds > 0 else 'behind'} ours: is ours right?"
    return Finding("clocks", "warning", f"{text} No payment depends on it")
