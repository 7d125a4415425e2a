"""The id under which a voucher is created: the same for the same voucher of the same order, also after a backup was put
back that does not know the sale any more.

It is derived from a random namespace of this database, so another shop with the same order numbers has other ids.
"""

import uuid

from voucher_payment_gateway.models import VoucherGatewayState, VoucherSale

__all__ = ["voucher_id_for"]

ROW = "voucher_namespace"


def voucher_id_for(account: str, order_number: str, key: str) -> str:
    """Return the id of the next voucher of this order with this key. One that was replaced, or was not paid in time, is
    followed by another one."""
    earlier = VoucherSale.current.filter(account=account, order_number=order_number, key=key).count()
    name = "\n".join((account, order_number, key, str(earlier + 1)))
    return f"vpg-{uuid.uuid5(_namespace(), name).hex}"


def _namespace() -> uuid.UUID:
    row, _ = VoucherGatewayState.current.get_or_create(name=ROW, defaults={"value": uuid.uuid4().hex})
    return uuid.UUID(row.value)
