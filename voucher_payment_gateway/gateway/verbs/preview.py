"""What a capture, a refund or a cancel would do now, planned as the verb plans it. Nothing is written or sent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from voucher_payment_gateway.gateway.records.archived import archived_error, archived_money
from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.gateway.records.order_view import number_and_pk, read_order
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.verbs.batch import Progress
from voucher_payment_gateway.gateway.verbs.cancel import is_ended
from voucher_payment_gateway.gateway.verbs.capture import CapturePlan
from voucher_payment_gateway.gateway.verbs.refund import plan_refunds
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.orders import order_created_at, order_facts

__all__ = ["Cancellation", "Share", "preview_cancel", "preview_capture", "preview_refund"]


@dataclass(frozen=True)
class Share:
    """What would be moved of one payment, in units of its currency; one charge has several refunds at most."""

    payment: VoucherPayment
    amount: Decimal


@dataclass(frozen=True)
class Cancellation:
    """What would become of one payment. ``is_noted``: an operation is open, so the wish is stored and carried out once
    its outcome is known; ``open_charge`` is refunded then as well, if it was booked. ``archived`` does not go back."""

    payment: VoucherPayment
    released: Decimal
    refunded: Decimal
    open_charge: Decimal
    is_noted: bool
    archived: Decimal = ZERO


def preview_capture(order: Any) -> list[Share]:
    """Return what ``capture(order)`` would charge to each payment. ``order`` may also be a single payment.

    Raises the errors of ``capture`` that it raises before anything is sent.
    """
    number, pk = number_and_pk(order)
    is_payment = isinstance(order, VoucherPayment)
    facts = facts_by_number(number) if is_payment else order_facts(order)
    if facts:
        refuse_reused_number(number, facts.created_at)
    plan = CapturePlan(Call("capture", number), pk, facts, None if is_payment else order, {}, is_preview=True)
    return _shares(plan(read_order(number), Progress(), None))


def preview_refund(order: Any) -> list[Share]:
    """Return what may be refunded of each payment: what was charged, less what went back or is on its way back.
    ``order`` may also be a single payment.

    Raises the errors of ``refund`` that it raises before anything is sent.
    """
    number, pk = number_and_pk(order)
    if pk is None:
        refuse_reused_number(number, order_created_at(order))
    return _shares(plan_refunds(number, read_order(number).matching(pk), None, Progress()))


def preview_cancel(order: Any) -> list[Cancellation]:
    """Return what ``cancel(order)`` would do to each payment; those that have ended are left out. ``order`` may also be
    a single payment.

    Raises WrongStateError (``archived``) where there are payments whose charges are archived, and no others.
    """
    number, pk = number_and_pk(order)
    if pk is None:
        refuse_reused_number(number, order_created_at(order))
    payments = [payment for payment in read_order(number).matching(pk) if not is_ended(payment)]
    archived = archived_money(payments)
    if payments and all(each.pk in archived for each in payments):
        raise archived_error(payments)
    return [
        Cancellation(
            payment,
            released=payment.amount_authorized,
            refunded=payment.amount_refundable - archived.get(payment.pk, ZERO),
            open_charge=payment.open_charge,
            is_noted=payment.has_open_operation,
            archived=archived.get(payment.pk, ZERO),
        )
        for payment in payments
    ]


def _shares(drafts: list[VoucherOperation]) -> list[Share]:
    """Return the sum of the drafts of each payment."""
    sums: dict[VoucherPayment, Decimal] = {}
    for draft in drafts:
        sums[draft.payment] = sums.get(draft.payment, ZERO) + draft.amount
    return [Share(payment, amount) for payment, amount in sums.items()]
