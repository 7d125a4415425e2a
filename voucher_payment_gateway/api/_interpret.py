"""Turn every response or failure into a value or one error of the tree. No other module does.

Only a request that was certainly not sent, or the API's own error document, proves that nothing moved.
After everything else the outcome of an unsafe call is unknown.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar, cast

from pydantic import ValidationError

from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api._error_document import Document, document, parsed_json
from voucher_payment_gateway.api._steps import Answer, Failure, Outcome
from voucher_payment_gateway.api._tokens import Token
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OutcomeUnknownError,
    RefusedError,
    ReservationClosedError,
    ThrottledError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)

T = TypeVar("T")
Meaning = Literal["unusable", "insufficient_balance", "currency_mismatch", "reservation_closed"]
Meanings = Mapping[str, Meaning]

MEANINGS: dict[str, type[RefusedError]] = {
    "unusable": VoucherUnusableError,
    "insufficient_balance": InsufficientBalanceError,
    "currency_mismatch": CurrencyMismatchError,
    "reservation_closed": ReservationClosedError,
}

_SECONDS = re.compile(r"[0-9]{1,9}")


def interpret(
    call: Call[T], outcome: Outcome, meanings: Meanings, token: Token | None = None
) -> T | VoucherGatewayError:
    """Return the value of the call or the error that its outcome means; nothing is raised.

    ``token`` is the one that was sent: no error repeats it.
    """
    if isinstance(outcome, Failure):
        return _with_note(call, _failed(call, outcome), outcome.reason)
    if 200 <= outcome.status < 300:
        return _value(call, outcome)
    found = document(outcome, (*call.secrets, *([token.value] if token else [])))
    return _with_note(call, _rejected(call, outcome, found, meanings), f"status {outcome.status}")


def token_was_rejected(call: Call[T], outcome: Outcome) -> bool:
    """Return whether the call may be retried after a 401: a read always, an unsafe call where the API itself refused.

    The body of a 401 is not documented, and a proxy that demands a login may answer 401 in JSON as well, even
    after the call was done. So only the API's own document proves that nothing moved.
    """
    if isinstance(outcome, Failure) or outcome.status != 401 or not call.needs_token:
        return False
    return call.is_safe or document(outcome, ()) is not None


def retry_after_seconds(value: str) -> float | None:
    """Return the seconds of a ``Retry-After``; None where it is missing or invalid."""
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        instant = parsedate_to_datetime(value)
        seconds = (instant.replace(tzinfo=instant.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _value(call: Call[T], answer: Answer) -> T | VoucherGatewayError:
    if call.answer is None:
        return cast(T, None) if _is_done(answer) else _invalid(call, answer)
    try:
        value = cast(T, call.answer.model_validate(parsed_json(answer.body)))
    except (ValidationError, RecursionError):
        return _invalid(call, answer)
    if not call.matches(value):
        return _with_note(call, _not_understood(call, answer.status), "an answer to something else")
    return value


def _invalid(call: Call[T], answer: Answer) -> VoucherGatewayError:
    return _with_note(call, _not_understood(call, answer.status), "an answer that cannot be understood")


def _is_done(answer: Answer) -> bool:
    """Return whether a response without expected content confirms the call: any other content may say the opposite."""
    if answer.status == 202:  # accepted, but perhaps never done
        return False
    return answer.body.strip() in (b"", b"null") or parsed_json(answer.body) in ({}, [])


def _failed(call: Call[T], failure: Failure) -> VoucherGatewayError:
    if not failure.sent:
        return UnavailableError(code=failure.code)
    if not call.is_safe:
        return OutcomeUnknownError()
    return ContractError() if failure.oversized else UnavailableError()


def _rejected(
    call: Call[T], answer: Answer, found: Document | None, meanings: Meanings
) -> VoucherGatewayError:
    status = answer.status
    if status == 401 and (call.is_safe or found is not None):
        return CredentialsError(http_status=status, api_code=_api_code(found))
    if found is not None and 400 <= status < 500 and status not in (401, 408, 429):
        return _refused(call, status, found, meanings)
    return _read_failed(call, answer, found) if call.is_safe else _unclear(call, answer, found)


def _unclear(call: Call[T], answer: Answer, found: Document | None) -> VoucherGatewayError:
    if found is not None and answer.status == 429:
        return throttled(answer, found)
    if found is not None and answer.status == 503:
        return unavailable(answer, found)
    return _not_understood(call, answer.status)


def _read_failed(call: Call[T], answer: Answer, found: Document | None) -> VoucherGatewayError:
    status = answer.status
    if status == 403:
        return CredentialsError(http_status=status, api_code=_api_code(found), missing_scope=call.scope)
    if status == 429:
        return throttled(answer, found)
    if status == 408 or 500 <= status < 600:
        return unavailable(answer, found)
    return _not_understood(call, status)


def _refused(call: Call[T], status: int, found: Document, meanings: Meanings) -> VoucherGatewayError:
    kind = next((MEANINGS[meanings[code]] for code in found.codes if code in meanings), None)
    if kind is None and status == 403:
        return CredentialsError(http_status=status, api_code=found.api_code, missing_scope=call.scope)
    if kind is None and status == 404 and call.not_found_means_unusable:
        kind = VoucherUnusableError
    return (kind or RefusedError)(http_status=status, api_code=found.api_code)


def _not_understood(call: Call[T], status: int) -> VoucherGatewayError:
    return (ContractError if call.is_safe else OutcomeUnknownError)(http_status=status)


def throttled(answer: Answer, found: Document | None = None) -> ThrottledError:
    wait = retry_after_seconds(answer.retry_after)
    return ThrottledError(http_status=answer.status, api_code=_api_code(found), retry_after_seconds=wait)


def unavailable(answer: Answer, found: Document | None = None) -> UnavailableError:
    wait = retry_after_seconds(answer.retry_after)
    return UnavailableError(http_status=answer.status, api_code=_api_code(found), retry_after_seconds=wait)


def _api_code(found: Document | None) -> str:
    return found.api_code if found is not None else ""


def _with_note(call: Call[T], error: VoucherGatewayError, what: str) -> VoucherGatewayError:
    error.add_note(f"{call.name}: {what}")
    return error
