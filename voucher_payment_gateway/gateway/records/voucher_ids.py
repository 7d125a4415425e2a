"""The id under which a voucher is created: the same for the same voucher of the same order, also after a backup was put
back that does not know the sale any more.

It is derived from a random namespace of this database, so another shop with the same order numbers has other ids.
"""

import uuid
from collections.abc import Collection
from itertools import count

from voucher_payment_gateway.models import VoucherGatewayState, VoucherSale

__all__ = ["voucher_id_for", "voucher_ids_for"]

ROW = "voucher_namespace"


def voucher_id_for(account: str, order_number: str, key: str) -> str:
    """Return the id of the next voucher of this order with this key: see ``voucher_ids_for``."""
    return voucher_ids_for(account, order_number, [key])[key]


def voucher_ids_for(account: str, order_number: str, keys: Collection[str]) -> dict[str, str]:
    """Return the id of the next voucher of this order for each of its ``keys``: the first one that no sale has. One
    that was replaced, was not paid in time, or is of a deleted order with the same number, is followed by another one.
    """
    namespace, ids = _namespace() if keys else uuid.UUID(int=0), dict[str, str]()
    for position in count(1):
        left = {_id(namespace, account, order_number, key, position): key for key in keys if key not in ids}
        if not left:
            break
        sales = VoucherSale.current.filter(account=account, voucher_id__in=list(left))
        taken = set(sales.values_list("voucher_id", flat=True))
        ids |= {key: voucher_id for voucher_id, key in left.items() if voucher_id not in taken}
    return ids


def _id(namespace: uuid.UUID, *parts: str | int) -> str:
    name = "\n".join(map(str, parts))
    return f"vpg-{uuid.uuid5(namespace, name).hex}"


def _namespace() -> uuid.UUID:
    row, _ = VoucherGatewayState.current.get_or_create(name=ROW, defaults={"value": uuid.uuid4().hex})
    return uuid.UUID(row.value)
