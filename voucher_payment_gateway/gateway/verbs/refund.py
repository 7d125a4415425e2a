"""Refund: return charged money to the vouchers it came from."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone

from voucher_payment_gateway import money
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.currencies import amount_in, plain, smallest_unit
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError, WrongStateError
from voucher_payment_gateway.gateway.operations.refund import REFUND, draft_refund
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox, SideBySide
from voucher_payment_gateway.gateway.records.archived import archived_error, archived_money
from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.gateway.records.order_view import (
    OrderView,
    has_payments,
    number_and_pk,
    refuse_if_open,
)
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.records.sales import replaced_refunds
from voucher_payment_gateway.gateway.verbs.advance import advance_replacements
from voucher_payment_gateway.gateway.verbs.batch import Progress, run_batch
from voucher_payment_gateway.gateway.verbs.bound import refuse_more
from voucher_payment_gateway.gateway.verbs.once import as_they_are_now, once
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import order_created_at
from voucher_payment_gateway.rules.states import GIVES_BACK
from voucher_payment_gateway.rules.verdicts import counts_as_refunded
from voucher_payment_gateway.telemetry import verb

__all__ = ["plan_refunds", "refund", "refund_payment"]

Charges = list[tuple[VoucherOperation, Decimal]]
"""Each with the amount of it that can still go back."""


@verb
def refund(
    order: Any, amount: Decimal | str | None = None, *, key: str = "", actor: str = "", reason: str = ""
) -> list[VoucherPayment]:
    """Refund all that was captured and not refunded yet, or ``amount`` of it, shared out by ``REFUND_ORDER``.

    ``order`` may also be a single payment. Outside a transaction the money has moved when this returns; inside one it
    moves after the commit. Nothing is done for an order without vouchers, or refunded in full.

    What was captured of an archived order does not go back: the rest does. Then a call without ``amount`` raises
    WrongStateError (``archived``), which names what is left to give back in another way.

    A call with a ``key`` is made once per order; repeated, it refunds nothing new, goes on with what is still due, and
    answers as before. Without a key, calls without ``amount`` are safe to repeat; two calls with one are two refunds.

    Raises AmountError (malformed, more than is left to refund, or a key used with another amount), WrongStateError
    (nothing was captured, or all of it is archived), OperationInProgressError; nothing was sent. What a voucher surely
    cannot take as a refund goes back by ``REFUND_FALLBACK``; after RefusedError it could not, the payment is unchanged
    and a review is requested (``payment_needs_review``); after UnavailableError, CredentialsError and ContractError
    nothing moved yet and ``settle`` sends it; after OutcomeUnknownError ``settle`` resolves it: do not refund again by
    hand.
    """
    number, pk = number_and_pk(order)
    if pk is None:
        refuse_reused_number(number, order_created_at(order))
    try:
        asked = None if amount is None else money.amount(amount)
        call = Call("refund", number, key, asked)
    except PaymentStateError:
        if has_payments(number):
            raise
        return []

    archived: list[VoucherPayment] = []

    def write(row: VoucherIdempotencyKey | None, outbox: Outbox | None) -> list[VoucherPayment]:
        archived.clear()
        return _refund(
            number, pk, asked, archived=archived, key=row, outbox=outbox, actor=actor, reason=reason
        )

    payments = once(call, write, pk=pk)
    payments = as_they_are_now(payments) if advance_replacements(number) else payments
    if archived and asked is None:
        raise _without(archived)
    return payments


def refund_payment(
    payment: VoucherPayment,
    *,
    at_most: Decimal | None,
    key: VoucherIdempotencyKey | None,
    outbox: Outbox | None,
    together: SideBySide,
    view: OrderView | None,
    bookings: Any,
    **by: str,
) -> None:
    """Refund all that is left of one payment, and store with each refund that the payment is being cancelled. Its
    refunds only begin, beside those of other payments. Raises AmountError where that is more than ``at_most``.

    ``view`` is the order as it was just read, and ``bookings`` are those of its voucher, where they were read ahead.
    """
    request = {"cancel_requested_at": timezone.now()}
    number, pk = payment.order_number, payment.pk
    read = [bookings]
    _refund(
        number,
        pk,
        None,
        request,
        at_most,
        archived=None,
        read=read,
        key=key,
        outbox=outbox,
        together=together,
        view=view,
        **by,
    )


def _refund(
    number: str,
    pk: int | None,
    asked: Decimal | None,
    changes: dict[str, Any] | None = None,
    at_most: Decimal | None = None,
    *,
    archived: list[VoucherPayment] | None = None,
    read: list[Any] | None = None,
    key: VoucherIdempotencyKey | None,
    outbox: Outbox | None,
    together: SideBySide | None = None,
    view: OrderView | None = None,
    **by: str,
) -> list[VoucherPayment]:
    """Refund what is asked for, and add to ``archived`` the payments whose charges are archived. What was ``read``
    ahead is of the first refund, and is used once."""

    def plan(view: OrderView, progress: Progress, left: Decimal | None) -> list[VoucherOperation]:
        payments = view.matching(pk)
        if asked is not None and payments:
            amount_in(payments[0].currency, asked)
        drafts = plan_refunds(number, payments, left, progress, archived, amount_asked=asked, **by)
        if drafts:
            refuse_more(payments[0], sum((each.amount for each in drafts), progress.amount), at_most)
            drafts[0].bookings = read.pop() if read else None
        return drafts

    return run_batch(
        *(REFUND, number, plan),
        pk=pk,
        asked=asked,
        payment_changes=changes,
        key=key,
        outbox=outbox,
        together=together,
        view=view,
    )


def plan_refunds(
    order_number: str,
    payments: list[VoucherPayment],
    asked: Decimal | None,
    progress: Progress,
    archived: list[VoucherPayment] | None = None,
    **fields: Any,
) -> list[VoucherOperation]:
    """Return drafts of the refunds to make. Charges that this batch has already tried to refund are left out.

    Payments whose charges are archived are added to ``archived``. Raises WrongStateError where nothing else is left.
    """
    if not payments:
        return []
    charged = [payment for payment in payments if payment.amount_captured > ZERO]
    if not charged:
        refuse_if_open(payments)
        raise WrongStateError(
            f"order {order_number}: nothing was captured from its gift vouchers. Nothing was sent."
        )
    others = [payment for payment in charged if payment.pk not in progress.payments]
    refuse_if_open(others, unless_unsent=progress.may_follow)
    tried = {operation.target_id for operation in progress.started}
    left = {payment: _refundable_charges(payment, tried) for payment in charged}
    sums = {payment: sum((rest for _, rest in charges), ZERO) for payment, charges in left.items()}
    beyond = [] if progress.operations else _beyond(left)
    if beyond and not any(sums.values()):
        raise archived_error(beyond)
    if archived is not None:
        archived += beyond
    if asked is not None:
        _refuse_more_than_is_left(charged[0], asked, sum(sums.values(), ZERO), is_archived=bool(beyond))
    wanted = sums if asked is None else _share_out(asked, sums)
    return [
        draft
        for payment in charged
        for draft in _split_over_charges(payment, left[payment], wanted[payment], **fields)
    ]


def _beyond(charges: Mapping[VoucherPayment, Charges]) -> list[VoucherPayment]:
    """Return the payments whose charges are archived and did not go back. No statement where each has one in the
    ledger."""
    without = [payment for payment, own in charges.items() if not own]
    archived = archived_money(without)
    return [payment for payment in without if payment.pk in archived]


def _without(payments: list[VoucherPayment]) -> WrongStateError:
    """Return the error for what is archived, after the rest was refunded."""
    error = archived_error(payments)
    partial = WrongStateError(f"All else that was charged goes back. {error}", code=error.code)
    partial.money_moved = "maybe"
    return partial


def _refuse_more_than_is_left(
    payment: VoucherPayment, asked: Decimal, left: Decimal, *, is_archived: bool
) -> None:
    if asked > left:
        archived = ", without what is archived" if is_archived else ""
        raise AmountError(
            f"amount: only {plain(left, payment.currency)} of order {payment.order_number} can still go back to "
            f"gift vouchers{archived}. Nothing was sent.",
            code="more_than_captured",
        )


def _share_out(asked: Decimal, left: dict[VoucherPayment, Decimal]) -> dict[VoucherPayment, Decimal]:
    """Return the part of ``asked`` to refund per payment."""
    refund_order = gateway_settings().REFUND_ORDER
    if refund_order == "pro-rata":
        unit = smallest_unit(next(iter(left)).currency)
        return dict(zip(left, money.share_out(asked, list(left.values()), unit=unit), strict=True))
    shares = dict.fromkeys(left, ZERO)
    for payment in reversed(left) if refund_order == "last-first" else left:
        shares[payment] = min(asked, left[payment])
        asked -= shares[payment]
    return shares


def _refundable_charges(payment: VoucherPayment, tried: set[str]) -> Charges:
    """Return the charges of a payment but for those ``tried``, newest first, each with the amount that can still be
    refunded.

    A refund in flight counts as refunded, and so does one in review, and whatever is given in its place.
    """
    operations = list(VoucherOperation.current.filter(payment=payment).order_by("pk"))
    given_back = [each for each in operations if each.kind in GIVES_BACK]
    counted = [each for each in given_back if counts_as_refunded(each.state)]
    if any(each.state == "refused" for each in given_back):
        counted += replaced_refunds(payment)
    refunded: dict[str, Decimal] = {}
    for operation in counted:
        refunded[operation.target_id] = refunded.get(operation.target_id, ZERO) + operation.amount
    charges = [
        operation
        for operation in operations
        if operation.kind == "charge" and operation.state == "succeeded" and operation.remote_id not in tried
    ]
    return [(charge, charge.amount - refunded.get(charge.remote_id, ZERO)) for charge in reversed(charges)]


def _split_over_charges(
    payment: VoucherPayment, charges: Charges, wanted: Decimal, **fields: Any
) -> list[VoucherOperation]:
    drafts = []
    for charge, left in charges:
        if (amount := min(wanted, left)) > ZERO:
            drafts.append(draft_refund(payment, charge, amount, **fields))
            wanted -= amount
    return drafts
