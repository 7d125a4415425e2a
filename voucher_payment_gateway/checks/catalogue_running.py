"""The numbered checks that read the database of a running shop: a part of the catalogue."""

from typing import Final

from voucher_payment_gateway.checks.check import Check
from voucher_payment_gateway.docs_url import docs_url

__all__ = ["RUNNING"]

RUNNING: Final = {
    "E072": Check(keys=("ASYNC_THREADS",), cure="Give a whole number from 1 to 1000."),
    "W051": Check(
        messages={
            "missing": "{NAME}: ACCOUNTS: {account} has no credentials, but {count} payments of it are not done."
        },
        cure="Put its credentials back until voucher_doctor finds no such payment: nothing is sent for them meanwhile.",
    ),
    "W058": Check(
        messages={
            "late": "voucher_settle has not completed a run for more than {minutes} minutes.",
            "never": "voucher_settle has never completed a run, and work has waited for it for more than {minutes} "
            "minutes.",
        },
        cure="Run it every minute; until then what a crash or a lost answer left open stays open: "
        f"{docs_url('how-to/run-settle')}",
    ),
}
