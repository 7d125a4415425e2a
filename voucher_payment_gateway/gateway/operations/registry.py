"""The procedure of each kind of operation that is carried out by the three beats."""

from voucher_payment_gateway.gateway.operations.handler import Procedure
from voucher_payment_gateway.gateway.verbs.cancel import RELEASE
from voucher_payment_gateway.gateway.verbs.capture import CHARGE
from voucher_payment_gateway.gateway.verbs.refund import REFUND

__all__ = ["PROCEDURES"]

PROCEDURES: dict[str, Procedure] = {"charge": CHARGE, "refund": REFUND, "cancel": RELEASE}
