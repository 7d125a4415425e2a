"""Import a voucher that was sold before this package was installed: its row, and nothing else."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.vouchers import voucher_of
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.sealing import fingerprint, hint

__all__ = ["COLUMNS", "ImportedRow", "import_voucher"]

COLUMNS = ("voucher_id", "code", "order_number", "recipient_email")

STATUSES = {"active": "active", "inactive": "issued"}


@dataclass(frozen=True)
class ImportedRow:
    """One line of the file. Of the code only its fingerprint and its last characters are stored."""

    voucher_id: str
    order_number: str
    recipient_email: str
    code: Opaque


@strip_traceback
def import_voucher(row: ImportedRow, account: str, actor: str) -> str:
    """Store the sale of a voucher as the Voucher Cloud shows it; return what is wrong, or an empty text.

    One that is stored already is left as it is. Nothing is sent that changes the voucher.
    """
    if VoucherSale.current.filter(account=account, voucher_id=row.voucher_id).exists():
        return ""
    try:
        voucher = voucher_of(row.voucher_id, account)
    except (VoucherGatewayError, ValueError) as error:
        return f"it cannot be read: {error}"
    if voucher is None:
        return "the Voucher Cloud has no such voucher."
    status = STATUSES.get(voucher.status)
    if status is None:
        return f"its status {voucher.status[:50]!r} is not known."
    fields = _fields(row) | {"account": account, "actor": actor[:150], "status": status, "target": status}
    amount = voucher.amount if voucher.amount is not None else voucher.remaining_amount
    given = {"amount": amount or 0, "currency": voucher.currency, "valid_until": voucher.valid_until}
    with suppress(ConflictError), atomic_or_conflict():  # another run was first
        VoucherSale.current.create(**given, **fields)
    return ""


def _fields(row: ImportedRow) -> dict[str, Any]:
    known = {"code_hint": hint(row.code), "code_fingerprint": fingerprint(row.code)} if row.code else {}
    return known | {
        "order_number": row.order_number,
        "key": f"imported {row.voucher_id}"[:255],
        "voucher_id": row.voucher_id,
        "recipient_email": row.recipient_email,
        "origin": "imported",
        "delivery": "none",
    }
