"""The charge of a reservation: it takes all that the reservation holds."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.operations.reference import new_reference
from voucher_payment_gateway.gateway.operations.replan import replan
from voucher_payment_gateway.gateway.operations.reservation import fail_payment, renew
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.order_view import OrderView, read_order
from voucher_payment_gateway.gateway.records.payments import change_payment, is_usable_now
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, is_answer_to_charge
from voucher_payment_gateway.rules.timing import may_be_charged
from voucher_payment_gateway.rules.verdicts import after_refused_charge
from voucher_payment_gateway.signals import payment_captured

__all__ = ["CHARGE", "draft_charge"]


def draft_charge(
    payment: VoucherPayment, amount: Decimal, capture_number: int, **fields: Any
) -> VoucherOperation:
    """Return a charge, not saved yet. Its reference is unique per capture, so that a lost answer can be found by it.

    ``fields`` are those of the call that asked for it: amount asked, idempotency key, actor, reason.
    """
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        voucher_id=payment.voucher_id,
        kind="charge",
        amount=amount,
        currency=payment.currency,
        target_id=payment.reservation_id,
        reference=new_reference(payment.order_number, capture_number),
        **fields,
    )


def draft_again(operation: VoucherOperation, amount: Decimal, view: OrderView) -> VoucherOperation:
    """Return a charge of ``amount`` in place of ``operation``, which books nothing: another capture, for the same
    request."""
    draft = draft_charge(
        operation.payment,
        amount,
        view.next_capture,
        amount_asked=operation.amount_asked,
        idempotency_key_id=operation.idempotency_key_id,
        actor=operation.actor,
        reason=operation.reason,
    )
    draft.number = view.next_number
    return draft


class ChargeHandler(OperationHandler):
    """Charge a reservation; one that ended, or holds another amount, is made again first."""

    kind = "charge"
    verifies_refusals = True

    def is_cancelled(self, operation: VoucherOperation) -> bool:
        """Return whether the payment is to be cancelled, read from the database as it is now."""
        payments = VoucherPayment.current.filter(pk=operation.payment_id)
        return payments.filter(cancel_requested_at__isnull=False).exists()

    def replanned(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return the charge to send, or None. Raises PaymentStateError where the order cannot be read: it stays due."""
        return replan(operation, draft_again)

    def reserves_first(self, operation: VoucherOperation) -> bool:
        """Return whether the reservation has ended or holds another amount than is to be charged."""
        payment = operation.payment
        return payment.status != "authorized" or not may_be_charged(
            payment.reserved_until, timezone.now(), held=payment.amount_authorized, amount=operation.amount
        )

    def reads_before_reserving(self, operation: VoucherOperation, *, was_left_due: bool) -> bool:
        """Return whether the reservation can be made again with the stored code, and lapsed, was replaced, or may have
        been used by another database: not where it is good and only for another amount."""
        has_ended = was_left_due or not is_usable_now(operation.payment)
        return has_ended and bool(operation.payment.sealed_code)

    def prepare(self, operation: VoucherOperation) -> None:
        """Reserve again where ``reserves_first`` said so: only then is the operation ``sending`` already."""
        payment = operation.payment
        if operation.state == "sending":
            renew(payment, operation.amount, read_order(operation.order_number).next_number)
        operation.target_id = payment.reservation_id
        operation.target_dead_at = payment.reservation_dead_at

    def call(self, operation: VoucherOperation) -> str:
        charge = voucher_cloud(operation.account).charge(operation.target_id, operation.reference)
        if not is_answer_to_charge(
            amount=operation.amount,
            charged=charge.amount,
            voucher_id=operation.voucher_id,
            answered_voucher_id=charge.voucher_id,
            reference=operation.reference,
            answered_reference=charge.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return charge.id

    def evidence(
        self, operation: VoucherOperation, bookings: Sequence[Charge], ours: Collection[str]
    ) -> Evidence:
        return charge_evidence(bookings, reference=operation.reference, amount=operation.amount, ours=ours)

    def subject_changes(self, operation: VoucherOperation) -> Mapping[str, Any]:
        payment = operation.payment
        captured = payment.amount_captured + operation.amount
        rest = (
            {} if self._may_take_more(operation, captured) else {"sealed_code": "", "amount_agreed": captured}
        )
        return rest | {
            "status": "captured",
            "amount_captured": captured,
            "amount_authorized": ZERO,
            "reserved_until": None,
        }

    def _may_take_more(self, operation: VoucherOperation, captured: Decimal) -> bool:
        """Return whether more of the agreed amount may be charged later. Of a confirmed payment not after a charge of
        all that the order needs: the rest would be kept from the customer's next order."""
        payment = operation.payment
        if captured >= payment.amount_agreed:
            return False
        if payment.confirmed_at is None or operation.amount_asked is not None:
            return True
        open_charges = VoucherOperation.current.filter(IS_OPEN, payment=payment, kind="charge")
        return bool(open_charges.exclude(pk=operation.pk).exists())

    def announce(self, operation: VoucherOperation) -> None:
        announce(payment_captured, operation.payment, operation.amount)

    def retry_with(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Return one more charge, on a new reservation: this one lapsed, or a till replaced it."""
        if self._after_refusal(operation) != "charge_again":
            return None
        payment, view = operation.payment, read_order(operation.order_number)
        draft = draft_again(operation, operation.amount, view)
        change_payment(payment, reserved_until=None)  # the refusal proved that the reservation is gone
        return draft

    def on_refused(self, operation: VoucherOperation) -> None:
        """End the payment, unless its hold is as good as before or it is being cancelled anyway."""
        if self._after_refusal(operation) == "fail":
            # whoever captures relies on it: an order that is not paid then must be heard of until it is dealt with
            relied_on_since = operation.payment.confirmed_at or timezone.now()
            fail_payment(operation.payment, operation.amount, confirmed_at=relied_on_since)

    def _after_refusal(self, operation: VoucherOperation) -> str:
        payment = operation.payment
        return after_refused_charge(
            sends=operation.attempts,
            refused=_refused_since_last_success(payment),
            has_code=bool(payment.sealed_code),
            cancelling=self.is_cancelled(operation),
            hold_is_usable=is_usable_now(payment),
        )


def _refused_since_last_success(payment: VoucherPayment) -> int:
    charges = VoucherOperation.current.filter(payment=payment, kind="charge", attempts__gt=0)
    states = charges.order_by("-pk").values_list("state", flat=True)
    return sum(1 for _ in takewhile(lambda state: state == "refused", states))


CHARGE = ChargeHandler()
