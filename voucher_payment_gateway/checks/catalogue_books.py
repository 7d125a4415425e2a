"""The numbered checks of the books."""

from typing import Final

from voucher_payment_gateway.checks.check import SETTINGS, Check

__all__ = ["BOOKS"]

BOOKS: Final = {
    "E060": Check(
        keys=("DATEV_ACCOUNTS",),
        cure="Name the numbers and accounts that your tax adviser has approved: "
        f"{SETTINGS}#datev_accounts lists the keys.",
    ),
}
