"""What a call to the Voucher Cloud is for: a sale, a top up, store credit, or what goes back in place of a refund."""

from tests.proofs.storm.faults import FaultInjector
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["of_recharge", "of_voucher", "purpose_of"]

OF_ORIGIN = {"sold": "sale", "credit": "credit", "refund": "fallback"}


def of_recharge(reference: str, injector: FaultInjector) -> str:
    """Return what the recharge with this reference is for."""
    with injector.paused():
        recharges = VoucherOperation.objects.select_related("sale", "idempotency_key")
        found = recharges.filter(kind="recharge", reference=reference).first()
    return purpose_of(found) if found else ""


def of_voucher(voucher_id: str, injector: FaultInjector) -> str:
    """Return what the voucher with this id was created for."""
    with injector.paused():
        sale = VoucherSale.objects.filter(voucher_id=voucher_id).first()
    return OF_ORIGIN.get(sale.origin, "") if sale else ""


def purpose_of(operation: VoucherOperation) -> str:
    """Return what an operation of a sale is for; "fallback" also for a recharge of a payment."""
    if operation.kind != "recharge":
        return OF_ORIGIN.get(operation.sale.origin, "")
    if operation.sale_id is None:
        return "fallback"
    return operation.idempotency_key.verb if operation.idempotency_key else ""
