"""A span and a duration for each verb and each HTTP request, and a count for each call."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from time import perf_counter
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.telemetry.backend import IS_INSTALLED, SCOPE, tracer
from voucher_payment_gateway.telemetry.instruments import (
    API_CALLS,
    REQUEST_DURATION,
    VERB_DURATION,
    Attributes,
    Histogram,
)

if IS_INSTALLED:
    from opentelemetry import context, trace

__all__ = ["Running", "counted", "counted_if_failed", "http_request", "verb"]

P = ParamSpec("P")
T = TypeVar("T")

_tracer = tracer()


class Running:
    """What is measured while it runs: a span, and a duration. Nothing that the backend raises leaves it, and the
    exceptions of what runs pass it unchanged; of them the class is kept, never the text."""

    def __init__(self, name: str, duration: Histogram, attributes: Attributes, *, is_client: bool) -> None:
        self._name = name
        self._duration = duration
        self._attributes = dict(attributes)
        self._is_client = is_client
        self._span: Any = None
        self._token: Any = None

    def note(self, attributes: Attributes) -> None:
        """Add what is known when it has ended."""
        self._attributes.update(attributes)

    def __enter__(self) -> Self:
        if _traces_are_set_up():
            self._start_span()
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if kind is not None:
            self._attributes["error.type"] = kind.__name__
        self._duration.record(perf_counter() - self._began, self._attributes)
        if self._token is not None:
            with suppress(Exception):
                context.detach(self._token)
        if self._span is not None:
            with suppress(Exception):
                self._describe(error)
            with suppress(Exception):
                self._span.end()

    def _start_span(self) -> None:
        with suppress(Exception):
            kind = trace.SpanKind.CLIENT if self._is_client else trace.SpanKind.INTERNAL
            self._span = _tracer.start_span(self._name, kind=kind, attributes=self._attributes)
            self._token = context.attach(trace.set_span_in_context(self._span))

    def _describe(self, error: BaseException | None) -> None:
        self._span.set_attributes(self._attributes)
        if "error.type" in self._attributes:
            self._span.set_status(trace.Status(trace.StatusCode.ERROR))
        if isinstance(error, VoucherGatewayError):
            self._span.set_attribute(f"{SCOPE}.error.code", error.code)


def _traces_are_set_up() -> bool:
    """Return whether the shop has set a provider. Without one, a span of the API records nothing, and costs time."""
    try:
        return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    except Exception:  # the one that a variable of the environment names cannot be made
        return False


class Counted:
    """Counts a call when it has ended, by the class of its error."""

    counts_successes = True

    def __init__(self, call: str) -> None:
        self._call = call

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if kind is not None:
            API_CALLS.add({"call": self._call, "error.type": kind.__name__})
        elif self.counts_successes:
            API_CALLS.add({"call": self._call})


class CountedIfFailed(Counted):
    """Counts no success."""

    counts_successes = False


def verb(function: Callable[P, T]) -> Callable[P, T]:
    """Measure a verb of the gateway, by the name of its function. Without the extra it is returned as it is.

    Its frame has the arguments of the verb: where one is a code, ``opaque_code`` must stand above.
    """
    if not IS_INSTALLED:
        return function
    name = function.__name__

    @functools.wraps(function)
    def measured(*args: P.args, **kwargs: P.kwargs) -> T:
        with Running(f"{SCOPE}.{name}", VERB_DURATION, {"verb": name}, is_client=False):
            return function(*args, **kwargs)

    return measured


def http_request(method: str, template: str, url: str) -> Running:
    """Return what measures one HTTP request. ``template`` is the path without ids; of ``url`` the host is kept."""
    attributes = {
        "http.request.method": method,
        "url.template": template,
        **_server("/".join(url.split("/", 3)[:3])),
    }
    return Running(f"{method} {template}", REQUEST_DURATION, attributes, is_client=True)


@functools.lru_cache(maxsize=64)
def _server(address: str) -> Attributes:
    """Return the attributes of the host of an address without its path: one for each host that is called."""
    with suppress(Exception):
        parts = urlsplit(address)
        return {
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        }
    return {}


counted: Callable[[str], AbstractContextManager[object]] = Counted if IS_INSTALLED else nullcontext
"""Context manager that counts a call of the Voucher Cloud. It is given the method and the path template."""

counted_if_failed: Callable[[str], AbstractContextManager[object]] = (
    CountedIfFailed if IS_INSTALLED else nullcontext
)
"""The same for one that is counted only where it fails."""
