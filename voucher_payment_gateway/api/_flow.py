"""The course of one call, told once: token, request, the one repeat after a 401, and the repeats of a read.

A flow yields steps and is resumed with their results; the sync and the async client differ only in how they
carry the steps out.
"""

import json
import logging
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

from voucher_payment_gateway.api._auth.keeper import Releasable, TokenKeeper
from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api._config import Settings
from voucher_payment_gateway.api._interpret import conclude, retry_after_seconds, token_was_rejected
from voucher_payment_gateway.api._retry import pause_seconds
from voucher_payment_gateway.api._steps import HEADERS, Answer, Deadline, Flow, Outcome, Outgoing, Send, Sleep
from voucher_payment_gateway.api._tokens import Token
from voucher_payment_gateway.exceptions import OutcomeUnknownError, VoucherGatewayError

T = TypeVar("T")

_logger = logging.getLogger("voucher_payment_gateway.api")


@dataclass(frozen=True, slots=True)
class Course:
    """What every call of one client shares."""

    settings: Settings
    keeper: TokenKeeper

    def call(self, call: Call[T], lock: Releasable) -> Flow[T | VoucherGatewayError]:
        """Carry one call to its end: a value or one error, never an exception."""
        deadline = Deadline.after(self.settings.deadline_seconds)
        attempt = 1
        while True:
            result, asked_for = yield from self._attempt(call, lock, deadline)
            if call.moving or not isinstance(result, VoucherGatewayError):
                return result
            pause = pause_seconds(attempt, result, asked_for, deadline)
            if pause is None:
                return result
            yield Sleep(pause)
            attempt += 1

    def authenticate(self, lock: Releasable) -> Flow[VoucherGatewayError | None]:
        """Have a valid token at hand."""
        found = yield from self.keeper.obtain(lock, Deadline.after(self.settings.deadline_seconds))
        return None if isinstance(found, Token) else found

    def _attempt(
        self, call: Call[T], lock: Releasable, deadline: Deadline
    ) -> Flow[tuple[T | VoucherGatewayError, float | None]]:
        if not call.needs_token:
            outcome: Outcome = yield Send(self._request(call, None), deadline)
            return self._concluded(call, outcome, None)
        token = yield from self.keeper.obtain(lock, deadline)
        if isinstance(token, VoucherGatewayError):
            return token, _wait(token)
        outcome = yield Send(self._request(call, token), deadline)
        if token_was_rejected(call, outcome):
            yield from self.keeper.reject(token, deadline)
            token = yield from self.keeper.obtain(lock, deadline)
            if isinstance(token, VoucherGatewayError):
                return token, _wait(token)
            outcome = yield Send(self._request(call, token), deadline)
        concluded = self._concluded(call, outcome, token)
        was_rejected = isinstance(outcome, Answer) and outcome.status == 401
        if was_rejected or (call.ends_token and _may_be_done(concluded[0])):
            yield from self.keeper.reject(token, deadline)
        return concluded

    def _concluded(
        self, call: Call[T], outcome: Outcome, token: Token | None
    ) -> tuple[T | VoucherGatewayError, float | None]:
        wait = retry_after_seconds(outcome.retry_after) if isinstance(outcome, Answer) else None
        _logger.debug("%s: %s", call.name, outcome.status if isinstance(outcome, Answer) else outcome.reason)
        return conclude(call, outcome, self.settings.meanings, token), wait

    def _request(self, call: Call[T], token: Token | None) -> Outgoing:
        headers, content = dict(HEADERS), b""
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(call.body, allow_nan=False).encode("ascii")
        query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""
        return Outgoing(call.method, f"{self.settings.base_url}{call.path}{query}", headers, content)


def _may_be_done(result: object) -> bool:
    return not isinstance(result, VoucherGatewayError) or isinstance(result, OutcomeUnknownError)


def _wait(error: VoucherGatewayError) -> float | None:
    return getattr(error, "retry_after_seconds", None)
