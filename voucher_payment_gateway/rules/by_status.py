"""Whether the status of an order asks for something that has not been done with one of its vouchers."""

from typing import Protocol

from voucher_payment_gateway.rules.cover import PaymentFigures, is_unpaid, outlives_hold
from voucher_payment_gateway.rules.states import NOT_ENDED

__all__ = ["SWEPT_VERBS", "PaymentState", "may_have_effect"]

SWEPT_VERBS = ("authorize", "capture", "refund", "cancel")
"""The verbs that a status may ask for and that are looked at again."""


class PaymentState(PaymentFigures, Protocol):
    """What this rule reads of a payment."""

    has_open_operation: bool
    was_refused: bool
    """Whether a refund of its order was refused, or is left to a person: then a person does the rest."""


def may_have_effect(verb: str, payment: PaymentState) -> bool:
    """Return whether the verb may change something about the payment. What was done, is under way or requested, or is
    left to a person, is not done again."""
    if payment.cancel_requested_at is not None:
        return False
    match verb:
        case "authorize":
            is_unconfirmed = payment.confirmed_at is None and payment.status in ("selected", "authorized")
            return is_unconfirmed and not payment.has_open_operation
        case "capture":
            is_to_be_told = payment.status == "lapsed" and is_unpaid(payment)
            return (_is_chargeable(payment) or is_to_be_told) and not payment.has_open_operation
        case "refund":
            is_charged = payment.amount_captured > payment.amount_refunded
            return is_charged and not payment.has_open_operation and not payment.was_refused
        case "cancel":
            return _is_cancellable(payment) and not payment.was_refused
        case _:
            return False


def _is_chargeable(payment: PaymentState) -> bool:
    can_be_held_again = payment.status == "lapsed" and bool(payment.sealed_code)
    is_left = payment.amount_agreed > payment.amount_captured
    return payment.status == "authorized" or (can_be_held_again and is_left) or outlives_hold(payment)


def _is_cancellable(payment: PaymentState) -> bool:
    """Return whether something is left to cancel. The rest of a refunded payment may still be charged later."""
    if payment.status == "refunded":
        return payment.has_open_operation or bool(payment.sealed_code)
    return payment.status in NOT_ENDED
