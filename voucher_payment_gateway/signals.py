"""Signals that the gateway sends to the shop after commit, each at most once per fact.

Receivers of ``payment_…`` get ``payment`` (a ``VoucherPayment``), those of ``voucher_…`` get ``sale`` (a
``VoucherSale``); both get ``order_number`` and ``amount`` (the Decimal that the fact is about). Those of
``guessing_limit_reached`` get other arguments. An error of a receiver is logged and stops neither the
payment nor the other receivers.
"""

from django.dispatch import Signal

__all__ = [
    "guessing_limit_reached",
    "payment_authorized",
    "payment_cancelled",
    "payment_captured",
    "payment_failed",
    "payment_lapsed",
    "payment_needs_review",
    "payment_refunded",
    "voucher_activated",
    "voucher_issued",
    "voucher_needs_review",
    "voucher_taken_back",
    "voucher_topped_up",
]

payment_authorized = Signal()
"""A reservation holds ``amount`` for the order."""

payment_captured = Signal()
"""``amount`` was charged."""

payment_refunded = Signal()
"""``amount`` was refunded to the voucher."""

payment_cancelled = Signal()
"""The payment was cancelled; all that was charged is refunded."""

payment_lapsed = Signal()
"""The reservation ended before it was charged; nothing is held now."""

payment_failed = Signal()
"""The Voucher Cloud refused a call; ``amount`` was not moved."""

payment_needs_review = Signal()
"""A person must review the payment: our ledger and the Voucher Cloud may differ by ``amount``."""

guessing_limit_reached = Signal()
"""Failures of all visitors together have reached ``limit``, the ``everyone`` of ``THROTTLE``: for another
``seconds_left``, customers without an account or a solved captcha cannot redeem vouchers. Sent once in ten minutes."""

voucher_issued = Signal()
"""A voucher was created for an order. It is inactive: it cannot be redeemed yet."""

voucher_activated = Signal()
"""A voucher was activated, and its code is handed over. With ``VOUCHER_DELIVERY = "signal"`` receivers also get
``code`` and ``pin``, this one time; both are empty otherwise. If a receiver fails then, it is sent again later."""

voucher_taken_back = Signal()
"""A voucher was deactivated and deleted: it cannot be redeemed any more."""

voucher_topped_up = Signal()
"""``amount`` was added to a voucher."""

voucher_needs_review = Signal()
"""A person must review the sale: our records and the Voucher Cloud may differ."""
