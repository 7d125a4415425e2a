"""The numbered checks of the admin's pages for staff."""

from typing import Final

from voucher_payment_gateway.checks.check import SETTINGS, Check

__all__ = ["STAFF"]

STAFF: Final = {
    "E061": Check(
        keys=("REFUND_APPROVAL_ABOVE", "REFUND_APPROVAL_HOURS"),
        cure='Give amounts by currency, such as {"EUR": "100.00"}, or None for no limit, and hours above zero: '
        f"{SETTINGS}#staff.",
    ),
}
