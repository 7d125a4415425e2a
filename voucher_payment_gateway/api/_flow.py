"""The flow of one call, written once: token, request, one retry after a 401, retries of a read.

A flow yields steps and is resumed with their results; the sync and the async client differ only in how they
run the steps.
"""

import json
import random
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

from voucher_payment_gateway.api._auth.keeper import Releasable, TokenKeeper
from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api._config import Settings
from voucher_payment_gateway.api._interpret import interpret, retry_after_seconds, token_was_rejected
from voucher_payment_gateway.api._limits.gate import Attempt, Gate
from voucher_payment_gateway.api._steps import HEADERS, Answer, Deadline, Flow, Outcome, Outgoing, Send, Sleep
from voucher_payment_gateway.api._tokens import Token
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError, VoucherGatewayError
from voucher_payment_gateway.log_events import ApiEvents

T = TypeVar("T")

MAX_ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 2.0
RETRIED_CODES = frozenset({"unavailable", "throttled"})

_RANDOM = random.SystemRandom()

_as_json = json.JSONEncoder(allow_nan=False).encode
"""Made once: ``json.dumps`` makes an encoder for each call."""


@dataclass(frozen=True, slots=True)
class CallFlow:
    """The flows of one client."""

    settings: Settings
    keeper: TokenKeeper
    gate: Gate | None = None

    def begin(self) -> None:
        """Begin in a process or event loop that has made no call yet."""
        if self.gate is not None:
            self.gate.renew()

    def call(self, call: Call[T], lock: Releasable) -> Flow[T | VoucherGatewayError]:
        """Return the value or the one error of a call; nothing is raised."""
        deadline = Deadline.after(self.settings.deadline_seconds)
        flow = self._with_retries(call, lock, deadline)
        return (yield from (flow if self.gate is None else self.gate.call(flow, deadline)))

    def _with_retries(
        self, call: Call[T], lock: Releasable, deadline: Deadline
    ) -> Flow[T | VoucherGatewayError]:
        attempt = 1
        while True:
            tried = self._attempt(call, lock, deadline)
            result, retry_after = yield from (
                tried if self.gate is None else self.gate.attempt(tried, deadline)
            )
            # An unsafe call is never retried: only evidence can tell its outcome.
            if not call.is_safe or not isinstance(result, VoucherGatewayError):
                return result
            pause = pause_seconds(attempt, result, retry_after, deadline)
            if pause is None:
                return result
            yield Sleep(pause)
            attempt += 1

    def authenticate(self, lock: Releasable) -> Flow[VoucherGatewayError | None]:
        """Request a token, unless a valid one is cached."""
        deadline = Deadline.after(self.settings.deadline_seconds)
        flow = self.keeper.obtain(lock, deadline)
        found = yield from (flow if self.gate is None else self.gate.authentication(flow, deadline))
        return None if isinstance(found, Token) else found

    def _attempt(self, call: Call[T], lock: Releasable, deadline: Deadline) -> Flow[Attempt[T]]:
        if not call.needs_token:
            outcome: Outcome = yield Send(self._request(call, None), deadline)
            return self._interpreted(call, outcome, None)
        token = yield from self.keeper.obtain(lock, deadline)
        if isinstance(token, VoucherGatewayError):
            return token, _retry_after(token)
        outcome = yield Send(self._request(call, token), deadline)
        is_new = False
        if token_was_rejected(call, outcome) and self.keeper.may_have_ended(token):
            yield from self.keeper.reject(token, deadline)
            token = yield from self.keeper.obtain(lock, deadline)
            if isinstance(token, VoucherGatewayError):
                return token, _retry_after(token)
            outcome, is_new = (yield Send(self._request(call, token), deadline)), True
        interpreted = self._interpreted(call, outcome, token)
        was_rejected = isinstance(outcome, Answer) and outcome.status == 401
        if was_rejected and is_new:
            self.keeper.note_refused_when_new(token)
        elif (was_rejected and self.keeper.may_have_ended(token)) or (
            call.ends_token and _may_be_done(interpreted[0])
        ):
            yield from self.keeper.reject(token, deadline)
        return interpreted

    def _interpreted(
        self, call: Call[T], outcome: Outcome, token: Token | None
    ) -> tuple[T | VoucherGatewayError, float | None]:
        wait = retry_after_seconds(outcome.retry_after) if isinstance(outcome, Answer) else None
        status = outcome.status if isinstance(outcome, Answer) else None
        reason = "" if isinstance(outcome, Answer) else outcome.reason
        ApiEvents.call_answered.log(str(status or reason), call=call.name, http_status=status, reason=reason)
        return interpret(call, outcome, self.settings.meanings, token), wait

    def _request(self, call: Call[T], token: Token | None) -> Outgoing:
        headers, content = dict(HEADERS), b""
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
        if call.body is not None:
            headers["Content-Type"] = "application/json"
            content = _as_json(call.body).encode("ascii")
        query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""
        url = f"{self.settings.base_url}{call.path}{query}"
        return Outgoing(call.method, url, headers, content, call.name)


def pause_seconds(
    attempt: int, error: VoucherGatewayError, retry_after: float | None, deadline: Deadline
) -> float | None:
    """Return how long to wait after the failed ``attempt`` (from 1), or None to give up.

    Capped exponential backoff with jitter, never past the deadline, never shorter than ``retry_after``.
    """
    if attempt >= MAX_ATTEMPTS or not isinstance(error, UnavailableError) or error.code not in RETRIED_CODES:
        return None
    ceiling = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1))
    pause = max(retry_after or 0.0, _RANDOM.uniform(ceiling / 2, ceiling))
    return pause if pause < deadline.remaining_seconds() else None


def _may_be_done(result: object) -> bool:
    return not isinstance(result, VoucherGatewayError) or isinstance(result, OutcomeUnknownError)


def _retry_after(error: VoucherGatewayError) -> float | None:
    return getattr(error, "retry_after_seconds", None)
