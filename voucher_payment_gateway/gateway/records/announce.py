"""Signals to the shop: sent after the commit, and a receiver that fails never stops a payment."""

import logging
from decimal import Decimal

from django.db import transaction
from django.dispatch import Signal

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.signals import payment_needs_review

__all__ = ["announce", "request_review"]

logger = logging.getLogger("voucher_payment_gateway")


def announce(signal: Signal, payment: VoucherPayment, amount: Decimal) -> None:
    """Send ``signal`` once what is being written now has been committed; at once outside of a transaction."""

    def send() -> None:
        # K12: committed, no signal sent
        _send(signal, payment, amount)

    transaction.on_commit(send, using=database(), robust=True)


def request_review(operation: VoucherOperation) -> None:
    """Send ``payment_needs_review`` and log an error: a person must decide about the operation."""
    merchant = f" of the account {operation.account!r}" if operation.account else ""
    logger.error(
        "a gift voucher operation needs review: operation %s%s, %s",
        operation.pk,
        merchant,
        operation.error_code,
    )
    announce(payment_needs_review, operation.payment, operation.amount)


def _send(signal: Signal, payment: VoucherPayment, amount: Decimal) -> None:
    responses = signal.send_robust(
        sender=VoucherPayment, payment=payment, order_number=payment.order_number, amount=amount
    )
    for receiver, response in responses:
        if isinstance(response, Exception):
            logger.error(
                "a receiver of a gift voucher signal failed: %r (%s)", receiver, type(response).__name__
            )
