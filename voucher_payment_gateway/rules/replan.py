"""How much a charge takes that was planned inside the shop's transaction, once that is committed.

The order may cost less or more than it did when the verb was called. A charge with a lower number comes first: a later
one leaves it what it takes, so two workers that plan two charges of one order at the same moment never take the same
cent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from voucher_payment_gateway.rules.cover import AfterReturn, PaymentFigures, agreed, outstanding, settled
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["OpenCharge", "OrderPayment", "replanned"]

ZERO = Decimal("0.00")

CAPTURE_ORDER: Final = (*HELD_BEFORE, "captured", "refunded")
"""The payments that a capture takes from, in this order; one without an amount takes only from those held before."""


class OrderPayment(PaymentFigures, Protocol):
    """A payment of the order, oldest first by ``pk``."""

    pk: int


@dataclass(frozen=True)
class OpenCharge:
    """A charge of the order whose outcome is open, or left to a person."""

    number: int
    payment: int | None
    amount: Decimal
    is_fixed: bool
    """Whether it was sent, or is being sent: its amount does not change any more."""


def replanned(
    charge: OpenCharge,
    total: Decimal,
    payments: Iterable[OrderPayment],
    charges: Iterable[OpenCharge],
    *,
    is_limited: bool,
    after_return: AfterReturn,
) -> Decimal:
    """Return what ``charge``, which was not sent yet, takes of an order that costs ``total``; zero: nothing is wanted.

    ``charges`` are all open charges of the order. With ``is_limited`` the caller named an amount, so it takes no more
    than was planned. Without it, more is taken if the order needs more and the customer agreed to it; but only what no
    other voucher of the order is to pay.
    """
    live = [payment for payment in payments if payment.status != "cancelled" or payment.pk == charge.payment]
    own = next(payment for payment in live if payment.pk == charge.payment)
    others = [payment for payment in live if payment is not own]
    left = total - sum((settled(payment, after_return) for payment in live), ZERO)
    first = [other for other in charges if other != charge and _comes_first(other, charge)]
    later = [other for other in charges if other != charge and other not in first]

    agreed_to = own.amount_agreed - own.amount_captured - _of(first, own)
    kept = min(
        charge.amount, agreed_to, left - _taken_first(own, others, first, later, is_limited=is_limited)
    )
    if is_limited:
        return max(kept, ZERO)
    reach = (agreed_to if own.sealed_code else min(agreed_to, own.amount_authorized)) - _of(later, own)
    free = left - sum(map(outstanding, others), ZERO) - _of([*first, *later], own)
    return max(kept, min(reach, free), ZERO)


def _comes_first(other: OpenCharge, charge: OpenCharge) -> bool:
    return other.is_fixed or other.number < charge.number


def _of(charges: Iterable[OpenCharge], payment: OrderPayment) -> Decimal:
    return sum((charge.amount for charge in charges if charge.payment == payment.pk), ZERO)


def _taken_first(
    own: OrderPayment,
    others: Sequence[OrderPayment],
    first: Sequence[OpenCharge],
    later: Sequence[OpenCharge],
    *,
    is_limited: bool,
) -> Decimal:
    """Return what the charges that come first take, and what is kept for vouchers that are captured some other time.

    A voucher that comes later in the order of a capture, or whose charge comes later, is given what this charge leaves.
    """
    comes_later = {charge.payment for charge in later}
    kept_for_others = sum(
        (
            max(payment.amount_authorized, agreed(payment), _of(first, payment)) - _of(first, payment)
            for payment in others
            if payment.pk not in comes_later and _is_before(payment, own, is_limited=is_limited)
        ),
        ZERO,
    )
    return kept_for_others + sum((charge.amount for charge in first), ZERO)


def _is_before(payment: OrderPayment, own: OrderPayment, *, is_limited: bool) -> bool:
    """Return whether a capture takes from ``payment`` before it takes from ``own``, or does not take from it at all."""
    order = CAPTURE_ORDER if is_limited else HELD_BEFORE
    if payment.status not in order:
        return True
    position = order.index(own.status) if own.status in order else len(order)
    return (order.index(payment.status), payment.pk) < (position, own.pk)
