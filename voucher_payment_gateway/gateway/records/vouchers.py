"""Reading one voucher by its id."""

from typing import TYPE_CHECKING

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import ContractError, CredentialsError, RefusedError, UnavailableError
from voucher_payment_gateway.opaque import strip_traceback

if TYPE_CHECKING:
    from voucher_payment_gateway.api import CompleteVoucher, Voucher

__all__ = ["complete_voucher_of", "is_gone", "voucher_of"]

NOT_FOUND = 404


def voucher_of(voucher_id: str, account: str) -> "Voucher | None":
    """Return the voucher with its balance, without its code; None where there is none (any more).

    Raises UnavailableError, CredentialsError or ContractError where it cannot be read: that proves nothing.
    """
    try:
        return voucher_cloud(account).get_voucher(voucher_id)
    except RefusedError as error:
        _refuse_unless_not_found(error)
        return None


def is_gone(voucher_id: str, account: str) -> bool:
    """Return whether the Voucher Cloud certainly has no such voucher, so that nothing can be booked on it."""
    try:
        return voucher_of(voucher_id, account) is None
    except (UnavailableError, CredentialsError, ContractError):
        return False


@strip_traceback
def complete_voucher_of(voucher_id: str, account: str) -> "CompleteVoucher | None":
    """Return the voucher with its code and PIN; None where there is none. Needs the right ``read-secrets``."""
    try:
        return voucher_cloud(account).get_complete_voucher(voucher_id)
    except RefusedError as error:
        _refuse_unless_not_found(error)
        return None


def _refuse_unless_not_found(error: RefusedError) -> None:
    if error.http_status != NOT_FOUND:
        raise ContractError(code="voucher_unreadable", http_status=error.http_status) from None
