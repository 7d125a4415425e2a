"""The host's last look before an order is authorized: what is held for it at this moment."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

from oscarapicheckout.utils import get_order_authorized_amount

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.hosts.oscar.sources import record

__all__ = ["authorized_amount"]


def authorized_amount(order: Any) -> Decimal:
    """Return what is recorded against ``order``, its gift vouchers confirmed: the host's
    ``ORDER_AUTHORIZED_AMOUNT_CALCULATOR``.

    Another method may have taken longer than a voucher is held. So each voucher is reserved again where that is needed,
    and only what it really holds counts; if that is less than the total, the host declines the order, and nothing is
    confirmed. No money moves.
    """
    held = _held(order, confirm=False)
    return held if held < order.total_incl_tax else _held(order, confirm=True)


def _held(order: Any, *, confirm: bool) -> Decimal:
    with suppress(VoucherGatewayError):  # logged by the gateway; what is not held is not counted
        gateway.authorize_selected(order, confirm=confirm)
    record(order.number)
    return Decimal(get_order_authorized_amount(order))
