"""The handler of each kind of operation that passes through the three beats."""

from voucher_payment_gateway.gateway.operations.activate import ACTIVATE
from voucher_payment_gateway.gateway.operations.charge import CHARGE
from voucher_payment_gateway.gateway.operations.deactivate import DEACTIVATE
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.issue import ISSUE
from voucher_payment_gateway.gateway.operations.recharge import RECHARGE
from voucher_payment_gateway.gateway.operations.refund import REFUND
from voucher_payment_gateway.gateway.operations.release import RELEASE

__all__ = ["HANDLERS"]

HANDLERS: dict[str, OperationHandler] = {
    handler.kind: handler for handler in (CHARGE, REFUND, RELEASE, ISSUE, ACTIVATE, DEACTIVATE, RECHARGE)
}
