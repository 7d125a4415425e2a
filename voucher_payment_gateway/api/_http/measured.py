"""Measure each HTTP request to the Voucher Cloud: a span and a duration, with the attributes that OpenTelemetry gives
to HTTP clients. A request without a name goes elsewhere, and is not measured.

Instrumentation of httpx would see nothing, since its transports are called directly.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from voucher_payment_gateway.api._steps import Answer, Deadline, Outcome, Outgoing
from voucher_payment_gateway.telemetry import Running, http_request
from voucher_payment_gateway.telemetry.backend import IS_INSTALLED

Sender = TypeVar("Sender")


def measured(
    send: Callable[[Sender, Outgoing, Deadline], Outcome],
) -> Callable[[Sender, Outgoing, Deadline], Outcome]:
    """Measure the requests of a sender. Without the extra ``telemetry`` its method is returned as it is."""
    if not IS_INSTALLED:
        return send

    @functools.wraps(send)
    def with_span(self: Sender, request: Outgoing, deadline: Deadline) -> Outcome:
        if not request.name:
            return send(self, request, deadline)
        with _running(request) as running:
            outcome = send(self, request, deadline)
            _note(running, outcome)
        return outcome

    return with_span


def measured_async(
    send: Callable[[Sender, Outgoing, Deadline], Awaitable[Outcome]],
) -> Callable[[Sender, Outgoing, Deadline], Awaitable[Outcome]]:
    """The same for a coroutine."""
    if not IS_INSTALLED:
        return send

    @functools.wraps(send)
    async def with_span(self: Sender, request: Outgoing, deadline: Deadline) -> Outcome:
        if not request.name:
            return await send(self, request, deadline)
        with _running(request) as running:
            outcome = await send(self, request, deadline)
            _note(running, outcome)
        return outcome

    return with_span


def _running(request: Outgoing) -> Running:
    return http_request(request.method, request.name.partition(" ")[2], request.url)


def _note(running: Running, outcome: Outcome) -> None:
    if not isinstance(outcome, Answer):
        running.note({"error.type": outcome.code or outcome.reason})
        return
    running.note({"http.response.status_code": outcome.status})
    if outcome.status >= 400:
        running.note({"error.type": str(outcome.status)})
