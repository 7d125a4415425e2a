"""Which reservations of a voucher were left open, as our own records tell: they cannot be read remotely."""

from collections.abc import Sequence
from datetime import datetime

from voucher_payment_gateway.gateway.reconciliation.drafts import hold_draft
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.comparison import is_left_open
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES

__all__ = ["holds_left_open"]


def holds_left_open(
    operations: Sequence[VoucherOperation], now: datetime
) -> tuple[list[VoucherDifference], set[str]]:
    """Return the reservations that were left open, and those of payments with something under way."""
    payments = {
        operation.payment_id: operation.payment
        for operation in operations
        if operation.payment and operation.payment.voucher_id == operation.voucher_id
    }
    pending = {each.payment_id for each in operations if each.state in OPEN_STATES}
    used_up = {
        operation.target_id
        for operation in operations
        if operation.attempts and operation.kind in (*MONEY_KINDS, "cancel")
    }
    left_open = [
        hold_draft(payment, operations)
        for payment in payments.values()
        if payment.pk not in pending and _is_left_open(payment, used_up, now)
    ]
    return left_open, {
        payment.reservation_id
        for payment in payments.values()
        if payment.pk in pending and payment.reservation_id
    }


def _is_left_open(payment: VoucherPayment, used_up: set[str], now: datetime) -> bool:
    was_used_up = payment.reservation_id in used_up
    return is_left_open(payment.status, payment.reservation_dead_at, was_used_up=was_used_up, now=now)
