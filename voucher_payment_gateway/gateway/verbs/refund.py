"""Refund: give charged money back to the vouchers it came from."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from voucher_payment_gateway import money
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    AmountError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.operations.refund import REFUND, draft_refund
from voucher_payment_gateway.gateway.records.order_view import OrderView, refuse_if_open, target
from voucher_payment_gateway.gateway.verbs.batch import Progress, run_batch
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.verdicts import counts_as_given_back

__all__ = ["refund", "refund_payment"]


def refund(
    order: Any, amount: Decimal | str | None = None, *, actor: str = "", reason: str = ""
) -> list[VoucherPayment]:
    """Refund all that was captured and has not gone back, or ``amount`` of it, spread by ``REFUND_ORDER``.

    ``order`` may also be a single payment. Outside of a transaction the money has moved when this returns;
    inside of one it moves after the commit. An order without vouchers, or refunded in full, is left alone.

    Raises AmountError (malformed, or more than is left to refund), WrongStateError (nothing was captured),
    OperationInProgressError; nothing was sent. After RefusedError the payment is as it was and somebody is asked
    to look (``payment_needs_review``); after UnavailableError, CredentialsError and ContractError nothing moved yet
    and ``settle`` sends it; after OutcomeUnknownError ``settle`` finds out: do not refund again by hand.
    """
    number, pk = target(order)
    asked = None if amount is None else money.amount(amount)

    def plan(view: OrderView, done: Progress, left: Decimal | None) -> list[VoucherOperation]:
        return _plan_refunds(view.order_number, view.part(pk), left, done, actor=actor, reason=reason)

    return run_batch(REFUND, number, plan, pk=pk, asked=asked)


def refund_payment(payment: VoucherPayment, *, actor: str, reason: str) -> None:
    """Refund all that is left of one payment, which is being cancelled."""

    def plan(view: OrderView, done: Progress, left: Decimal | None) -> list[VoucherOperation]:
        return _plan_refunds(view.order_number, view.part(payment.pk), left, done, actor=actor, reason=reason)

    wish = {"cancel_requested_at": timezone.now()}
    run_batch(REFUND, payment.order_number, plan, pk=payment.pk, payment_changes=wish)


def _plan_refunds(
    order_number: str,
    payments: list[VoucherPayment],
    asked: Decimal | None,
    done: Progress,
    **by: str,
) -> list[VoucherOperation]:
    """Return the refunds to make, the charges of which this run has tried to give something back left out."""
    if not payments:
        return []
    charged = [payment for payment in payments if payment.amount_captured > ZERO]
    if not charged:
        refuse_if_open(payments)
        raise WrongStateError(
            f"order {order_number}: nothing was captured from its gift vouchers. Nothing was sent."
        )
    refuse_if_open([payment for payment in charged if payment.pk not in done.payments])
    tried = {operation.target_id for operation in done.started}
    left = {
        payment: [(charge, rest) for charge, rest in _charges(payment) if charge.remote_id not in tried]
        for payment in charged
    }
    sums = {payment: sum((rest for _, rest in charges), ZERO) for payment, charges in left.items()}
    if asked is not None:
        _refuse_more_than_is_left(order_number, asked, sum(sums.values(), ZERO))
    wanted = sums if asked is None else _share_out(asked, sums)
    return [
        draft
        for payment in charged
        for draft in _split_over_charges(payment, left[payment], wanted[payment], **by)
    ]


def _refuse_more_than_is_left(order_number: str, asked: Decimal, left: Decimal) -> None:
    if asked > left:
        raise AmountError(
            f"amount: only {left} of order {order_number} can still go back to gift vouchers. Nothing was sent.",
            code="more_than_captured",
        )


def _share_out(asked: Decimal, left: dict[VoucherPayment, Decimal]) -> dict[VoucherPayment, Decimal]:
    """Say how much of ``asked`` each payment gives back."""
    way = gateway_settings().REFUND_ORDER
    if way == "pro-rata":
        return dict(zip(left, money.share_out(asked, list(left.values())), strict=True))
    shares = dict.fromkeys(left, ZERO)
    for payment in reversed(left) if way == "last-first" else left:
        shares[payment] = min(asked, left[payment])
        asked -= shares[payment]
    return shares


def _charges(payment: VoucherPayment) -> list[tuple[VoucherOperation, Decimal]]:
    """Return the charges of a payment, newest first, with what of each can still go back.

    A refund in flight counts as gone, and so does one that a person must decide.
    """
    operations = list(VoucherOperation.current.filter(payment=payment).order_by("pk"))
    gone: dict[str, Decimal] = {}
    for operation in operations:
        if operation.kind == "refund" and counts_as_given_back(operation.state):
            gone[operation.target_id] = gone.get(operation.target_id, ZERO) + operation.amount
    charges = [
        operation for operation in operations if operation.kind == "charge" and operation.state == "succeeded"
    ]
    return [(charge, charge.amount - gone.get(charge.remote_id, ZERO)) for charge in reversed(charges)]


def _split_over_charges(
    payment: VoucherPayment, charges: list[tuple[VoucherOperation, Decimal]], wanted: Decimal, **by: str
) -> list[VoucherOperation]:
    drafts = []
    for charge, left in charges:
        if (amount := min(wanted, left)) > ZERO:
            drafts.append(draft_refund(payment, charge, amount, **by))
            wanted -= amount
    return drafts
