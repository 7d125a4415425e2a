"""The bookings of one voucher: read at the Voucher Cloud, all pages, and as our records have them."""

from typing import TYPE_CHECKING

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import ContractError, RefusedError
from voucher_payment_gateway.gateway.records.archived import archived_on
from voucher_payment_gateway.models import VoucherOperation

if TYPE_CHECKING:
    from voucher_payment_gateway.api import Charge

__all__ = ["bookings_of", "recorded_refunds"]


def bookings_of(voucher_id: str, account: str) -> "list[Charge]":
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


def recorded_refunds(operation: VoucherOperation) -> set[str]:
    """Return the remote ids of the refunds on the voucher of ``operation`` that our records have, the archive too."""
    live, archived = (
        rows.filter(kind="refund").exclude(remote_id="").order_by().values_list("remote_id", flat=True)
        for rows in (
            VoucherOperation.current.on_voucher_of(operation),
            archived_on(operation.account, [operation.voucher_id]),
        )
    )
    return set(live.union(archived).order_by())
