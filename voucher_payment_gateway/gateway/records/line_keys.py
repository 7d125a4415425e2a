"""An order line keeps its key: one that has another key by now is no new line."""

from collections.abc import Iterable

from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherSale

__all__ = ["refuse_changed_keys"]


def refuse_changed_keys(left: Iterable[VoucherSale]) -> None:
    """Raise WrongStateError (``line_key_changed``) where one of ``left``, the sales that no line of the order has any
    more, is active, while the order sells a voucher under a new key: a shop that deletes its lines and writes them
    again would sell each voucher twice. Nothing was sent."""
    for sale in left:
        if sale.status == sale.target == "active":
            raise WrongStateError(
                f"order {sale.order_number}: no line has the key {sale.key!r} any more, and its gift voucher "
                f"…{sale.code_hint} is active: another one is not sold in its place. Give a line the same key at every "
                "call, or take the voucher back first. Nothing was sent.",
                code="line_key_changed",
            )
