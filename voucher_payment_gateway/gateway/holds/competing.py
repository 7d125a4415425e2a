"""Several orders of this shop and one voucher: the Voucher Cloud keeps one reservation, so the later one wins.

The earlier payment lapses, and a signal is sent. When it is captured it may be reserved again, and is then charged at
once, so two orders cannot evict each other for ever.
"""

from collections.abc import Iterable

from voucher_payment_gateway.exceptions import OperationInProgressError
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.payments import change_payment, hold_ended_fields
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.sealing import fingerprints, unseal
from voucher_payment_gateway.signals import payment_lapsed

__all__ = ["any_in_flight", "competing_payments", "lapse_replaced", "mark_lapsed", "refuse_if_in_flight"]


def refuse_if_in_flight(competing: Iterable[VoucherPayment]) -> None:
    """Raise OperationInProgressError while another order is being paid with the voucher."""
    if any_in_flight(competing):
        raise OperationInProgressError(
            "Another order is being paid with this gift voucher just now. Nothing was sent.",
            code="voucher_being_charged",
        )


def any_in_flight(payments: Iterable[VoucherPayment]) -> bool:
    """Return whether an operation of one of the payments is open. A queued one (``waits``) does not count."""
    pks = [payment.pk for payment in payments]
    operations = VoucherOperation.current.filter(payment__in=pks, waits=False)
    return bool(pks) and bool(operations.filter(state__in=OPEN_STATES).exists())


def competing_payments(payments: Iterable[VoucherPayment]) -> list[VoucherPayment]:
    """Return the payments of other orders that hold the vouchers of these payments."""
    payments = list(payments)
    orders = {payment.order_number for payment in payments}
    codes = [code for payment in payments for code in _fingerprints_of(payment)]
    vouchers = [payment.voucher_id for payment in payments if payment.voucher_id]
    holding = VoucherPayment.current.filter(status="authorized")
    # two statements: for an OR, SQLite scans the table
    found = [*holding.filter(code_fingerprint__in=codes), *holding.filter(voucher_id__in=vouchers)]
    competing = {payment.pk: payment for payment in found if payment.order_number not in orders}
    return [competing[pk] for pk in sorted(competing)]


def lapse_replaced(payment: VoucherPayment) -> None:
    """Mark as lapsed the payments of other orders whose reservation was replaced by that of ``payment``."""
    holding = VoucherPayment.current.filter(status="authorized", voucher_id=payment.voucher_id)
    for replaced in holding.exclude(pk=payment.pk).order_by("pk"):
        if not any_in_flight([replaced]):
            mark_lapsed(replaced)


def mark_lapsed(payment: VoucherPayment) -> None:
    """Record that nothing is held for ``payment`` any more, and send the signal."""
    held = payment.amount_authorized
    change_payment(payment, **hold_ended_fields(payment, otherwise="lapsed"))
    announce(payment_lapsed, payment, held)


def _fingerprints_of(payment: VoucherPayment) -> list[str]:
    """Return the fingerprints of the code under all keys: the sealing key may have been rotated since."""
    secret = unseal(payment.sealed_code)
    return fingerprints(secret.code) if secret else [payment.code_fingerprint]
