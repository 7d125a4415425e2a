"""The only place that turns an answer or a failure into a value or one error of the tree. It is total.

What proves what: only a request that surely did not leave, or the API's own error document, says that
nothing moved. Everything else leaves a moving call unknown.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, NoReturn, TypeVar, cast

from pydantic import ValidationError

from voucher_payment_gateway.api._calls import Call
from voucher_payment_gateway.api._exchange import Answer, Failure, Outcome
from voucher_payment_gateway.api._tokens import Token, is_sendable
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

_CODE = re.compile(r"[A-Z0-9_.:-]{1,100}")
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Document:
    """The API's own error document: the proof that the API itself said no."""

    code: str
    field_codes: tuple[str, ...]


def conclude(call: Call[T], outcome: Outcome, meanings: Meanings) -> T | VoucherGatewayError:
    """Return the value of the call or the one error that its outcome means; nothing is raised."""
    if isinstance(outcome, Failure):
        return _noted(call, _failed(call, outcome), outcome.reason)
    if 200 <= outcome.status < 300:
        return _value(call, outcome)
    return _noted(call, _turned_down(call, outcome, meanings), f"status {outcome.status}")


def token_was_rejected(call: Call[T], outcome: Outcome) -> bool:
    """Whether a 401 surely comes from the API, which then did nothing: the call may be sent once more."""
    if isinstance(outcome, Failure) or outcome.status != 401 or not call.scope:
        return False
    return not call.moving or _says_unauthorized(outcome)


def token_answer(outcome: Outcome) -> Token | VoucherGatewayError:
    """Return the token of a token request or its error; the request moves nothing, whatever was to follow."""
    if isinstance(outcome, Failure):
        error: VoucherGatewayError = (
            ContractError() if outcome.oversized else UnavailableError(code=outcome.code)
        )
        what = outcome.reason
    elif 200 <= outcome.status < 300:
        token = _token(parsed_json(outcome.body))
        if token is not None:
            return token
        error, what = ContractError(http_status=outcome.status), "an answer that cannot be understood"
    else:
        error, what = _token_refused(outcome), f"status {outcome.status}"
    error.add_note(f"POST /oauth/token: {what}")
    return error


def retry_after_seconds(value: str) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for; None where it is absent or garbage."""
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        instant = parsedate_to_datetime(value)
        seconds = (instant.replace(tzinfo=instant.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def parsed_json(body: bytes) -> object:
    """Return the JSON value of a body, or None where it is none: NaN, doubled keys and depth included."""
    try:
        return cast(
            object,
            json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_without_doubles),
        )
    except (ValueError, RecursionError):
        return None


def _value(call: Call[T], answer: Answer) -> T | VoucherGatewayError:
    if call.answer is None:
        return cast(T, None) if _is_bare(answer.body) else _strange(call, answer)
    try:
        value = cast(T, call.answer.model_validate(parsed_json(answer.body)))
    except (ValidationError, RecursionError):
        return _strange(call, answer)
    if not call.ours(value):
        return _noted(call, _not_understood(call, answer.status), "an answer to something else")
    return value


def _token(found: object) -> Token | None:
    if not isinstance(found, dict) or not is_sendable(found.get("access_token")):
        return None
    kind, lasts = found.get("token_type", "Bearer"), found.get("expires_in")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    if isinstance(lasts, bool) or not isinstance(lasts, int | float) or not -1e12 < lasts < 1e12:
        lasts = None
    return Token.issued_now(found["access_token"], lasts)


def _token_refused(answer: Answer) -> VoucherGatewayError:
    if answer.status in (400, 401, 403):
        return CredentialsError(http_status=answer.status)
    if answer.status == 429:
        return _throttled(answer, None)
    if answer.status == 408 or 500 <= answer.status < 600:
        return UnavailableError(http_status=answer.status)
    return ContractError(http_status=answer.status)


def _strange(call: Call[T], answer: Answer) -> VoucherGatewayError:
    return _noted(call, _not_understood(call, answer.status), "an answer that cannot be understood")


def _is_bare(body: bytes) -> bool:
    """Whether a body that does not matter can come from the API: a proxy's page cannot."""
    return body.strip() in (b"", b"null") or parsed_json(body) is not None


def _failed(call: Call[T], failure: Failure) -> VoucherGatewayError:
    if not failure.sent:
        return UnavailableError(code=failure.code)
    if call.moving:
        return OutcomeUnknownError()
    return ContractError() if failure.oversized else UnavailableError()


def _turned_down(call: Call[T], answer: Answer, meanings: Meanings) -> VoucherGatewayError:
    status, document = answer.status, _document(call, answer)
    if status in call.refused_whatever_the_body:
        return RefusedError(http_status=status, api_code=document.code if document else "")
    if status == 401 and (not call.moving or _says_unauthorized(answer)):
        return CredentialsError(http_status=status, api_code=document.code if document else "")
    if document is not None and 400 <= status < 500 and status not in (401, 408, 429):
        return _refused(call, status, document, meanings)
    return _unclear(call, answer, document) if call.moving else _read_failed(call, answer, document)


def _unclear(call: Call[T], answer: Answer, document: Document | None) -> VoucherGatewayError:
    if document is not None and answer.status == 429:
        return _throttled(answer, document)
    if document is not None and answer.status == 503:
        return UnavailableError(http_status=503, api_code=document.code)
    return _not_understood(call, answer.status)


def _read_failed(call: Call[T], answer: Answer, document: Document | None) -> VoucherGatewayError:
    status, api_code = answer.status, document.code if document else ""
    if status == 403:
        return CredentialsError(http_status=status, api_code=api_code, missing_scope=call.scope)
    if status == 429:
        return _throttled(answer, document)
    if status == 408 or 500 <= status < 600:
        return UnavailableError(http_status=status, api_code=api_code)
    return _not_understood(call, status)


def _refused(call: Call[T], status: int, document: Document, meanings: Meanings) -> VoucherGatewayError:
    kind = next((MEANINGS[meanings[code]] for code in _codes(document) if code in meanings), None)
    if kind is None and status == 403:
        return CredentialsError(http_status=status, api_code=document.code, missing_scope=call.scope)
    if kind is None and status == 404 and call.not_found_means_unusable:
        kind = VoucherUnusableError
    return (kind or RefusedError)(http_status=status, api_code=document.code)


def _not_understood(call: Call[T], status: int) -> VoucherGatewayError:
    return (OutcomeUnknownError if call.moving else ContractError)(http_status=status)


def _throttled(answer: Answer, document: Document | None) -> ThrottledError:
    wait = retry_after_seconds(answer.retry_after)
    api_code = document.code if document else ""
    return ThrottledError(http_status=answer.status, api_code=api_code, retry_after_seconds=wait)


def _codes(document: Document) -> tuple[str, ...]:
    return (document.code, *document.field_codes)


def _document(call: Call[T], answer: Answer) -> Document | None:
    found = parsed_json(answer.body)
    if (
        not isinstance(found, dict)
        or type(found.get("status")) is not int
        or found["status"] != answer.status
    ):
        return None
    if not isinstance(found.get("code"), str) or not isinstance(found.get("message"), str):
        return None
    rows = found.get("errors")
    fields = [row.get("code") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    code = "" if call.quotes_a_secret(found["code"]) else _code(found["code"])
    return Document(code, tuple(_code(field) for field in fields))


def _code(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _says_unauthorized(answer: Answer) -> bool:
    found = parsed_json(answer.body)
    return isinstance(found, dict) and ("message" in found or "error" in found)


def _noted(call: Call[T], error: VoucherGatewayError, what: str) -> VoucherGatewayError:
    error.add_note(f"{call.name}: {what}")
    return error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
