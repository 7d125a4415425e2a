"""Reserving at the Voucher Cloud: what a voucher can hold of an amount.

A reservation moves no money and lapses by itself; a repeated one replaces the lost one. So nothing here is
written down before it is sent, no database is touched, and it may run in any thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from voucher_payment_gateway.api import Reservation
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.money import CENT, ZERO
from voucher_payment_gateway.rules.resolution import dead_at
from voucher_payment_gateway.rules.timing import held_until
from voucher_payment_gateway.sealing import Secret

__all__ = ["Hold", "available_on", "release", "reserve_available", "reserve_exactly"]

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Hold:
    """A reservation as it was answered; ``until`` is counted on our own clock, and from ``dead_at`` on it cannot
    be charged any more."""

    reservation_id: str
    voucher_id: str
    amount: Decimal
    until: datetime
    dead_at: datetime
    taxable: bool | None
    tax_rate: Decimal | None
    is_all: bool = False
    """Whether it is all that the voucher holds, less than was wanted."""


def reserve_exactly(
    secret: Secret,
    amount: Decimal,
    currency: str,
    *,
    voucher_id: str = "",
    on_previous_lost: Callable[[], object] = lambda: None,
) -> Hold:
    """Reserve ``amount``. Raises RefusedError, UnavailableError or CredentialsError; nothing is held then.

    An answer that never came, or that tells of another voucher than ``voucher_id`` where that is known, is repeated
    once: the new reservation replaces the lost one. ``on_previous_lost`` is called where an earlier reservation of the
    voucher may be gone by that, whatever comes then.
    """
    try:
        return _reserve(secret, amount, currency, voucher_id)
    except OutcomeUnknownError:
        on_previous_lost()
    try:
        return _reserve(secret, amount, currency, voucher_id)
    except OutcomeUnknownError as error:
        if error.code == "answer_not_ours":
            raise UnavailableError(code="answer_not_ours") from None
        raise UnavailableError(code="reservation_unanswered", http_status=error.http_status) from None


def reserve_available(
    secret: Secret,
    wanted: Decimal,
    currency: str,
    *,
    voucher_id: str = "",
    on_previous_lost: Callable[[], object] = lambda: None,
) -> Hold:
    """Reserve ``wanted``, or all that the voucher holds if that is less. At most four calls.

    The balance of a code cannot be read. Refused for a reason that may be the balance, 0.01 is reserved to
    learn the voucher's id, its balance is read, and what is there is reserved. A code that is surely unusable
    costs that second call as well: otherwise the time of an answer would tell which codes exist.
    ``on_previous_lost`` is called where an earlier reservation of the voucher is gone, or may be, whatever comes then.
    """
    try:
        return reserve_exactly(
            secret, wanted, currency, voucher_id=voucher_id, on_previous_lost=on_previous_lost
        )
    except RefusedError as error:
        if not _is_tried_again(error) or wanted == CENT:
            raise _as_unusable(error) from None
    probe = _probe(secret, currency, voucher_id, on_previous_lost)
    on_previous_lost()
    available = _available(probe, currency)
    if available <= CENT:
        return replace(probe, is_all=True)
    try:
        hold = reserve_exactly(secret, min(wanted, available), currency, voucher_id=probe.voucher_id)
    except RefusedError:
        hold = _reserve_remainder(probe, secret, min(wanted, available), currency)
    return replace(hold, is_all=available < wanted)


def _reserve_remainder(probe: Hold, secret: Secret, amount: Decimal, currency: str) -> Hold:
    """Reserve what is left where our own 0.01 counts as taken; somebody else may have taken the rest as well."""
    try:
        return reserve_exactly(secret, amount - probe.amount, currency, voucher_id=probe.voucher_id)
    except RefusedError:
        raise InsufficientBalanceError(available=amount) from None


def release(reservation_id: str) -> str:
    """Ask the Voucher Cloud to end a reservation, and return the code of what went wrong, if anything.

    The documentation names no such call, so nothing relies on it: whatever the answer, the reservation lapses.
    """
    try:
        voucher_cloud().cancel_reservation(reservation_id)
    except VoucherGatewayError as error:
        return error.code
    return ""


def available_on(voucher_id: str) -> Decimal | None:
    """Return what the voucher holds, where it can be read just now."""
    try:
        return voucher_cloud().get_voucher(voucher_id).remaining_amount
    except VoucherGatewayError:
        return None


def _reserve(secret: Secret, amount: Decimal, currency: str, voucher_id: str) -> Hold:
    answer = voucher_cloud().reserve(code=secret.code, pin=secret.pin, amount=amount, currency=currency)
    if voucher_id and answer.voucher_id != voucher_id:
        raise OutcomeUnknownError(code="answer_not_ours")
    return _as_hold(answer)


def _as_hold(answer: Reservation) -> Hold:
    until = held_until(timezone.now())
    return Hold(
        reservation_id=answer.id,
        voucher_id=answer.voucher_id,
        amount=answer.amount,
        until=until,
        dead_at=dead_at(until, answer.valid_until),
        taxable=answer.voucher_taxable,
        tax_rate=_rate(answer.voucher_tax_rate),
    )


def _rate(rate: Decimal | None) -> Decimal | None:
    """Return a rate in percent that can be one; a rate that cannot is not known, and nothing is computed by it."""
    return rate if rate is not None and ZERO <= rate < HUNDRED and rate == round(rate, 2) else None


def _is_tried_again(error: RefusedError) -> bool:
    may_be_the_balance = isinstance(error, InsufficientBalanceError) or type(error) is RefusedError
    return may_be_the_balance or isinstance(error, VoucherUnusableError)


def _as_unusable(error: RefusedError) -> RefusedError:
    if type(error) is RefusedError:
        return VoucherUnusableError(api_code=error.api_code, http_status=error.http_status)
    return error


def _probe(secret: Secret, currency: str, voucher_id: str, on_previous_lost: Callable[[], object]) -> Hold:
    try:
        return reserve_exactly(
            secret, CENT, currency, voucher_id=voucher_id, on_previous_lost=on_previous_lost
        )
    except RefusedError as error:
        raise _as_unusable(error) from None


def _available(probe: Hold, currency: str) -> Decimal:
    try:
        voucher = voucher_cloud().get_voucher(probe.voucher_id)
    except (RefusedError, ContractError, CredentialsError):
        raise InsufficientBalanceError(code="balance_unreadable") from None
    if voucher.currency != currency:
        raise CurrencyMismatchError
    if voucher.remaining_amount is None:
        raise InsufficientBalanceError(code="balance_unreadable")
    lowered = CENT if gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance else ZERO
    return voucher.remaining_amount + lowered
