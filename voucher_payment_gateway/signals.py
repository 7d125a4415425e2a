"""What the gateway tells the shop, after commit, each at most once per fact.

Receivers get ``payment`` (a ``VoucherPayment``), ``order_number`` and ``amount`` (Decimal, what this fact is
about). A receiver that raises is logged and stops neither the payment nor the other receivers.
"""

from django.dispatch import Signal

__all__ = [
    "payment_authorized",
    "payment_cancelled",
    "payment_captured",
    "payment_failed",
    "payment_lapsed",
    "payment_needs_review",
    "payment_refunded",
]

payment_authorized = Signal()
"""A reservation holds ``amount`` for the order."""

payment_captured = Signal()
"""``amount`` was charged."""

payment_refunded = Signal()
"""``amount`` went back to the voucher."""

payment_cancelled = Signal()
"""The payment was given up; what was charged is refunded."""

payment_lapsed = Signal()
"""The reservation ended before it was charged; nothing is held any more."""

payment_failed = Signal()
"""The Voucher Cloud refused; ``amount`` was not moved."""

payment_needs_review = Signal()
"""A person must look: the ledger and the Voucher Cloud may disagree about ``amount``."""
