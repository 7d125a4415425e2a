"""Tell a refused code from a refused shop: a control reservation with a code that cannot exist.

The API may answer 401 or 403 to a wrong PIN or an inactive code, as it does to rejected credentials or a missing right.
It answers the control reservation in the same way where it is the shop that it refuses, and otherwise where it is the
code.

A wrong ``BASE_URL`` may answer every path with 404 in the API's own form, as an unknown code is answered. No error code
proves which of them it is, but the list of vouchers is never missing where the API is.
"""

import hashlib
import secrets
from contextlib import suppress
from http import HTTPStatus

from voucher_payment_gateway.connection import account_settings, voucher_cloud
from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.short_memory import recall, remember

__all__ = [
    "equalise_calls",
    "is_elsewhere",
    "make_up_a_call",
    "raise_if_elsewhere",
    "raise_if_ours",
    "refuse_as_unusable",
]

MEMORY_SECONDS = 60
"""How long the answer to a control reservation is remembered, by all processes as far as they share a cache."""

CALLS_OF_A_REFUSAL = 2
"""How many calls every refusal of a code costs, besides a control reservation where none is remembered."""

GRANTED = "granted"
ELSEWHERE = "elsewhere"
"""Remembered in place of a status: the API is not at this address."""

NO_SUCH_PATH = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE)
RESOURCES = ("VOUCHER.", "RESERVATION.")
"""How the code of an error about a voucher begins, as far as codes are documented: the list is not looked at then."""

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No letters that are mistaken for another: as in the codes of many shops."""
GROUPS, GROUP_LENGTH = 6, 4


def raise_if_ours(error: CredentialsError, currency: str, account: str, *, was_held: bool) -> None:
    """Raise ``error`` where it is the shop that is refused, by its credentials or rights; return where it is the code.

    The code of a voucher that was held before is no guess: it is not blamed on what is remembered, since the shop may
    have lost its right meanwhile.

    Raises UnavailableError where the control reservation got no clear answer. Nothing is held after either.
    """
    if error.http_status not in (401, 403):
        raise error
    remembered = None if was_held else recall(_name(account))
    if (remembered or _control_status(currency, account)) == str(error.http_status):
        raise error


def equalise_calls(error: VoucherUnusableError, currency: str, account: str) -> None:
    """Make a control reservation where none is remembered: after every refusal of a code, not only after those that
    need it, since the response time would tell them apart.

    Raises UnavailableError (``address_wrong``) where ``error`` says nothing of the code: the API is not at this
    address.
    """
    status = recall(_name(account))
    if status is None:
        with suppress(VoucherGatewayError):  # the refusal stands
            status = _control_status(currency, account)
    if status == ELSEWHERE and _may_be_elsewhere(error):
        raise _address_wrong(error)


def make_up_a_call(currency: str, account: str) -> None:
    """Make a control reservation in place of a call that the shop has switched off, and ignore its answer: the refusal
    of a code takes as long as any other."""
    with suppress(VoucherGatewayError):
        _control_status(currency, account)


def refuse_as_unusable(currency: str, account: str) -> None:
    """Make as many calls as every refusal costs, none of them with the code in question; raise VoucherUnusableError.

    For a code that must not be sent just now, of a visitor who may only have guessed it. Raises the errors of the
    service instead, as a call with the code would have.
    """
    equalise_calls(VoucherUnusableError(), currency, account)
    for _ in range(CALLS_OF_A_REFUSAL):
        if (status := _control_status(currency, account)) in ("401", "403"):
            raise CredentialsError(http_status=int(status))
    raise VoucherUnusableError


def raise_if_elsewhere(error: RefusedError, account: str) -> None:
    """Raise UnavailableError (``address_wrong``) where the refusal of a code that was held before says nothing of it:
    the API is not at this address. One read, where the refusal may be that of an unknown path."""
    if _may_be_elsewhere(error) and is_elsewhere(account):
        raise _address_wrong(error)


def _address_wrong(error: RefusedError) -> UnavailableError:
    return UnavailableError(code="address_wrong", http_status=error.http_status, api_code=error.api_code)


def _control_status(currency: str, account: str) -> str:
    """Make the control reservation, remember the HTTP status of its answer or ``ELSEWHERE``, and return it."""
    try:
        cloud = voucher_cloud(account)
        cloud.reserve(code=_impossible_code(), amount=smallest_unit(currency), currency=currency)
        status = GRANTED
    except (RefusedError, CredentialsError) as error:
        if error.http_status is None:
            raise
        is_away = _may_be_elsewhere(error) and is_elsewhere(account)
        status = ELSEWHERE if is_away else str(error.http_status)
    except OutcomeUnknownError as error:
        raise UnavailableError(code="reservation_unanswered", http_status=error.http_status) from None
    remember(_name(account), status, MEMORY_SECONDS)
    return status


def _may_be_elsewhere(error: VoucherGatewayError) -> bool:
    """Return whether the refusal of a code may as well be that of an unknown path."""
    return error.http_status in NO_SUCH_PATH and not error.api_code.startswith(RESOURCES)


def is_elsewhere(account: str) -> bool:
    """Return whether the API is not at this address, so that no voucher is found there: the list of vouchers is refused
    as an unknown path, by an answer of the API's own form. Whatever rights we have, it is never missing where the API
    is. Any other answer proves nothing."""
    try:
        next(voucher_cloud(account).list_vouchers(per_page=1), None)
    except RefusedError as error:
        return error.http_status in NO_SUCH_PATH
    except VoucherGatewayError:
        return False
    return False


def _impossible_code() -> str:
    """Return a new random code, as long as no shop's codes are: it cannot exist, and looks as if it could."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def _name(account: str) -> str:
    """Return the name of the memory: one for each client of each Voucher Cloud."""
    address, client_id = account_settings(account).base_url, account_settings(account).CLIENT_ID
    client = hashlib.sha256(f"{address} {client_id}".encode()).hexdigest()
    return f"control.{client[:32]}"
