"""Idempotency keys of what Oscar's events move: the same event has the same key, until its call was surely refused."""

from decimal import Decimal
from itertools import count
from typing import Any

from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation
from voucher_payment_gateway.money import ZERO

__all__ = ["call_of", "charged_by", "next_key"]

NOT_MADE = {"refused", "not_applied"}
MAX_LENGTH = 240


def next_key(order: Any, what: str) -> str:
    """Return the key of the event ``what`` of the order: that of its earlier attempt, unless the Voucher Cloud has
    refused that one, or it was withdrawn. Then nothing moved, and the event may be tried again."""
    attempts = (f"{what[:MAX_LENGTH]} {number}" for number in count(1))
    return next(key for key in attempts if not _was_refused(order.number, key))


def call_of(order: Any, verb: str, key: str) -> VoucherIdempotencyKey | None:
    """Return the call of an earlier attempt, whose process ended before the event was created; None where there was
    none. Its money may have moved, so it is repeated as it was: what is left by now says nothing about it."""
    calls = VoucherIdempotencyKey.current.filter(order_number=order.number, verb=verb, key=key)
    return calls.first()


def charged_by(call: VoucherIdempotencyKey) -> Decimal:
    """Return what the call charges."""
    charges = VoucherOperation.current.filter(idempotency_key=call, kind="charge").exclude(state__in=NOT_MADE)
    return sum(charges.values_list("amount", flat=True), ZERO)


def _was_refused(order_number: str, key: str) -> bool:
    operations = VoucherOperation.current.of_payments(order_number=order_number, idempotency_key__key=key)
    states = set(operations.values_list("state", flat=True))
    return bool(states) and states <= NOT_MADE
