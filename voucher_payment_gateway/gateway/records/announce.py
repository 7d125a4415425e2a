"""Signals to the shop: sent after the commit, and a receiver that fails never stops a payment."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from voucher_payment_gateway import signals
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.log_events import PaymentEvents, RunningEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.signals import payment_needs_review, voucher_needs_review
from voucher_payment_gateway.telemetry.backend import IS_INSTALLED
from voucher_payment_gateway.telemetry.instruments import SIGNALS

__all__ = ["announce", "announce_sale", "request_review", "send_all"]

NAMES = {getattr(signals, name): name for name in signals.__all__}
"""The names of the signals, for the figures of the operator."""


def announce(signal: Signal, payment: VoucherPayment, amount: Decimal) -> None:
    """Send ``signal`` once what is being written now has been committed; at once outside of a transaction."""

    def send() -> None:
        # K12: committed, no signal sent
        send_all(signal, VoucherPayment, payment=payment, order_number=payment.order_number, amount=amount)

    transaction.on_commit(send, using=database(), robust=True)


def announce_sale(signal: Signal, sale: VoucherSale, amount: Decimal, **more: str) -> None:
    """Send ``signal`` about a sale once what is being written now has been committed."""

    def send() -> None:
        # K12: committed, no signal sent
        send_all(signal, VoucherSale, sale=sale, order_number=sale.order_number, amount=amount, **more)

    transaction.on_commit(send, using=database(), robust=True)


def request_review(operation: VoucherOperation) -> None:
    """Log an error, and send ``payment_needs_review`` or ``voucher_needs_review``: a person must decide about it. Both
    where it was to create a voucher in place of a refund: the money of the payment has not gone back."""
    PaymentEvents.review_needed.log(
        operation=operation.pk,
        account=operation.account,
        order_number=operation.order_number,
        kind=operation.kind,
        amount=operation.amount,
        currency=operation.currency,
        voucher_id=operation.voucher_id,
        error_code=operation.error_code,
    )
    if operation.sale is not None:
        announce_sale(voucher_needs_review, operation.sale, operation.amount)
        if (refund := _open_refund(operation)) is not None:
            request_review(refund)
    else:
        announce(payment_needs_review, operation.payment, operation.amount)


def _open_refund(operation: VoucherOperation) -> VoucherOperation | None:
    """Return the refused refund in whose place the operation was to make a voucher valid; None where it is valid, or
    stands in place of none."""
    sale = operation.sale
    is_making = sale is not None and operation.kind in ("issue", "activate") and sale.activated_at is None
    return sale.replaces_refund if sale is not None and is_making else None


def send_all(signal: Signal, sender: type, **arguments: Any) -> bool:
    """Send ``signal`` at once; return whether every receiver took it. An error of one is logged, without its text."""
    if IS_INSTALLED:
        SIGNALS.add({"signal": NAMES[signal], **_confirmed(**arguments)})
    failed = [
        (receiver, response)
        for receiver, response in signal.send_robust(sender=sender, **arguments)
        if isinstance(response, Exception)
    ]
    for receiver, response in failed:
        RunningEvents.receiver_failed.log(
            "a gift voucher signal", receiver=repr(receiver), exception=type(response).__name__
        )
    return not failed


def _confirmed(payment: VoucherPayment | None = None, **_: Any) -> dict[str, str]:
    """Return whether the shop relies on the payment, for the figures; nothing for a sale."""
    return {} if payment is None else {"confirmed": "yes" if payment.confirmed_at else "no"}
