"""The fences of a charge: which one is tried next, and whether it stands.

A fence is an instant after which no earlier request of the charge can be booked. ``reserve`` (F1): the voucher is
reserved anew, which replaces the old reservation. ``release`` (F3): the old reservation is cancelled. ``death`` (F2):
the old reservation has died of age.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.rules.resolution import dead_at
from voucher_payment_gateway.rules.timing import held_until
from voucher_payment_gateway.rules.verdicts import is_denied

__all__ = ["Fence", "Standing", "death_of", "is_dead", "next_fence", "standing"]

Fence = Literal["reserve", "release", "death"]
Standing = Literal["stands", "fails", "again"]


def next_fence(*, wanted: bool, release_works: bool, failed: Collection[Fence] = ()) -> Fence:
    """Choose the fence to try, those that ``failed`` left out.

    ``wanted``: the order still wants to be paid, and the code is there to reserve with. What is being cancelled is
    never reserved anew. ``release_works``: it is known that the Voucher Cloud can cancel reservations.
    """
    if wanted and "reserve" not in failed:
        return "reserve"
    if release_works and "release" not in failed:
        return "release"
    return "death"


def standing(fence: Literal["reserve", "release"], error: VoucherGatewayError | None) -> Standing:
    """Say what the answer to a fence's call makes of it; ``error`` is None where it was granted.

    A refused or denied reservation is no fence: it may have been refused because of the old hold, whose charge is
    still under way. Unanswered it proves nothing and is tried again. A release that was not confirmed is given up: a
    "not found" may only mean that there is no such call.
    """
    if error is None:
        return "stands"
    refused = isinstance(error, RefusedError) or is_denied(error)
    return "again" if fence == "reserve" and not refused else "fails"


def is_dead(target_dead_at: datetime | None, now: datetime) -> bool:
    """Say whether the old reservation has died of age: no other fence is needed then."""
    return target_dead_at is not None and target_dead_at <= now


def death_of(target_dead_at: datetime | None, now: datetime) -> datetime:
    """Return from when the old reservation cannot be charged any more; one that we know nothing of was answered by
    ``now`` at the latest."""
    return target_dead_at or dead_at(held_until(now), None)
