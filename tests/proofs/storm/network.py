"""The network to the Voucher Cloud: requests are slow or duplicated, and their worker may freeze or crash.

Faults of the remote side are drawn by the local Voucher Cloud itself.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx

from tests.proofs.storm.faults import Crash, FaultInjector
from tests.proofs.storm.purpose import of_recharge, of_voucher
from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.sandbox import mock_transport

__all__ = ["client"]

FREEZE_SECONDS = (1, 15, 70, 70, 130, 130, 700, 1900, 3600)
"""Seconds for which a worker may be frozen between two of its steps."""

DUPLICATE_AFTER_SECONDS = (0.2, 30, 300, 3000)
"""Seconds after which an intermediary sends its copy of a request."""

IN_FLIGHT_SECONDS = (1, 10, 70, 130)
"""Seconds for which a request may be in flight; the cloud's own late faults add at most 600."""


def client(cloud, injector: FaultInjector) -> VoucherCloud:
    """Return the real client of one worker, on the faulty network."""
    inner = mock_transport(cloud)

    def carry(request: httpx.Request) -> httpx.Response:
        injector.may_crash()
        cloud.clock.advance(0.05)
        if request.method in ("POST", "PATCH"):
            injector.may_freeze(IN_FLIGHT_SECONDS)
            if injector.happens("doubled", injector.doubled_rate):
                send_again_later(request)
        response = inner.handle_request(request)
        cloud.clock.advance(0.05)
        injector.may_freeze(IN_FLIGHT_SECONDS)
        injector.may_crash()
        return response

    def send_again_later(request: httpx.Request) -> None:
        injector.doubled[_what(request)] += 1
        at = cloud.clock.now() + timedelta(seconds=injector.random.choice(DUPLICATE_AFTER_SECONDS))
        cloud.clock.call_at(at, lambda: _send_quietly(inner, request))

    made = FreezingClient(
        client_id="local-shop",
        client_secret="local-shop-secret",
        base_url="https://storm.invalid/v1",
        transport=httpx.MockTransport(carry),
    )
    made.injector, made.answers = injector, []
    return made


def _what(request: httpx.Request) -> tuple[str, str]:
    if request.url.path.endswith("/charge"):
        return "charge", json.loads(request.content)["order_number"]
    if request.url.path.endswith("/recharge"):
        return "recharge", json.loads(request.content)["order_number"]
    return request.url.path.rpartition("/")[2], request.url.path.split("/")[-2]


def _send_quietly(transport: httpx.MockTransport, request: httpx.Request) -> None:
    with suppress(httpx.HTTPError):  # no worker waits for this answer
        transport.handle_request(request)


class FreezingClient(VoucherCloud):
    """The client of a worker that may freeze just before a call and just after it."""

    injector: FaultInjector
    answers: list[str]
    """The ids of the bookings that were answered to this worker."""

    def reserve(self, **fields: Any) -> Any:
        return self._frozen(lambda: super(FreezingClient, self).reserve(**fields))

    def charge(self, *fields: Any) -> Any:
        return self._noted(self._frozen(lambda: super(FreezingClient, self).charge(*fields)))

    def refund(self, *fields: Any) -> Any:
        return self._noted(self._frozen(lambda: super(FreezingClient, self).refund(*fields)))

    def recharge_voucher(self, **fields: Any) -> Any:
        return self._noted(
            self._told(
                of_recharge(fields["order_number"], self.injector),
                lambda: super(FreezingClient, self).recharge_voucher(**fields),
            )
        )

    def create_voucher(self, **fields: Any) -> Any:
        return self._told(
            of_voucher(fields.get("id", ""), self.injector),
            lambda: super(FreezingClient, self).create_voucher(**fields),
        )

    def set_voucher_status(self, *fields: Any) -> Any:
        return self._told(
            of_voucher(fields[0], self.injector),
            lambda: super(FreezingClient, self).set_voucher_status(*fields),
        )

    def delete_voucher(self, *fields: Any) -> Any:
        return self._told(
            of_voucher(fields[0], self.injector),
            lambda: super(FreezingClient, self).delete_voucher(*fields),
        )

    def list_voucher_charges(self, *fields: Any, **filters: Any) -> Any:
        return self._frozen(
            lambda: list(super(FreezingClient, self).list_voucher_charges(*fields, **filters))
        )

    def _noted(self, answer: Any) -> Any:
        """Note the booking that was answered."""
        self.answers.append(answer.id)
        return answer

    def _told(self, purpose: str, call: Callable[[], Any]) -> Any:
        """Make a call; count, by its purpose, that its worker crashed or that its outcome is unknown."""
        try:
            return self._frozen(call)
        except OutcomeUnknownError:
            self.injector.seen[f"unknown {purpose}"] += 1
            raise
        except Crash:
            self.injector.seen[f"crash in {purpose}"] += 1
            raise

    def _frozen(self, call: Callable[[], Any]) -> Any:
        self.injector.may_freeze(FREEZE_SECONDS)
        answer = call()
        self.injector.may_freeze(FREEZE_SECONDS)
        return answer
