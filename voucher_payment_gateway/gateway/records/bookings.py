"""Reading the bookings of one voucher, all pages, as evidence."""

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import ContractError, RefusedError

__all__ = ["bookings_of"]


def bookings_of(voucher_id: str, account: str) -> list[Charge]:
    """Return every booking of the voucher, which is one of this account.

    Raises ContractError where the list cannot be read or contains another voucher's booking: then it proves neither
    presence nor absence. Raises UnavailableError and CredentialsError as well.
    """
    try:
        rows = list(voucher_cloud(account).list_voucher_charges(voucher_id))
    except RefusedError as error:
        raise ContractError(code="bookings_unreadable", http_status=error.http_status) from None
    if any(row.voucher_id not in (None, voucher_id) for row in rows):
        raise ContractError(code="bookings_of_another_voucher")
    return rows
