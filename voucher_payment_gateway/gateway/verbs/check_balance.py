"""The balance of a voucher, for whoever knows its code and PIN.

The API reads no voucher by its code, so the smallest unit is reserved to learn its id. A reservation replaces an older
one: where this shop holds the voucher for an order, or counts on it, nothing is reserved. Then the code and PIN are
compared with those that are stored for that order.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import smallest_unit, supported_currency
from voucher_payment_gateway.exceptions import (
    RefusedError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.gateway.holds.competing import knows_pin
from voucher_payment_gateway.gateway.holds.control import refuse_as_unusable
from voucher_payment_gateway.gateway.holds.look_up import give_back
from voucher_payment_gateway.gateway.holds.reserve import reserve_available
from voucher_payment_gateway.gateway.operations.reservation import renew
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.order_view import is_competing, read_order
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.opaque import Opaque, opaque_code
from voucher_payment_gateway.sealing import Secret, fingerprints

__all__ = ["VoucherBalance", "check_balance"]


@dataclass(frozen=True)
class VoucherBalance:
    """What is left on a voucher, in units of ``currency``, and until when it is valid."""

    amount: Decimal
    currency: str
    valid_until: datetime | None


@opaque_code
def check_balance(
    code: str | Opaque, *, pin: str | Opaque = "", currency: str = "", account: str = ""
) -> VoucherBalance:
    """Return the balance of the voucher with this code. ``currency`` is that of the voucher, by default ``CURRENCY``.

    No hold of this shop is lost by it; one of another shop or a till may be. Throttle it like a redemption: the page of
    ``BALANCE_CHECK`` does. Raises VoucherUnusableError, deliberately one error for every code that cannot be redeemed,
    an empty voucher included; UnavailableError and CredentialsError where nothing can be told. No money moves.
    """
    secret = clean_code(code, pin)
    currency = supported_currency(currency or gateway_settings().CURRENCY)
    counted_on = _counted_on(secret, account)
    if counted_on:
        if not knows_pin(secret, counted_on):
            refuse_as_unusable(currency, account)
        return _read(counted_on[0].voucher_id, account)
    hold = reserve_available(secret, smallest_unit(currency), currency, account=account)
    try:
        return _read(hold.voucher_id, account, reserved=hold.amount)
    finally:
        for payment in give_back(hold):
            _hold_again(payment)


def _counted_on(secret: Secret, account: str) -> list[VoucherPayment]:
    """Return the payments that hold a voucher with this code, or count on it."""
    known = VoucherPayment.current.with_open_charge().filter(
        code_fingerprint__in=fingerprints(secret.code), account=account
    )
    return [payment for payment in known.order_by("-pk") if payment.voucher_id and is_competing(payment)]


def _hold_again(payment: VoucherPayment) -> None:
    """Reserve again for the order that held the voucher by another spelling of its code."""
    with suppress(
        VoucherGatewayError, ConflictError
    ):  # it is due to be renewed, and the charge reserves again
        renew(payment, payment.amount_authorized, read_order(payment.order_number).next_number)


def _read(voucher_id: str, account: str, *, reserved: Decimal = ZERO) -> VoucherBalance:
    """Return the balance of the voucher, to which ``reserved`` of our own belongs. Raises UnavailableError where it is
    not shown."""
    try:
        voucher = voucher_of(voucher_id, account)
    except RefusedError as error:
        raise UnavailableError(code="balance_unreadable", http_status=error.http_status) from None
    if voucher is None:
        raise VoucherUnusableError
    if voucher.remaining_amount is None:
        raise UnavailableError(code="balance_unreadable")
    lowered = gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance
    left = voucher.remaining_amount + (reserved if lowered else ZERO)
    return VoucherBalance(left, voucher.currency, voucher.valid_until)
