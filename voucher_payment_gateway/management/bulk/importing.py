"""Import a voucher that was sold before this package was installed: its row, and nothing else."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from voucher_payment_gateway.exceptions import VoucherGatewayError, VoucherUnusableError
from voucher_payment_gateway.gateway.holds.codes import clean_code
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.vouchers import complete_voucher_of, voucher_of
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.sealing import fingerprint, fingerprints, hint

__all__ = ["COLUMNS", "ImportedRow", "import_voucher"]

COLUMNS = ("voucher_id", "code", "order_number", "recipient_email")

OTHER_CODE = "its code is another one than that in the file: the two do not belong together."
WITH_ITS_CODE = " with its code, which needs the right read-secrets (it is imported without one in the file)"

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

    A code must be that of the voucher: else who pays in by the code would top up another one. It is compared with the
    one that the Voucher Cloud shows, which needs the right ``read-secrets``. One that is stored already is left as it
    is. Nothing is sent that changes the voucher, and nothing is stored where something is wrong.
    """
    known = VoucherSale.current.filter(account=account, voucher_id=row.voucher_id).first()
    if known is not None:
        is_other = (
            row.code and known.code_fingerprint and known.code_fingerprint not in fingerprints(row.code)
        )
        return OTHER_CODE if is_other else ""
    try:
        voucher = (complete_voucher_of if row.code else voucher_of)(row.voucher_id, account)
    except (VoucherGatewayError, ValueError) as error:
        return f"it cannot be read{WITH_ITS_CODE if row.code else ''}: {error}"
    if voucher is None:
        return "the Voucher Cloud has no such voucher."
    if row.code and not _has_code(voucher, row.code):
        return OTHER_CODE
    status = STATUSES.get(voucher.status)
    if status is None:
        return f"its status {voucher.status[:50]!r} is not known."
    fields = _fields(row) | {"account": account, "actor": actor[:150], "status": status, "target": status}
    amount = voucher.amount if voucher.amount is not None else voucher.remaining_amount
    given = {"amount": amount or 0, "currency": voucher.currency, "valid_until": voucher.valid_until}
    with suppress(ConflictError), atomic_or_conflict():  # another run was first
        VoucherSale.current.create(**given, **fields)
    return ""


@strip_traceback
def _has_code(voucher: Any, code: Opaque) -> bool:
    """Return whether the voucher, as it was read with its code, has this one."""
    try:
        own = clean_code(voucher.code or "", "").code
    except VoucherUnusableError:
        return False
    return fingerprint(own) in fingerprints(code)


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
