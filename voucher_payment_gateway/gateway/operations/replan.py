"""Plan a charge again before it is sent: the order's total counts when the money moves, not when the verb was called.

A charge that was written inside the shop's transaction, or that could not be sent at once, is compared with the order
as it is committed. For another amount another charge is written in its place, under the next number of the order: where
another worker has taken that number, it conflicts and is planned once more. A charge that was sent keeps its amount.
"""

from collections.abc import Callable
from decimal import Decimal

from django.db.models import Q

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations.outcome import raise_unless_succeeded
from voucher_payment_gateway.gateway.operations.schedule import next_try
from voucher_payment_gateway.gateway.operations.transitions import create, return_to_due, withdraw
from voucher_payment_gateway.gateway.records.announce import request_review
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, atomic_or_conflict
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import facts_by_number
from voucher_payment_gateway.orders import OrderFacts
from voucher_payment_gateway.payable import with_sold
from voucher_payment_gateway.rules.replan import OpenCharge, replanned

__all__ = ["replan"]

Draft = Callable[[VoucherOperation, Decimal, OrderView], VoucherOperation]


def replan(operation: VoucherOperation, draft_again: Draft) -> VoucherOperation | None:
    """Return the charge to send in place of a due one: the same where its order is as it was, is not found by its
    number, or the charge was sent before; None where the order needs nothing of it any more. The hold stays then.

    Raises PaymentStateError where the order's total, currency or sold gift vouchers cannot be read: no money moves on
    facts that are not known, it stays due, and a review is requested once.
    """
    if operation.attempts:
        return operation
    facts = _facts(operation)
    if facts is None:
        return operation
    view = read_order(operation.order_number)
    amount = _amount(operation, facts, view)
    if amount == operation.amount:
        return operation
    _log(operation, amount)
    draft = draft_again(operation, amount, view) if amount else None
    if not _replace(operation, draft):
        raise_unless_succeeded(operation)
        return None
    return draft


def _log(operation: VoucherOperation, amount: Decimal) -> None:
    (PaymentEvents.charge_changed_with_order if amount else PaymentEvents.charge_dropped_with_order).log(
        order_number=operation.order_number,
        operation=operation.pk,
        amount=amount,
        amount_planned=operation.amount,
        currency=operation.currency,
    )


def _facts(operation: VoucherOperation) -> OrderFacts | None:
    known = operation.error_code
    try:
        facts = facts_by_number(operation.order_number)
        return None if facts is None else _with_sold(facts)
    except PaymentStateError as error:
        return_to_due(operation, error)
        if known != error.code:
            request_review(operation)
        raise


def _with_sold(facts: OrderFacts) -> OrderFacts:
    try:
        return with_sold(facts)
    except VoucherGatewayError:
        raise
    except Exception as error:  # of the shop's own code, whose error would leave the charge due in silence
        raise PaymentStateError(
            f"order {facts.number}: SOLD_VOUCHERS failed: {type(error).__name__}. Nothing was sent.",
            code="sold_vouchers_failed",
        ) from error


def _amount(operation: VoucherOperation, facts: OrderFacts, view: OrderView) -> Decimal:
    """Return what the charge takes by the committed order; nothing of one that is in another currency now."""
    if facts.currency != operation.currency:
        return ZERO
    charges = {charge.pk: _as_open_charge(charge) for charge in _open_charges(operation.order_number)}
    return replanned(
        charges.get(operation.pk) or _as_open_charge(operation),
        facts.payable,
        view.payments,
        charges.values(),
        is_limited=operation.amount_asked is not None,
        after_return=gateway_settings().TOTAL_AFTER_RETURN,
    )


def _open_charges(order_number: str) -> list[VoucherOperation]:
    charges = VoucherOperation.current.of_payments(order_number=order_number, kind="charge")
    return list(charges.filter(Q(IS_OPEN) | Q(state="manual")))


def _as_open_charge(charge: VoucherOperation) -> OpenCharge:
    is_waiting = charge.state == "due" and not charge.attempts and not charge.is_unverified
    return OpenCharge(charge.number, charge.payment_id, charge.amount, is_fixed=not is_waiting)


def _replace(operation: VoucherOperation, draft: VoucherOperation | None) -> bool:
    """Withdraw the charge and write ``draft`` in its place; return whether the charge was still as it was read.

    Raises ConflictError where another operation of the order was written meanwhile; nothing is changed then.
    """
    try:
        with atomic_or_conflict():
            was_due = withdraw(operation, error_code="order_changed")
            if was_due and draft is not None:
                create(draft, "due", due_at=next_try(draft))
    except ConflictError:
        operation.refresh_from_db(fields=("state", "claim", "error_code", "settled_at"))
        raise
    return was_due
