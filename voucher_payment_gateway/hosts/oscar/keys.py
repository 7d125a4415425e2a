"""Idempotency keys of what Oscar's events move: the same event has the same key, until its call was surely refused."""

from itertools import count
from typing import Any

from voucher_payment_gateway.models import VoucherOperation

__all__ = ["next_key"]

NOT_MADE = {"refused", "not_applied"}
MAX_LENGTH = 240


def next_key(order: Any, what: str) -> str:
    """Return the key of the event ``what`` of the order: that of its earlier attempt, unless the Voucher Cloud has
    refused that one, or it was withdrawn. Then nothing moved, and the event may be tried again."""
    attempts = (f"{what[:MAX_LENGTH]} {number}" for number in count(1))
    return next(key for key in attempts if not _was_refused(order.number, key))


def _was_refused(order_number: str, key: str) -> bool:
    operations = VoucherOperation.current.filter(order_number=order_number, idempotency_key__key=key)
    states = set(operations.values_list("state", flat=True))
    return bool(states) and states <= NOT_MADE
