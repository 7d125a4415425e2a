"""The rungs of ``REFUND_FALLBACK``: the operation that gives back what a voucher could not take as a refund."""

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.operations.reference import new_reference
from voucher_payment_gateway.gateway.operations.sale_draft import draft_step
from voucher_payment_gateway.gateway.records.bookings import recorded_refunds
from voucher_payment_gateway.gateway.records.order_view import is_busy, read_order
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_id_for
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.rules.fallback import next_rung

__all__ = ["fallback_after"]


def fallback_after(operation: VoucherOperation) -> VoucherOperation | None:
    """Return the operation that follows a refund, or a rung, which was surely refused, not saved yet; None where a
    person decides. A new voucher's sale is written with the caller's transaction.

    Where the voucher has refunds that our records do not know, a person decides: they may be why it was refused.
    """
    refund = _refund_of(operation)
    if refund is None or not set(refund.baseline or ()) <= recorded_refunds(refund):
        return None
    settings = gateway_settings()
    possible = {"recharge", "new_voucher"} if settings.SEALING_KEYS else {"recharge"}
    match next_rung(settings.REFUND_FALLBACK, operation.kind, possible=possible):
        case "recharge":
            return _draft_recharge(refund)
        case "new_voucher":
            return _draft_voucher(refund)
    return None


def _refund_of(operation: VoucherOperation) -> VoucherOperation | None:
    """Return the refund in whose place ``operation`` was tried, or itself: of equal ones the last that was refused when
    a recharge was written."""
    if operation.kind == "refund":
        return operation
    if operation.sale is not None:
        return operation.sale.replaces_refund
    refunds = VoucherOperation.current.select_related("payment").filter(
        payment=operation.payment_id,
        kind="refund",
        state="refused",
        target_id=operation.target_id,
        amount=operation.amount,
        settled_at__lte=operation.created_at,
    )
    found: VoucherOperation | None = refunds.order_by("-settled_at").first()
    return found


def _draft_recharge(refund: VoucherOperation) -> VoucherOperation:
    """Return a recharge of what the refund could not give back. It acts on the same charge, so that the sums of that
    charge count it, and has a reference of its own, by which it is found again."""
    number = read_order(refund.order_number).next_number
    return VoucherOperation(
        payment=refund.payment,
        idempotency_key=refund.idempotency_key,
        order_number=refund.order_number,
        number=number,
        voucher_id=refund.voucher_id,
        kind="recharge",
        amount=refund.amount,
        amount_asked=refund.amount_asked,
        currency=refund.currency,
        target_id=refund.target_id,
        reference=new_reference(refund.order_number, number),
        waits=is_busy(refund.voucher_id),
        actor=refund.actor,
        reason=refund.reason,
    )


def _draft_voucher(refund: VoucherOperation) -> VoucherOperation:
    """Return the creation of a new voucher of what the refund could not give back, and write its sale.

    Its id is derived from the charge and the refund's number: a refund that is made again after a backup was put back
    finds this voucher, and no second one is given.
    """
    payment, number = refund.payment, refund.order_number
    is_rate_known = payment.tax_rate is not None or not payment.taxable
    sale = VoucherSale(
        order_number=number,
        account=payment.account,
        voucher_id=voucher_id_for(payment.account, number, f"refund:{refund.target_id}:{refund.number}"),
        key=f"refund:{refund.pk}",
        origin="refund",
        replaces_refund=refund,
        amount=refund.amount,
        currency=refund.currency,
        target="active",
        due_at=timezone.now(),
        delivery="signal" if gateway_settings().VOUCHER_DELIVERY == "signal" else "page",
        taxable=payment.taxable if is_rate_known else None,
        tax_rate=payment.tax_rate,
        actor=refund.actor,
        reason=refund.reason,
    )
    sale.save(force_insert=True)
    return draft_step(sale, "issue", idempotency_key=refund.idempotency_key, amount_asked=refund.amount_asked)
