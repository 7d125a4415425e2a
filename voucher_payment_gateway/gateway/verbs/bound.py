"""``at_most``: what a call may move at most, for a person who was shown an amount and has confirmed that one."""

from collections.abc import Sequence
from decimal import Decimal

from voucher_payment_gateway import money
from voucher_payment_gateway.currencies import plain
from voucher_payment_gateway.exceptions import AmountError
from voucher_payment_gateway.gateway.records.archived import archived_money
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO

__all__ = ["bound", "may_be_refunded", "refuse_more"]


def bound(at_most: object) -> Decimal | None:
    """Return ``at_most`` as an amount of 0.00 or more, with no maximum: several vouchers may move more than one may.
    None for no bound. Raises AmountError."""
    return None if at_most is None else money.total(at_most, "at_most")


def may_be_refunded(payments: Sequence[VoucherPayment]) -> dict[int, Decimal]:
    """Return what a cancel of each payment refunds: what is charged, and what is being charged, since that is refunded
    as well once it is booked; without what is archived. For payments of an ``OrderView``. One statement at most."""
    archived = archived_money(payments)
    return {
        payment.pk: payment.amount_refundable + payment.open_charge - archived.get(payment.pk, ZERO)
        for payment in payments
    }


def refuse_more(payment: VoucherPayment, amount: Decimal, at_most: Decimal | None) -> None:
    """Raise AmountError (``more_than_allowed``) where ``amount`` is more than ``at_most``."""
    if at_most is not None and amount > at_most:
        raise AmountError(
            f"at_most: {plain(amount, payment.currency)} of order {payment.order_number} would move, more than the "
            f"{plain(at_most, payment.currency)} that this call may move. Nothing was sent.",
            code="more_than_allowed",
        )
