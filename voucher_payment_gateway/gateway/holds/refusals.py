"""Why the Voucher Cloud refuses a voucher that was held before."""

from decimal import Decimal

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    InsufficientBalanceError,
    RefusedError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.money import ZERO

__all__ = ["available_on", "refusal_of_held"]

UNEXPLAINED = {error.default_code for error in (RefusedError, VoucherUnusableError, InsufficientBalanceError)}
"""Codes of refusals that do not say why a voucher which was held before is refused now."""


def available_on(voucher_id: str, account: str) -> Decimal | None:
    """Return the balance of a voucher of this account; None where it cannot be read."""
    try:
        return voucher_cloud(account).get_voucher(voucher_id).remaining_amount
    except VoucherGatewayError:
        return None


def refusal_of_held(error: RefusedError, voucher_id: str, account: str) -> RefusedError:
    """Return why a voucher that was held is refused now: it was used elsewhere (``spent_elsewhere``), or cannot be
    redeemed any more (``no_longer_redeemable``). One read, if the refusal itself does not say."""
    if error.code not in UNEXPLAINED:
        return error
    available = getattr(error, "available", None)
    if available is None:
        available = available_on(voucher_id, account)
    api_code, status = error.api_code, error.http_status
    if available is not None and (available <= ZERO or isinstance(error, InsufficientBalanceError)):
        return InsufficientBalanceError(
            available=available, code="spent_elsewhere", api_code=api_code, http_status=status
        )
    if isinstance(error, InsufficientBalanceError):
        return error
    return VoucherUnusableError(code="no_longer_redeemable", api_code=api_code, http_status=status)
