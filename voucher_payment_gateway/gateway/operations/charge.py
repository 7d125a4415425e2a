"""How a charge is prepared, made, and recorded on its payment."""

import secrets
from collections.abc import Mapping
from decimal import Decimal
from itertools import takewhile
from typing import Any

from django.utils import timezone

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    OutcomeUnknownError,
)
from voucher_payment_gateway.gateway.operations.handler import of
from voucher_payment_gateway.gateway.operations.reservation import fail_payment, renew
from voucher_payment_gateway.gateway.records.announce import announce
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.gateway.records.order_view import read_order
from voucher_payment_gateway.gateway.records.payments import change_payment, is_usable_now
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.rules.evidence import charge_reference, is_answer_to_charge
from voucher_payment_gateway.rules.timing import may_be_charged
from voucher_payment_gateway.rules.verdicts import after_refused_charge
from voucher_payment_gateway.signals import payment_captured

__all__ = ["CHARGE", "draft_charge"]

TOKEN_BYTES = 5


def draft_charge(
    payment: VoucherPayment, amount: Decimal, capture_number: int, *, actor: str, reason: str
) -> VoucherOperation:
    return VoucherOperation(
        payment=payment,
        order_number=payment.order_number,
        voucher_id=payment.voucher_id,
        kind="charge",
        amount=amount,
        currency=payment.currency,
        target_id=payment.reservation_id,
        reference=_reference(payment.order_number, capture_number),
        actor=actor,
        reason=reason,
    )


def _reference(order_number: str, capture_number: int) -> str:
    """Return the order number sent with a charge: unique per capture, so that a lost answer can be found again by
    it."""
    return charge_reference(order_number, capture_number, secrets.token_hex(TOKEN_BYTES))


class ChargeHandler:
    """How a charge is prepared, made, and booked on its payment."""

    name = "charge"

    def needs_a_claim(self, operation: VoucherOperation) -> bool:
        """Whether the reservation has ended or holds another amount than is to be charged."""
        payment = of(operation)
        return payment.status != "authorized" or not may_be_charged(
            payment.reserved_until, timezone.now(), held=payment.amount_authorized, amount=operation.amount
        )

    def prepare(self, operation: VoucherOperation) -> None:
        """Reserve anew where that is needed; never for what is not written down, whose hold was good a moment ago."""
        payment = of(operation)
        if operation.pk is not None and self.needs_a_claim(operation):
            renew(payment, operation.amount, read_order(operation.order_number).next_number)
        operation.target_id = payment.reservation_id
        operation.target_dead_at = payment.reservation_dead_at

    def call(self, operation: VoucherOperation) -> str:
        charge = voucher_cloud().charge(operation.target_id, operation.reference)
        if not is_answer_to_charge(
            amount=operation.amount,
            charged=charge.amount,
            voucher_id=operation.voucher_id,
            told_voucher_id=charge.voucher_id,
            reference=operation.reference,
            told_reference=charge.order_number,
        ):
            raise OutcomeUnknownError(code="answer_not_ours")
        return charge.id

    def booked(self, operation: VoucherOperation) -> Mapping[str, Any]:
        payment = of(operation)
        captured = payment.amount_captured + operation.amount
        needed_no_more = {} if captured < payment.amount_agreed else {"sealed_code": ""}
        return needed_no_more | {
            "status": "captured",
            "amount_captured": captured,
            "amount_authorized": ZERO,
            "reserved_until": None,
        }

    def tell(self, operation: VoucherOperation) -> None:
        announce(payment_captured, of(operation), operation.amount)

    def is_unwanted(self, operation: VoucherOperation) -> bool:
        """Whether somebody asked to cancel the payment, perhaps a moment ago."""
        payments = VoucherPayment.objects.using(database())
        return payments.filter(pk=of(operation).pk, cancel_requested_at__isnull=False).exists()

    def follow_up(self, operation: VoucherOperation) -> VoucherOperation | None:
        """Charge once more on a new reservation: this one was lost to another till, or lapsed."""
        payment = of(operation)
        if self._after_refusal(operation) != "charge_again":
            return None
        view = read_order(operation.order_number)
        draft = draft_charge(
            payment, operation.amount, view.next_capture, actor=operation.actor, reason=operation.reason
        )
        draft.number = view.next_number
        change_payment(payment, reserved_until=None)  # the refusal proved that the reservation is gone
        return draft

    def refused(self, operation: VoucherOperation) -> None:
        """End the payment, unless its hold is as good as before or it is being cancelled anyway."""
        if self._after_refusal(operation) == "fail":
            fail_payment(of(operation), operation.amount)

    def _after_refusal(self, operation: VoucherOperation) -> str:
        payment = of(operation)
        return after_refused_charge(
            sends=operation.attempts,
            refused=_refused_since_the_last_success(payment),
            has_code=bool(payment.sealed_code),
            cancelling=self.is_unwanted(operation),
            hold_is_usable=is_usable_now(payment),
        )


def _refused_since_the_last_success(payment: VoucherPayment) -> int:
    charges = VoucherOperation.objects.using(database()).filter(
        payment=payment, kind="charge", attempts__gt=0
    )
    states = charges.order_by("-pk").values_list("state", flat=True)
    return sum(1 for _ in takewhile(lambda state: state == "refused", states))


CHARGE = ChargeHandler()
