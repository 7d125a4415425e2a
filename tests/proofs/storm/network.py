"""The way to the Voucher Cloud: requests dawdle, are sent twice, and the worker that sent one may be frozen or end.

What goes wrong at the remote side is drawn by the faults of the local Voucher Cloud itself.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx

from tests.proofs.storm.faults import Weather
from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.sandbox import mock_transport

__all__ = ["client"]

ASLEEP = (1, 15, 70, 70, 130, 130, 700, 1900, 3600)
"""Seconds for which a worker may be frozen between two of its steps."""

COPIES_AFTER = (0.2, 30, 300, 3000)
"""Seconds after which a request that a box on the way has kept is sent a second time."""

UNDER_WAY = (1, 10, 70, 130)
"""Seconds for which a request may dawdle, ahead of what the cloud's own late faults add (600 at most)."""


def client(cloud, weather: Weather) -> VoucherCloud:
    """Return the real client of one worker, on a network where requests dawdle and processes end."""
    inner = mock_transport(cloud)

    def carry(request: httpx.Request) -> httpx.Response:
        weather.may_crash()
        cloud.clock.advance(0.05)
        if request.method == "POST":
            weather.may_freeze(UNDER_WAY)
            if weather.strikes("doubled", weather.doubled_rate):
                send_again_later(request)
        response = inner.handle_request(request)
        cloud.clock.advance(0.05)
        weather.may_freeze(UNDER_WAY)
        weather.may_crash()
        return response

    def send_again_later(request: httpx.Request) -> None:
        weather.doubled[_what(request)] += 1
        at = cloud.clock.now() + timedelta(seconds=weather.random.choice(COPIES_AFTER))
        cloud.clock.call_at(at, lambda: _send_quietly(inner, request))

    made = FreezingClient(
        client_id="local-shop",
        client_secret="local-shop-secret",
        base_url="https://storm.invalid/v1",
        transport=httpx.MockTransport(carry),
    )
    made.weather, made.answers = weather, []
    return made


def _what(request: httpx.Request) -> tuple[str, str]:
    if request.url.path.endswith("/charge"):
        return "charge", json.loads(request.content)["order_number"]
    return request.url.path.rpartition("/")[2], request.url.path.split("/")[-2]


def _send_quietly(transport: httpx.MockTransport, request: httpx.Request) -> None:
    with suppress(httpx.HTTPError):  # nobody waits for the answer
        transport.handle_request(request)


class FreezingClient(VoucherCloud):
    """The client of a worker that may be frozen just before a call and just after it."""

    weather: Weather
    answers: list[str]
    """The bookings that this worker was told of."""

    def reserve(self, **fields: Any) -> Any:
        return self._frozen(lambda: super(FreezingClient, self).reserve(**fields))

    def charge(self, *fields: Any) -> Any:
        return self._told(self._frozen(lambda: super(FreezingClient, self).charge(*fields)))

    def refund(self, *fields: Any) -> Any:
        return self._told(self._frozen(lambda: super(FreezingClient, self).refund(*fields)))

    def list_voucher_charges(self, *fields: Any, **filters: Any) -> Any:
        return self._frozen(
            lambda: list(super(FreezingClient, self).list_voucher_charges(*fields, **filters))
        )

    def _told(self, answer: Any) -> Any:
        """Note the booking that the worker goes back with."""
        self.answers.append(answer.id)
        return answer

    def _frozen(self, call: Callable[[], Any]) -> Any:
        self.weather.may_freeze(ASLEEP)
        answer = call()
        self.weather.may_freeze(ASLEEP)
        return answer
