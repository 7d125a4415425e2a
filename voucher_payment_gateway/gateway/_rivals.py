"""Two orders of the same shop and one voucher: the Voucher Cloud keeps one reservation, so the later one wins.

The earlier payment is told that it lapsed. It may reserve again when it is captured, and is charged at once then, so
two orders cannot evict each other for ever.
"""

from collections.abc import Iterable

from voucher_payment_gateway.exceptions import OperationInProgressError
from voucher_payment_gateway.gateway._announce import announce
from voucher_payment_gateway.gateway._orders import database
from voucher_payment_gateway.gateway._payments import change_payment, without_hold
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.signals import payment_lapsed

__all__ = ["let_go", "refuse_if_being_charged", "rivals_of", "take_over"]


def refuse_if_being_charged(rivals: Iterable[VoucherPayment]) -> None:
    """Raise OperationInProgressError where another order is being paid with the voucher just now."""
    for rival in rivals:
        if rival.pending:
            raise OperationInProgressError(
                "Another order is being paid with this gift voucher just now. Nothing was sent.",
                code="voucher_being_charged",
            )


def rivals_of(payments: Iterable[VoucherPayment]) -> list[VoucherPayment]:
    """Return the payments of other orders that hold the vouchers which these payments were made with."""
    payments = list(payments)
    holding = VoucherPayment.objects.using(database()).filter(
        status="authorized", code_fingerprint__in=[payment.code_fingerprint for payment in payments]
    )
    return list(holding.exclude(order_number__in=[payment.order_number for payment in payments]))


def take_over(payment: VoucherPayment) -> None:
    """Tell the payments of other orders whose reservation was replaced by that of ``payment``."""
    holding = VoucherPayment.objects.using(database()).filter(
        status="authorized", voucher_id=payment.voucher_id
    )
    for rival in holding.exclude(pk=payment.pk):
        if not rival.pending:
            let_go(rival)


def let_go(payment: VoucherPayment) -> None:
    """Write down that nothing is held for ``payment`` any more, and tell the shop."""
    held = payment.amount_authorized
    change_payment(payment, **without_hold(payment, otherwise="lapsed"))
    announce(payment_lapsed, payment, held)
