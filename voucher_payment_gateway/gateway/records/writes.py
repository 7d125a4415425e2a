"""The statements by which payments and operations are written most: each is composed once."""

from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.compiled import CompiledInsert, CompiledUpdate

__all__ = ["INSERT_OPERATION", "INSERT_PAYMENT", "UPDATE_OPERATION", "UPDATE_PAYMENT"]

INSERT_OPERATION, UPDATE_OPERATION = CompiledInsert(VoucherOperation), CompiledUpdate(VoucherOperation)
INSERT_PAYMENT, UPDATE_PAYMENT = CompiledInsert(VoucherPayment), CompiledUpdate(VoucherPayment)
