"""How an operation with an unknown outcome is resolved, after a read of the voucher's bookings did not show it.

- After an absence: wait, establish a fence, or accept that nothing was booked; then repeat or end the operation.
- Fences: an instant after which no earlier request can be booked, and the three ways to establish one.

A charge is repeated only behind a *fence*. A refund has none, so it is repeated only after a *grace* period longer than
any request can be in flight. The read that decides must be sent one *lag* later, since the lists may show new bookings
late. Every instant is of our own clock. ``docs/explanation/money-safety.md`` has an experiment for each rule.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.rules.sales import REPEATABLE_KINDS
from voucher_payment_gateway.rules.timing import held_until
from voucher_payment_gateway.rules.verdicts import FORBIDDEN_TIMEOUT, is_denied

__all__ = [
    "EXPIRY_MARGIN_SECONDS",
    "Decision",
    "Fence",
    "FenceOutcome",
    "Tolerances",
    "UnknownOperation",
    "after_absence",
    "after_proven_absence",
    "expired_at",
    "expiry_of",
    "is_expired",
    "is_unreadable_too_long",
    "is_wanted",
    "judge_fence",
    "may_repeat",
    "next_fence",
    "trailing_read_at",
]

Fence = Literal["reserve", "release", "expiry"]
FenceOutcome = Literal["confirmed", "failed", "retry"]

EXPIRY_MARGIN_SECONDS = 5 * 60
"""Margin after the end of a reservation before it counts as expired."""

MAX_CLOCK_ERROR = timedelta(hours=24)
"""Maximum by which an end named by the API may exceed the documented one: its clock may be wrong by a day, but no
operation waits for ever."""

MAX_SENDS = 4
"""Maximum attempts of a call; then a person decides."""

TRAILING_READ_SECONDS = 2 * 3600
"""Delay of the last read of the bookings, which finds duplicates and late bookings."""


@dataclass(frozen=True)
class Tolerances:
    """The two durations that an operator can set."""

    list_lag: timedelta = timedelta(seconds=60)
    """Maximum delay until the lists show a booking."""
    refund_grace: timedelta = timedelta(seconds=900)
    """Maximum time that a request is in flight."""


@dataclass(frozen=True)
class UnknownOperation:
    """What our records know of an operation with an unknown outcome."""

    kind: str
    sent_at: datetime
    """When the last attempt began."""
    fence_at: datetime | None = None
    """From when no earlier request can be booked; stored before any read counts."""
    absent_at: datetime | None = None
    """When the first read was sent that came after the grace period and did not show it."""
    refused_at: datetime | None = None
    """When a repeated call was refused. That alone proves nothing: an earlier one may have been booked."""


@dataclass(frozen=True)
class Decision:
    """The next action. ``until`` is when to read again, for ``wait`` and ``note_absence``."""

    action: Literal["wait", "fence", "note_absence", "not_booked", "refused"]
    until: datetime | None = None


def after_absence(unknown: UnknownOperation, read_at: datetime, tolerances: Tolerances) -> Decision:
    """Decide what follows from a read, sent at ``read_at``, that did not show the operation.

    ``not_booked``: it is certain that nothing was booked and nothing will be; repeat the operation or end it.
    ``refused``: the same, and the last attempt was refused. A kind that is safe to repeat needs no certainty.
    """
    if unknown.refused_at is not None:
        return _certain_from(unknown.refused_at + tolerances.list_lag, read_at, "refused")
    if unknown.kind in REPEATABLE_KINDS:
        return Decision("not_booked")
    if unknown.kind == "charge":
        if unknown.fence_at is None:
            return Decision("fence")
        return _certain_from(unknown.fence_at + tolerances.list_lag, read_at, "not_booked")
    grace_ends_at = unknown.sent_at + tolerances.refund_grace
    if read_at < grace_ends_at:
        return Decision("wait", grace_ends_at)
    if unknown.absent_at is None or unknown.absent_at < grace_ends_at:
        return Decision("note_absence", read_at + tolerances.list_lag)
    return _certain_from(unknown.absent_at + tolerances.list_lag, read_at, "not_booked")


def _certain_from(
    certain_at: datetime, read_at: datetime, then: Literal["not_booked", "refused"]
) -> Decision:
    return Decision("wait", certain_at) if read_at < certain_at else Decision(then)


def is_wanted(kind: str, *, cancelling: bool, has_code: bool) -> bool:
    """Return whether an operation is still to be carried out. A charge is not while its payment is being cancelled, nor
    without the code, which is needed to reserve again. A refund always is."""
    return kind != "charge" or (has_code and not cancelling)


def after_proven_absence(
    kind: str, *, wanted: bool, sends: int, cancelling: bool
) -> Literal["repeat", "require_review", "give_up", "refuse"]:
    """Decide what follows once it is certain that nothing was booked and nothing will be: send it again, require a
    review, end it as not applied, or end it as refused."""
    if wanted:
        return "repeat" if kind in REPEATABLE_KINDS or may_repeat(sends) else "require_review"
    return "give_up" if cancelling else "refuse"


def may_repeat(sends: int) -> bool:
    """Return whether a call that was sent ``sends`` times may be sent again without a review."""
    return sends < MAX_SENDS


def is_unreadable_too_long(since: datetime, now: datetime) -> bool:
    """Return whether the bookings of a voucher that is gone have been tried for a day ``since`` the last call: they can
    never be read again. An unknown operation needs review then, and no trailing read is made any more."""
    return now - since >= FORBIDDEN_TIMEOUT


def trailing_read_at(now: datetime, *, sends: int, booked: bool) -> datetime | None:
    """Return when to read once more after an unknown outcome was resolved; None where that is not needed.

    Only a repeated call can leave a duplicate; only an operation that ended without money can still be booked late.
    """
    return None if booked and sends <= 1 else now + timedelta(seconds=TRAILING_READ_SECONDS)


def next_fence(*, wanted: bool, release_works: bool, failed: Collection[Fence] = ()) -> Fence:
    """Choose the fence to try next, without those that ``failed``.

    ``wanted``: the order is still to be paid, and the code to reserve with is stored. A payment that is being cancelled
    is never reserved again. ``release_works``: the Voucher Cloud is known to cancel reservations.
    """
    if wanted and "reserve" not in failed:
        return "reserve"
    if release_works and "release" not in failed:
        return "release"
    return "expiry"


def judge_fence(fence: Literal["reserve", "release"], error: VoucherGatewayError | None) -> FenceOutcome:
    """Return whether the answer to a fence's call confirms it; ``error`` is None where the call succeeded.

    A refused or denied reservation fails: the reason may be the old hold, whose charge is still in flight. Without an
    answer it proves nothing and is retried. A release that was not confirmed fails: a "not found" may only mean that
    the API has no such call.
    """
    if error is None:
        return "confirmed"
    refused = isinstance(error, RefusedError) or is_denied(error)
    return "retry" if fence == "reserve" and not refused else "failed"


def expired_at(held_until: datetime, valid_until: datetime | None) -> datetime:
    """Return from when a reservation has certainly expired: five minutes after its end on our clock, or at the end that
    the API names, if that is later, by at most a day."""
    ours = held_until + timedelta(seconds=EXPIRY_MARGIN_SECONDS)
    return ours if valid_until is None else min(max(ours, valid_until), ours + MAX_CLOCK_ERROR)


def is_expired(target_dead_at: datetime | None, now: datetime) -> bool:
    """Return whether the old reservation has expired: then no other fence is needed."""
    return target_dead_at is not None and target_dead_at <= now


def expiry_of(target_dead_at: datetime | None, now: datetime) -> datetime:
    """Return from when the old reservation cannot be charged any more. Where that was not recorded, its answer came at
    ``now`` at the latest."""
    return target_dead_at or expired_at(held_until(now), None)
