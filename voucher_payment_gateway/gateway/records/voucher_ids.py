"""The id under which a voucher is created: the same for the same voucher of the same order, also after a backup was put
back that does not know the sale any more.

It is derived from a random namespace of this database, so another shop with the same order numbers has other ids.
"""

import uuid
from itertools import count

from voucher_payment_gateway.models import VoucherGatewayState, VoucherSale

__all__ = ["voucher_id_for"]

ROW = "voucher_namespace"


def voucher_id_for(account: str, order_number: str, key: str) -> str:
    """Return the id of the next voucher of this order with this key: the first one that no sale has. One that was
    replaced, was not paid in time, or is of a deleted order with the same number, is followed by another one."""
    namespace = _namespace()
    for position in count(1):
        name = "\n".join((account, order_number, key, str(position)))
        voucher_id = f"vpg-{uuid.uuid5(namespace, name).hex}"
        if not VoucherSale.current.filter(account=account, voucher_id=voucher_id).exists():
            break
    return voucher_id


def _namespace() -> uuid.UUID:
    row, _ = VoucherGatewayState.current.get_or_create(name=ROW, defaults={"value": uuid.uuid4().hex})
    return uuid.UUID(row.value)
