"""Merchant accounts that were taken out of the settings while payments of theirs are not done."""

from collections import Counter
from datetime import UTC, datetime

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN

__all__ = ["missing_accounts"]

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every instant in our rows: with this condition SQLite uses the index of what is open, too."""


def missing_accounts() -> dict[str, int]:
    """Return how many payments hold something, may be held again, or have an operation that is not decided, for each
    account without credentials; that of the default account is named "". Nothing is sent for them."""
    known = gateway_settings().account_names
    payments, operations = VoucherPayment.current.exclude(account__in=known), VoucherOperation.current
    held = payments.filter(status="authorized", reservation_dead_at__gte=LONG_AGO).order_by(
        "reservation_dead_at"
    )
    may_be_held = (
        payments.filter(code_kept_until__gte=LONG_AGO).exclude(sealed_code="").order_by("code_kept_until")
    )
    undecided = [
        operations.filter(IS_OPEN).order_by("state", "due_at"),
        operations.filter(state="manual", settled_at__gte=LONG_AGO).order_by("settled_at"),
    ]
    of_payments = [rows.values_list("pk", "account") for rows in (held, may_be_held)]
    of_operations = [
        rows.exclude(payment=None)
        .exclude(payment__account__in=known)
        .values_list("payment", "payment__account")
        for rows in undecided
    ]
    found = {row for rows in (*of_payments, *of_operations) for row in rows}
    return dict(Counter(account for _, account in sorted(found, key=lambda row: row[1])))
