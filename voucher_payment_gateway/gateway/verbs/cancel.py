"""Cancel: end a payment in any state, and refund what was charged."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    PaymentStateError,
    VoucherGatewayError,
    WrongStateError,
)
from voucher_payment_gateway.gateway.operations.execute import NOT_READY, Outbox, execute_new
from voucher_payment_gateway.gateway.operations.release import RELEASE
from voucher_payment_gateway.gateway.operations.transitions import create, withdraw
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, retry_on_conflict
from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.gateway.records.order_view import (
    has_payments,
    number_and_pk,
    read_order,
    refuse_if_open,
)
from voucher_payment_gateway.gateway.records.payments import change_payment, is_usable_now
from voucher_payment_gateway.gateway.records.reused_number import refuse_reused_number
from voucher_payment_gateway.gateway.records.sales import is_being_replaced
from voucher_payment_gateway.gateway.verbs.advance import advance_replacements
from voucher_payment_gateway.gateway.verbs.bound import bound, may_be_refunded, refuse_more
from voucher_payment_gateway.gateway.verbs.once import as_they_are_now, once
from voucher_payment_gateway.gateway.verbs.refund import refund_payment
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import order_created_at
from voucher_payment_gateway.rules.cover import is_unpaid
from voucher_payment_gateway.rules.states import MONEY_KINDS, status_without_hold
from voucher_payment_gateway.rules.verdicts import before_cancel
from voucher_payment_gateway.signals import payment_cancelled, payment_needs_review
from voucher_payment_gateway.telemetry import verb

__all__ = ["cancel", "end_refunded", "is_ended"]

ENDED = ("cancelled", "refunded", "failed")
"""Nothing is left to release or refund."""


@verb
def cancel(
    order: Any,
    *,
    refund: bool = True,
    at_most: Decimal | str | None = None,
    key: str = "",
    actor: str = "",
    reason: str = "",
) -> list[VoucherPayment]:
    """Cancel the order's payments, or a single payment given in place of the order, in any state.

    Selected or reserved: released, and the code is erased. Charged: refunded in full, and ``cancelled`` once all of it
    is refunded. With an operation in flight: the cancel request is stored, and ``settle`` carries it out once the
    outcome is known. Returns these payments. Nothing is done for an order without vouchers, nor for payments that are
    cancelled, refunded or failed already. A call with a ``key`` is made once per order: repeated later, it leaves alone
    what the customer has entered since.

    With ``refund=False`` what was charged stays: only the rest, held or agreed, is taken off the order. Raises
    OperationInProgressError then while a charge or refund is due, or its outcome is open; nothing is changed.

    ``at_most`` bounds what is refunded, now or once open charges are booked. Raises AmountError (``more_than_allowed``)
    where that is more, as after a capture meanwhile; nothing is refunded then, and with a ``key`` nothing is changed.

    Raises the errors of a refund; the payment then stays ``captured``, and the cancel request is kept. Where charges
    are archived, raises WrongStateError (``archived``) after everything else was done.
    """
    number, pk = number_and_pk(order)
    if pk is None:
        refuse_reused_number(number, order_created_at(order))
    try:
        call = Call("cancel", number, key, None if refund else ZERO)
        may_refund = bound(at_most) if refund else None
    except PaymentStateError:
        if has_payments(number):
            raise
        return []

    archived: list[VoucherGatewayError] = []

    def write(row: VoucherIdempotencyKey | None, outbox: Outbox | None) -> list[VoucherPayment]:
        archived.clear()
        by = {"actor": actor, "reason": reason}
        return _cancel(number, pk, archived, refund=refund, at_most=may_refund, key=row, outbox=outbox, **by)

    payments = once(call, write, pk=pk)
    payments = as_they_are_now(payments) if advance_replacements(number) else payments
    if archived:
        raise archived[0]
    return payments


def _cancel(
    number: str,
    pk: int | None,
    archived: list[VoucherGatewayError],
    *,
    refund: bool,
    at_most: Decimal | None,
    **call: Any,
) -> list[VoucherPayment]:
    """Cancel each payment. ``call``: the key, the outbox, actor and reason. The errors of payments whose charges are
    archived are added to ``archived``: they undo nothing of the others."""
    done: dict[int, VoucherPayment] = {}
    refunded: dict[int, Decimal] = {}
    errors: list[VoucherGatewayError] = []
    untouched: set[int] = set()

    def advance() -> None:
        view = read_order(number)
        next_number = view.next_number
        left = [payment for payment in view.matching(pk) if payment.pk not in done]
        if not refund:
            refuse_if_open(left)
        left = [payment for payment in left if not is_ended(payment)]
        wanted = {} if at_most is None else may_be_refunded(left)
        for payment in left[:1]:
            refuse_more(payment, sum([*refunded.values(), *wanted.values()], ZERO), at_most)
        for payment in left:
            most = wanted.get(payment.pk)
            try:
                if refund:
                    next_number += _cancel_payment(payment, next_number, most, **call)
                else:
                    next_number += _cancel_rest(payment, next_number, **call)
            except VoucherGatewayError as error:
                is_archived = isinstance(error, WrongStateError) and error.code == "archived"
                (archived if is_archived else errors).append(error)
                untouched.update([payment.pk] if is_archived else [])
            done[payment.pk] = payment
            refunded[payment.pk] = wanted.get(payment.pk, ZERO)

    retry_on_conflict(advance, progress=lambda: len(done))
    if errors:
        raise errors[0]
    if archived and untouched == done.keys():
        raise archived[0]
    return [payment for payment in done.values() if payment.pk not in untouched]


def is_ended(payment: VoucherPayment) -> bool:
    """Return whether nothing is left to cancel. The rest of a refunded payment may still be charged later, and a
    confirmed payment that failed is taken off the order by this."""
    has_more = payment.status == "refunded" and (payment.has_open_operation or bool(payment.sealed_code))
    return payment.status in ENDED and not has_more and not is_unpaid(payment)


def _cancel_payment(payment: VoucherPayment, number: int, at_most: Decimal | None, **call: Any) -> int:
    """Cancel one payment, and return how many operation numbers of its order that used."""
    if payment.has_open_operation and not _withdraw_due(payment):
        _store_cancel_request(payment, at_most)
        return 0
    if payment.amount_refundable > ZERO:
        try:
            refund_payment(payment, at_most=at_most, **call)
        except OperationInProgressError:  # another writer was first
            payment.refresh_from_db()
            _store_cancel_request(payment, at_most)
            return 0
        payment.refresh_from_db()
        if payment.status == "cancelled" or payment.pending:
            return 0
        if is_being_replaced(payment):  # it is cancelled once the voucher in place of the refund is active
            _store_cancel_request(payment, at_most)
        else:  # the rest needs a person's decision first
            announce(payment_needs_review, payment, payment.amount_refundable)
        return 0
    _release(payment, number, _cancelled_fields(), **call)
    return 1


def _cancel_rest(payment: VoucherPayment, number: int, **call: Any) -> int:
    """End what was not charged of a payment, and return how many operation numbers of its order that used."""
    if not payment.amount_captured:
        _release(payment, number, _cancelled_fields(), **call)
        return 1
    if payment.amount_agreed == payment.amount_captured and not payment.amount_authorized:
        return 0
    _release(payment, number, _without_rest(payment), **call)
    return 1


def _without_rest(payment: VoucherPayment) -> dict[str, Any]:
    captured, refunded = payment.amount_captured, payment.amount_refunded
    return {
        "status": status_without_hold(captured, refunded, otherwise="lapsed"),
        "amount_agreed": captured,
        "amount_authorized": ZERO,
        "reserved_until": None,
        "sealed_code": "",
    }


def end_refunded(payment: VoucherPayment) -> None:
    """Set a payment with a cancel request to ``cancelled`` after its last cent was refunded."""
    with atomic_or_conflict():
        change_payment(payment, status="cancelled", sealed_code="")
        announce(payment_cancelled, payment, payment.amount_refunded)


def _withdraw_due(payment: VoucherPayment) -> bool:
    """Withdraw due operations, which are not in flight. Return whether none is open any more."""
    operations = list(VoucherOperation.current.filter(payment=payment, kind__in=MONEY_KINDS))
    if any(operation.is_unverified for operation in operations):
        return False
    if before_cancel((operation.kind, operation.state) for operation in operations) == "wait":
        return False
    return all(withdraw(operation) for operation in operations if operation.state == "due")


def _store_cancel_request(payment: VoucherPayment, at_most: Decimal | None) -> None:
    """Store the request, unless more than ``at_most`` is charged, or being charged, by now: all of that is refunded."""
    with atomic_or_conflict():
        change_payment(payment, cancel_requested_at=payment.cancel_requested_at or timezone.now())
        if at_most is not None:
            for now in read_order(payment.order_number).matching(payment.pk):
                refuse_more(now, may_be_refunded([now])[now.pk], at_most)


def _release(
    payment: VoucherPayment,
    number: int,
    fields: dict[str, Any],
    *,
    key: VoucherIdempotencyKey | None,
    outbox: Outbox | None,
    **by: str,
) -> None:
    """Set the payment to ``fields``, then ask the Voucher Cloud to release its reservation. Nothing depends on the
    answer."""
    draft = _draft_release(payment, number, idempotency_key=key, **by)
    if is_usable_now(payment) and gateway_settings().CANCEL_RESERVATION_CALL:
        with suppress(*NOT_READY):  # the reservation lapses by itself
            execute_new(RELEASE, draft, outbox=outbox, **fields)
    else:
        create(draft, "succeeded", subject_changes=fields, settled_at=timezone.now())
    if payment.status == "cancelled":
        announce(payment_cancelled, payment, draft.amount)


def _draft_release(payment: VoucherPayment, number: int, **fields: Any) -> VoucherOperation:
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        number=number,
        voucher_id=payment.voucher_id,
        kind="cancel",
        amount=payment.amount_authorized,
        currency=payment.currency,
        target_id=payment.reservation_id,
        **fields,
    )


def _cancelled_fields() -> dict[str, Any]:
    return {
        "status": "cancelled",
        "amount_authorized": ZERO,
        "reserved_until": None,
        "sealed_code": "",
        "cancel_requested_at": timezone.now(),
    }
