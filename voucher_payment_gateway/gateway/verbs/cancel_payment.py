"""Cancel the payments of an order: the rows of each are written in turn, and their calls are made side by side."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import OperationInProgressError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations.execute import NOT_READY
from voucher_payment_gateway.gateway.operations.refund import REFUND
from voucher_payment_gateway.gateway.operations.release import RELEASE
from voucher_payment_gateway.gateway.operations.side_by_side import Outbox, SideBySide, read_ahead
from voucher_payment_gateway.gateway.operations.start import execute_new
from voucher_payment_gateway.gateway.operations.transitions import create, withdraw
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import atomic_or_conflict, in_transaction
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.gateway.records.payments import change_payment, is_usable_now
from voucher_payment_gateway.gateway.records.sales import is_being_replaced
from voucher_payment_gateway.gateway.verbs.bound import may_be_refunded, refuse_more
from voucher_payment_gateway.gateway.verbs.refund import refund_payment
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.states import MONEY_KINDS, status_without_hold
from voucher_payment_gateway.rules.verdicts import before_cancel
from voucher_payment_gateway.signals import payment_cancelled, payment_needs_review

__all__ = ["CancelTogether"]


class CancelTogether:
    """Cancels payments of one order. A context manager: what has begun is sent at its end, also where the rows of
    another payment could not be written."""

    def __init__(
        self,
        view: OrderView,
        errors: dict[int, VoucherGatewayError],
        *,
        refund: bool,
        key: VoucherIdempotencyKey | None,
        outbox: Outbox | None,
        **by: str,
    ) -> None:
        """``view`` is the order as it was just read. ``errors`` is filled, by the primary keys of the payments."""
        self._view, self._errors, self._refund = view, errors, refund
        self._key, self._outbox, self._by = key, outbox, by
        self._beside = SideBySide()
        self._beside.last_number = view.next_number - 1
        self._bookings: dict[int, Any] = {}
        self._afterwards: dict[int, Callable[[Exception | None], None]] = {}
        """What follows the calls of a payment, by its primary key: it is given the error of one that failed."""

    def __enter__(self) -> "CancelTogether":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, Exception):
            self.send()

    def read_ahead(self, payments: list[VoucherPayment]) -> None:
        """Read at the same time the bookings of the vouchers that are to be refunded at once."""
        if not self._refund or self._outbox is not None or in_transaction():
            return
        refunding = [
            each for each in payments if each.amount_refundable > ZERO and not each.has_open_operation
        ]
        reads = [
            VoucherOperation(payment=each, order_number=each.order_number, voucher_id=each.voucher_id)
            for each in refunding
        ]
        read_ahead([(REFUND, read) for read in reads])
        self._bookings = {read.payment.pk: read.bookings for read in reads}

    def cancel(self, payment: VoucherPayment, at_most: Decimal | None) -> None:
        """Write down that the payment is cancelled, and begin its calls. Raises ConflictError."""
        try:
            if self._refund:
                self._cancel(payment, at_most)
            else:
                self._cancel_rest(payment)
        except VoucherGatewayError as error:
            self._errors[payment.pk] = error

    def send(self) -> None:
        """Make the calls of what has begun, and write down what follows from their outcomes."""
        self._beside.send()
        failed: dict[int, Exception] = {}
        for operation, error in sorted(self._beside.failures, key=lambda failure: failure[0].number or 0):
            if operation.kind != RELEASE.kind or not isinstance(error, NOT_READY):
                failed.setdefault(operation.payment.pk, error)
        self._beside.failures.clear()
        afterwards, self._afterwards = self._afterwards, {}
        unexpected: list[Exception] = []
        for pk, follow in afterwards.items():
            try:
                follow(failed.get(pk))
            except VoucherGatewayError as error:
                self._errors[pk] = error
            except Exception as error:  # what follows for the others is done first
                unexpected.append(error)
        if unexpected:
            raise unexpected[0]

    def _cancel(self, payment: VoucherPayment, at_most: Decimal | None) -> None:
        """Cancel one payment, and refund what was charged."""
        if payment.has_open_operation and not _withdraw_due(payment):
            _store_cancel_request(payment, at_most)
        elif payment.amount_refundable > ZERO:
            self._refund_all(payment, at_most)
        else:
            self._release(payment, _cancelled_fields())

    def _refund_all(self, payment: VoucherPayment, at_most: Decimal | None) -> None:
        try:
            refund_payment(
                payment,
                at_most=at_most,
                key=self._key,
                outbox=self._outbox,
                together=self._beside,
                # what was withdrawn of the payment is not as it was read
                view=None if payment.has_open_operation else self._view_now(),
                bookings=self._bookings.pop(payment.pk, None),
                **self._by,
            )
        except OperationInProgressError as error:
            _after_refund(payment, at_most, error)
        else:
            self._afterwards[payment.pk] = partial(_after_refund, payment, at_most)

    def _view_now(self) -> OrderView:
        """Return the order as it was read, with the number that follows those of the operations written since."""
        return replace(self._view, next_number=self._beside.last_number + 1)

    def _cancel_rest(self, payment: VoucherPayment) -> None:
        """End what was not charged of a payment."""
        if not payment.amount_captured:
            self._release(payment, _cancelled_fields())
        elif payment.amount_agreed != payment.amount_captured or payment.amount_authorized:
            self._release(payment, _without_rest(payment))

    def _release(self, payment: VoucherPayment, fields: dict[str, Any]) -> None:
        """Set the payment to ``fields``, then ask the Voucher Cloud to release its reservation. Nothing depends on the
        answer."""
        number = self._view_now().next_number
        draft = _draft_release(payment, number, idempotency_key=self._key, **self._by)
        if is_usable_now(payment) and gateway_settings().CANCEL_RESERVATION_CALL:
            with suppress(*NOT_READY):  # the reservation lapses by itself
                execute_new(RELEASE, draft, outbox=self._outbox, together=self._beside, **fields)
        else:
            create(draft, "succeeded", subject_changes=fields, settled_at=timezone.now())
        self._beside.last_number = number
        self._afterwards[payment.pk] = partial(_after_release, payment, draft.amount)


def _after_refund(payment: VoucherPayment, at_most: Decimal | None, failure: Exception | None) -> None:
    is_late = isinstance(failure, OperationInProgressError)
    if failure is not None and not is_late:
        raise failure
    payment.refresh_from_db()
    if is_late:  # another writer was first
        _store_cancel_request(payment, at_most)
    elif payment.status == "cancelled" or payment.pending:
        return
    elif is_being_replaced(payment):  # it is cancelled once the voucher in place of the refund is active
        _store_cancel_request(payment, at_most)
    else:  # the rest needs a person's decision first
        announce(payment_needs_review, payment, payment.amount_refundable)


def _after_release(payment: VoucherPayment, amount: Decimal, failure: Exception | None) -> None:
    if failure is not None:
        raise failure
    if payment.status == "cancelled":
        announce(payment_cancelled, payment, amount)


def _without_rest(payment: VoucherPayment) -> dict[str, Any]:
    captured, refunded = payment.amount_captured, payment.amount_refunded
    return {
        "status": status_without_hold(captured, refunded, otherwise="lapsed"),
        "amount_agreed": captured,
        "amount_authorized": ZERO,
        "reserved_until": None,
        "sealed_code": "",
    }


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
