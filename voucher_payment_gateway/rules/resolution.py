"""What to do about an operation whose outcome is unknown, after a read of the voucher's bookings showed none.

A charge is repeated only behind a *fence*: an instant after which no earlier request of ours can land. A refund
has no fence, so it is repeated only after a *grace* period longer than any request can be under way. Both times the
read that decides was sent a *lag* later, since new bookings may be shown late. Every instant is of our own clock.
The experiment that shows what each rule is for is described in ``docs/explanation/money-safety.md``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.rules.timing import held_until
from voucher_payment_gateway.rules.verdicts import is_denied

__all__ = [
    "DEAD_MARGIN_SECONDS",
    "Decision",
    "Fence",
    "Standing",
    "Tolerances",
    "UnknownOperation",
    "after_absence",
    "after_proven_absence",
    "dead_at",
    "expiry_of",
    "is_expired",
    "is_wanted",
    "judge_fence",
    "may_repeat",
    "next_fence",
    "trailing_read_at",
]

DEAD_MARGIN_SECONDS = 5 * 60
"""So much later than its end a reservation is believed dead."""

MAX_CLOCK_ERROR = timedelta(hours=24)
"""So much longer than documented an end is believed that the Voucher Cloud names: its clock may be wrong by a day, but
no operation waits for ever."""

MAX_SENDS = 4
"""So often a call is sent at most; after that a person decides."""

TRAILING_READ_SECONDS = 2 * 3600
"""So much later the bookings are read once more, to find what was doubled or came too late."""


@dataclass(frozen=True)
class Tolerances:
    """The two durations that an operator may know better."""

    list_lag: timedelta = timedelta(seconds=60)
    """A booking is shown in the lists at most this long after it was made."""
    refund_grace: timedelta = timedelta(seconds=900)
    """No request is still under way this long after it was sent."""


@dataclass(frozen=True)
class UnknownOperation:
    """What our records know of an operation whose outcome is unknown."""

    kind: str
    sent_at: datetime
    """When the last attempt was begun."""
    fence_at: datetime | None = None
    """From when no earlier request can land any more; it was stored before any read counts."""
    absent_at: datetime | None = None
    """When the first read was sent that came after the grace period and showed nothing."""
    refused_at: datetime | None = None
    """When a repeated call was refused: by itself that proves nothing, an earlier one may have been booked."""


@dataclass(frozen=True)
class Decision:
    """What comes next. ``until`` is when to read again, for ``wait`` and ``note_absence``."""

    action: Literal["wait", "fence", "note_absence", "not_booked", "refused"]
    until: datetime | None = None


def after_absence(doubt: UnknownOperation, read_at: datetime, figures: Tolerances) -> Decision:
    """Decide what follows from a read, sent at ``read_at``, that showed no booking of ours.

    ``not_booked``: it is certain that nothing was booked and nothing will be; repeat it or give it up.
    ``refused``: the same, and the last repeat was refused.
    """
    if doubt.refused_at is not None:
        return _certain_from(doubt.refused_at + figures.list_lag, read_at, "refused")
    if doubt.kind == "charge":
        if doubt.fence_at is None:
            return Decision("fence")
        return _certain_from(doubt.fence_at + figures.list_lag, read_at, "not_booked")
    over_at = doubt.sent_at + figures.refund_grace
    if read_at < over_at:
        return Decision("wait", over_at)
    if doubt.absent_at is None or doubt.absent_at < over_at:
        return Decision("note_absence", read_at + figures.list_lag)
    return _certain_from(doubt.absent_at + figures.list_lag, read_at, "not_booked")


def is_wanted(kind: str, *, cancelling: bool, has_code: bool) -> bool:
    """Say whether an operation is still to be carried out: a charge is not while its payment is being cancelled, and
    cannot be without the code that reserves anew. A refund always is."""
    return kind != "charge" or (has_code and not cancelling)


def after_proven_absence(
    *, wanted: bool, sends: int, cancelling: bool
) -> Literal["repeat", "require_review", "give_up", "refuse"]:
    """Decide what follows once it is certain that nothing was booked and nothing will be: send it again, let a person
    decide, note that it was not carried out, or call it refused."""
    if wanted:
        return "repeat" if may_repeat(sends) else "require_review"
    return "give_up" if cancelling else "refuse"


def trailing_read_at(now: datetime, *, sends: int, booked: bool) -> datetime | None:
    """Return when to read once more after an operation that was in doubt has ended; None where once is enough.

    A surplus can only come of a repetition, and a booking that shows after all only of one that ended without money.
    """
    return None if booked and sends <= 1 else now + timedelta(seconds=TRAILING_READ_SECONDS)


def may_repeat(sends: int) -> bool:
    """Say whether a call that was sent ``sends`` times may be sent again without a person."""
    return sends < MAX_SENDS


def dead_at(held_until: datetime, valid_until: datetime | None) -> datetime:
    """Return when a reservation is believed dead: five minutes after its end on our clock, or at the end that the
    Voucher Cloud names, if that is later by a day at most."""
    ours = held_until + timedelta(seconds=DEAD_MARGIN_SECONDS)
    return ours if valid_until is None else min(max(ours, valid_until), ours + MAX_CLOCK_ERROR)


def _certain_from(
    certain_at: datetime, read_at: datetime, then: Literal["not_booked", "refused"]
) -> Decision:
    return Decision("wait", certain_at) if read_at < certain_at else Decision(then)


Fence = Literal["reserve", "release", "expiry"]
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
    return "expiry"


def judge_fence(fence: Literal["reserve", "release"], error: VoucherGatewayError | None) -> Standing:
    """Say what the answer to a fence's call makes of it; ``error`` is None where it was granted.

    A refused or denied reservation is no fence: it may have been refused because of the old hold, whose charge is
    still under way. Unanswered it proves nothing and is tried again. A release that was not confirmed is given up: a
    "not found" may only mean that there is no such call.
    """
    if error is None:
        return "stands"
    refused = isinstance(error, RefusedError) or is_denied(error)
    return "again" if fence == "reserve" and not refused else "fails"


def is_expired(target_dead_at: datetime | None, now: datetime) -> bool:
    """Say whether the old reservation has died of age: no other fence is needed then."""
    return target_dead_at is not None and target_dead_at <= now


def expiry_of(target_dead_at: datetime | None, now: datetime) -> datetime:
    """Return from when the old reservation cannot be charged any more; one that we know nothing of was answered by
    ``now`` at the latest."""
    return target_dead_at or dead_at(held_until(now), None)
