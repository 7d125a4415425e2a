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
    followed by another one; so is one of a deleted order that had this number, whose sale has another key since."""
    namespace = _namespace()
    sales = VoucherSale.current.filter(account=account)
    position = sales.filter(order_number=order_number, key=key).count() + 1
    while True:
        name = "\n".join((account, order_number, key, str(position)))
        voucher_id = f"vpg-{uuid.uuid5(namespace, name).hex}"
        if not sales.filter(voucher_id=voucher_id).exists():
            return voucher_id
        position += 1


def _namespace() -> uuid.UUID:
    row, _ = VoucherGatewayState.current.get_or_create(name=ROW, defaults={"value": uuid.uuid4().hex})
    return uuid.UUID(row.value)
