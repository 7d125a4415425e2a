"""Reserve at the Voucher Cloud: an exact amount, or as much of it as the voucher holds.

A reservation moves no money and lapses by itself, and a repeated one replaces a lost one. So nothing is stored before
it is sent: this module has no database access and may run in any thread.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from voucher_payment_gateway.api import Reservation
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    CurrencyMismatchError,
    InsufficientBalanceError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.gateway.holds.control import equalise_calls, make_up_a_call, raise_if_ours
from voucher_payment_gateway.gateway.holds.taxable import is_refused_as_taxable
from voucher_payment_gateway.money import ZERO, round_down
from voucher_payment_gateway.rules.resolution import expired_at
from voucher_payment_gateway.rules.timing import held_until
from voucher_payment_gateway.sealing import Secret

__all__ = [
    "Hold",
    "release",
    "reserve_available",
    "reserve_exactly",
]

HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Hold:
    """A granted reservation. It ends at ``until`` on our own clock, and from ``expired_at`` on it certainly cannot be
    charged any more."""

    reservation_id: str
    voucher_id: str
    amount: Decimal
    until: datetime
    expired_at: datetime
    taxable: bool | None
    tax_rate: Decimal | None
    account: str = ""
    """The merchant account whose voucher it is."""
    is_all: bool = False
    """Whether it is the voucher's whole balance, which is less than was wanted."""


def reserve_exactly(
    secret: Secret,
    amount: Decimal,
    currency: str,
    *,
    account: str,
    voucher_id: str = "",
    on_previous_lost: Callable[[], object] = lambda: None,
) -> Hold:
    """Reserve ``amount`` on a voucher of the account. Raises RefusedError, UnavailableError or CredentialsError; then
    nothing is held.

    Retried once where the outcome is unknown, or the answer is for another voucher than the given ``voucher_id``: the
    new reservation replaces the lost one. ``on_previous_lost`` is called before the retry, since an earlier reservation
    of the voucher may be lost by then.
    """
    try:
        return _reserve(secret, amount, currency, account, voucher_id)
    except OutcomeUnknownError:
        on_previous_lost()
    try:
        return _reserve(secret, amount, currency, account, voucher_id)
    except OutcomeUnknownError as error:
        if error.code == "answer_not_ours":
            raise UnavailableError(code="answer_not_ours") from None
        raise UnavailableError(code="reservation_unanswered", http_status=error.http_status) from None


def reserve_available(
    secret: Secret,
    wanted: Decimal,
    currency: str,
    *,
    account: str,
    voucher_id: str = "",
    on_previous_lost: Callable[[], object] = lambda: None,
) -> Hold:
    """Reserve ``wanted``, or the voucher's balance if that is less. At most four calls, and a control reservation.

    The balance of a code cannot be read. After a refusal whose reason may be the balance, the smallest unit of the
    currency (0.01 EUR, 1 JPY) is reserved to learn the voucher's id, its balance is read, and the balance is reserved.
    Every refusal of a code costs two calls, whatever the reason, and once in a minute a control reservation: otherwise
    the response time would tell which codes exist. ``on_previous_lost`` is called where an earlier reservation of the
    voucher is lost, or may be. Raises the errors of ``reserve_exactly``, ContractError where the balance cannot be
    understood.
    """
    try:
        return _reserve_available(secret, wanted, currency, account, voucher_id, on_previous_lost)
    except VoucherUnusableError as error:
        equalise_calls(error, currency, account)
        raise


def _reserve_available(
    secret: Secret,
    wanted: Decimal,
    currency: str,
    account: str,
    voucher_id: str,
    on_previous_lost: Callable[[], object],
) -> Hold:
    try:
        hold = reserve_exactly(
            *(secret, wanted, currency),
            account=account,
            voucher_id=voucher_id,
            on_previous_lost=on_previous_lost,
        )
    except CredentialsError as error:
        raise_if_ours(error, currency, account, was_held=bool(voucher_id))
    except RefusedError as error:
        if not _may_be_the_balance(error):
            raise
    else:
        return _unless_taxable(hold, currency, on_previous_lost, release_it=True)
    unit = smallest_unit(currency)
    probe = _probe(secret, currency, account, voucher_id, on_previous_lost)
    on_previous_lost()
    probe = _unless_taxable(probe, currency, on_previous_lost, release_it=False)
    if wanted == unit:
        return probe
    return _reserve_balance(probe, secret, wanted, currency)


def _reserve_balance(probe: Hold, secret: Secret, wanted: Decimal, currency: str) -> Hold:
    """Reserve ``wanted``, or the voucher's balance if that is less, on the voucher that the probe found."""
    available = _available(probe, currency)
    if available <= smallest_unit(currency):
        return replace(probe, is_all=True)
    try:
        hold = reserve_exactly(
            secret, min(wanted, available), currency, account=probe.account, voucher_id=probe.voucher_id
        )
    except (RefusedError, CredentialsError):  # a 403 may be a refusal as well: the probe was granted
        hold = _reserve_remainder(probe, secret, min(wanted, available), currency)
    return replace(hold, is_all=available < wanted)


def _unless_taxable(
    hold: Hold, currency: str, on_previous_lost: Callable[[], object], *, release_it: bool
) -> Hold:
    """Return ``hold``. Raises VoucherUnusableError for a voucher that ``TAXABLE_VOUCHERS`` refuses; it is released, or
    left to lapse where releasing it would be a third call. Where the release is switched off another call is made in
    its place: every refusal costs two."""
    if not is_refused_as_taxable(hold.taxable):
        return hold
    on_previous_lost()
    if release_it and gateway_settings().CANCEL_RESERVATION_CALL:
        release(hold.reservation_id, hold.account)
    elif release_it:
        make_up_a_call(currency, hold.account)
    raise VoucherUnusableError(code="taxable_voucher")


def _reserve_remainder(probe: Hold, secret: Secret, amount: Decimal, currency: str) -> Hold:
    """Reserve the rest, if the API counts our own probe as taken. Another client may have taken the rest as well."""
    try:
        return reserve_exactly(
            secret, amount - probe.amount, currency, account=probe.account, voucher_id=probe.voucher_id
        )
    except RefusedError:
        raise InsufficientBalanceError(available=amount) from None


def release(reservation_id: str, account: str) -> None:
    """Ask the Voucher Cloud to release a reservation of this account.

    The documentation has no such call, so nothing relies on it: whatever the answer, the reservation lapses. With
    ``CANCEL_RESERVATION_CALL`` false it is not asked, whoever calls this.
    """
    if gateway_settings().CANCEL_RESERVATION_CALL:
        with suppress(VoucherGatewayError):
            voucher_cloud(account).cancel_reservation(reservation_id)


def _reserve(secret: Secret, amount: Decimal, currency: str, account: str, voucher_id: str) -> Hold:
    answer = voucher_cloud(account).reserve(
        code=secret.code.reveal(), pin=secret.pin.reveal(), amount=amount, currency=currency
    )
    if voucher_id and answer.voucher_id != voucher_id:
        raise OutcomeUnknownError(code="answer_not_ours")
    return _as_hold(answer, account)


def _as_hold(answer: Reservation, account: str) -> Hold:
    until = held_until(timezone.now())
    return Hold(
        reservation_id=answer.id,
        voucher_id=answer.voucher_id,
        amount=answer.amount,
        until=until,
        expired_at=expired_at(until, answer.valid_until),
        taxable=answer.voucher_taxable,
        tax_rate=_rate(answer.voucher_tax_rate),
        account=account,
    )


def _rate(rate: Decimal | None) -> Decimal | None:
    """Return a valid rate in percent, or None: an invalid one counts as unknown."""
    return rate if rate is not None and ZERO <= rate < HUNDRED and rate == round(rate, 2) else None


def _may_be_the_balance(error: RefusedError) -> bool:
    is_unspecific = type(error) is RefusedError
    return is_unspecific or isinstance(error, InsufficientBalanceError | VoucherUnusableError)


def _as_unusable(error: RefusedError | CredentialsError) -> RefusedError:
    if isinstance(error, RefusedError) and type(error) is not RefusedError:
        return error
    return VoucherUnusableError(api_code=error.api_code, http_status=error.http_status)


def _probe(
    secret: Secret, currency: str, account: str, voucher_id: str, on_previous_lost: Callable[[], object]
) -> Hold:
    try:
        return reserve_exactly(
            secret,
            smallest_unit(currency),
            currency,
            account=account,
            voucher_id=voucher_id,
            on_previous_lost=on_previous_lost,
        )
    except RefusedError as error:
        raise _as_unusable(error) from None
    except CredentialsError as error:
        raise_if_ours(error, currency, account, was_held=bool(voucher_id))
        raise _as_unusable(error) from None


def _available(probe: Hold, currency: str) -> Decimal:
    """Return the voucher's balance in whole units of the currency, the probe's own included. Raises CredentialsError
    where the right to read it is missing, and ContractError for an invalid answer: the operator is told, the customer
    reads nothing false about the balance."""
    try:
        voucher = voucher_cloud(probe.account).get_voucher(probe.voucher_id)
    except RefusedError:
        raise InsufficientBalanceError(code="balance_unreadable") from None
    if voucher.currency != currency:
        raise CurrencyMismatchError
    if voucher.remaining_amount is None:
        raise InsufficientBalanceError(code="balance_unreadable")
    unit = smallest_unit(currency)
    lowered = unit if gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance else ZERO
    return round_down(voucher.remaining_amount + lowered, unit)
