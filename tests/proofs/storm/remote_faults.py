"""Which calls to the Voucher Cloud fail in a day, and how."""

from random import Random
from typing import Any

from tests.proofs.storm.emphasis import Emphasis
from voucher_payment_gateway.sandbox.faults import DRAWN

__all__ = ["draw_faults"]

MONEY = "/v1/*[!s]"
"""The calls that book: charge, refund and recharge; reservations and lists end with an s."""
WHERE = (("POST", MONEY, 0.5), ("POST", MONEY, 0.3), ("POST", "/v1/*", 0.2), ("*", "/v1/*", 0.15))
SALES, SALES_FAIL_RATE = ("*", "/v1/vouchers*", 0.25), 0.6
"""The calls about vouchers that are sold, among them the reads; and in how many days of selling they fail."""
REFUSALS = ("before:400", "before:401", "before:403", "before:409", "before:410", "before:422")
"""Rejections by the API itself: nothing of the request was processed."""
FAULTS = (
    *DRAWN,
    *("late:drop", "late:reset", "late:html504", "after:drop", "after:drop", "before:drop", "before:drop"),
    *("after:redirect", "before:redirect", "late:redirect", "after:408", "after:reset", "after:reset"),
    *REFUSALS,
)
FOREIGN_ANSWER = ("after:other",)
"""A well-formed answer with another order's data. A list would be empty, which may be a correct answer."""
LATE_SECONDS = (4, 90, 600, 600)
"""Maximum seconds until a late request arrives."""


def draw_faults(cloud: Any, seed: int, random: Random, emphasis: Emphasis, *, sells: bool) -> None:
    """Let the calls of this day fail, at the rate and with the faults that its seed draws."""
    method, path, rate = random.choice(WHERE)
    if emphasis.faults:
        method, path, rate = WHERE[0]
    if sells and Random(f"where {seed}").random() < SALES_FAIL_RATE:
        method, path, rate = SALES
    if emphasis.where:
        method, path, rate = emphasis.where
    faults = FAULTS if method == "*" else (*FAULTS, *FOREIGN_ANSWER)
    late_seconds = random.choice(LATE_SECONDS)
    faults = emphasis.faults or faults
    cloud.faults.draw(seed, rate=rate, method=method, path=path, faults=faults, late_seconds=late_seconds)
