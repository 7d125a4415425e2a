"""What is left on a held voucher after this order, and how long it is valid: with ``SHOW_BALANCE``, one read for each.

Shown only where the voucher is held for the order, so to whoever knows its code. A balance that cannot be read is left
out: the checkout goes on without it.
"""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from voucher_payment_gateway.api import Voucher
from voucher_payment_gateway.checkout.summary import Balance, Summary, VoucherLine
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.parallel import in_parallel
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.short_memory import recall, remember

__all__ = ["with_balances"]

MEMORY_SECONDS = 30
"""How long a balance is remembered: a page that is loaded again and again asks once for each reservation."""

REMEMBERED = {"id", "currency", "status", "remaining_amount", "valid_until"}

PAUSE_SECONDS = 30
"""How long no balance is read in this process after a read failed: a page must not wait for a service that is away."""

INSTANT = timedelta(microseconds=1)
"""A voucher that is valid until midnight is not valid on the day that begins then."""

failed_at: dict[str, float] = {}
"""By account."""


def with_balances(summary: Summary) -> Summary:
    """Return the summary with the balances of the vouchers that are held; the same one without ``SHOW_BALANCE``."""
    held = [line for line in summary.lines if line.state == "held" and line.payment.voucher_id]
    if not gateway_settings().SHOW_BALANCE or not held:
        return summary
    found: dict[int, Balance] = {}
    in_parallel(lambda line: _read(line, found), held)
    return replace(
        summary, lines=[replace(line, balance=found.get(line.payment.pk)) for line in summary.lines]
    )


def _pauses(account: str) -> bool:
    return account in failed_at and time.monotonic() < failed_at[account] + PAUSE_SECONDS


def _read(line: VoucherLine, found: dict[int, Balance]) -> None:
    if _pauses(line.payment.account):
        return
    name = f"balance.{line.payment.pk}.{line.payment.reservation_id}"
    try:
        known = recall(name)
        voucher = Voucher.model_validate_json(known) if known else _asked(line, name)
    except RefusedError:
        return
    except VoucherGatewayError:
        failed_at[line.payment.account] = time.monotonic()
        return
    if voucher.currency == line.payment.currency:
        found[line.payment.pk] = _balance(line, voucher)


def _asked(line: VoucherLine, name: str) -> Voucher:
    voucher = voucher_cloud(line.payment.account).get_voucher(line.payment.voucher_id)
    remember(name, voucher.model_dump_json(include=REMEMBERED), MEMORY_SECONDS)
    return voucher


def _balance(line: VoucherLine, voucher: Any) -> Balance:
    """Whether a reservation lowers the balance is not documented: where the shop does not know it either, what is left
    is at least the balance less the hold."""
    lowers = gateway_settings().API_BEHAVIOUR.open_reservation_lowers_balance
    left = voucher.remaining_amount
    if left is not None and not lowers:
        left = max(left - line.payment.amount_authorized, ZERO)
    is_unsure = lowers is None and not left
    until = voucher.valid_until and voucher.valid_until - INSTANT
    return Balance(None if is_unsure else left, is_exact=lowers is not None, valid_until=until)
