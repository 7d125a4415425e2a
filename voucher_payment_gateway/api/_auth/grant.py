"""What the answer to a token request means. The request moves nothing, whatever was to follow."""

from voucher_payment_gateway.api._error_document import parsed_json
from voucher_payment_gateway.api._interpret import throttled, unavailable
from voucher_payment_gateway.api._steps import Answer, Failure, Outcome
from voucher_payment_gateway.api._tokens import Token, is_sendable
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VoucherGatewayError,
)


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
        return throttled(answer)
    if answer.status == 408 or 500 <= answer.status < 600:
        return unavailable(answer)
    return ContractError(http_status=answer.status)
