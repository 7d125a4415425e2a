"""The oracle: compares, per order and per voucher, what happened with what was promised, in integer cents.

It shares no code with the package or with the model of the gateway. Each booking of the Voucher Cloud's books names the
order that it was made for, and the story of an order knows what the customer got, and what the shop collected and gave
back by another payment method; the gateway sees neither.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TOLD", "Judgement", "Story", "failure_has_reason", "judge", "promises_fit"]

TOLD = ("not_paid", "failed", "review", "error", "ended")
"""Told when the order ships, or soon after: raised, sent as a signal, logged as an error and listed."""

TOLD_WITHIN = 5 * 86400.0
"""Seconds from shipping to the next sweep at the latest; what is told then was about something else."""


@dataclass
class Story:
    """What happened to one order, in cents."""

    uid: int
    number: str = ""
    goods: int = 0
    """What the customer has and keeps."""
    other_in: int = 0
    other_out: int = 0
    shipped_at: float | None = None
    told: list[tuple[float, str]] = field(default_factory=list)
    is_confirmed: bool = False
    is_ended: bool = False
    most: int = 0
    """The highest total that the order had."""
    is_lost: bool = False
    """A backup was put back that does not know this order."""
    is_restored: bool = False
    wrong: list[str] = field(default_factory=list)
    """What went wrong on the way: a promise without money behind it, a refusal without a reason, a call that failed."""


@dataclass
class Judgement:
    problems: list[str] = field(default_factory=list)
    unpaid_in_silence: int = 0
    unpaid_and_told: int = 0
    paid_twice: int = 0
    """Orders of which more was taken than the customer keeps: by voucher, by other money, or by both for one cent."""
    given_back_twice: int = 0
    without_reason: int = 0
    wrong_units: int = 0
    below_zero: int = 0

    @property
    def is_wrong(self) -> bool:
        return bool(self.problems)


def judge(vouchers: Any, stories: Any, unit: int) -> Judgement:
    """Compare the books with the stories, to the cent."""
    found = Judgement()
    charged: dict[int, int] = defaultdict(int)
    returned: dict[int, int] = defaultdict(int)
    for voucher in vouchers:
        if voucher.balance < 0:
            found.below_zero += 1
            found.problems.append(f"{voucher.id} holds {voucher.balance} cents")
        for row in voucher.rows:
            if row.by is None:
                continue
            (charged if row.type == "charge" else returned)[row.by] += row.cents
            if row.cents % unit:
                found.wrong_units += 1
                found.problems.append(f"order {row.by}: a {row.type} of {row.cents} cents is no whole amount")
    for story in stories:
        _judge_order(found, story, charged[story.uid], returned[story.uid])
    return found


def _judge_order(found: Judgement, story: Story, charged: int, returned: int) -> None:
    net = charged - returned + story.other_in - story.other_out
    facts = f"order {story.uid}: keeps {story.goods}, paid {charged} - {returned} by voucher, "
    facts += f"{story.other_in} - {story.other_out} otherwise"
    if story.wrong:
        found.without_reason += len(story.wrong)
        found.problems += [f"order {story.uid}: {each}" for each in story.wrong]
    if story.is_lost or story.is_restored:  # the shop has forgotten what it collected and what the order cost
        if charged - returned > max(story.most, 0):
            found.paid_twice += 1
            found.problems.append(f"{facts}: charged twice")
        return
    if net > story.goods:
        found.paid_twice += 1
        found.problems.append(f"{facts}: too much")
    if net < story.goods:
        since = story.shipped_at or 0.0
        if any(since <= at <= since + TOLD_WITHIN and what in TOLD for at, what in story.told):
            found.unpaid_and_told += 1
        elif returned > charged or net < 0:
            found.given_back_twice += 1
            found.problems.append(f"{facts}: too much went back")
        else:
            found.unpaid_in_silence += 1
            found.problems.append(f"{facts}: shipped unpaid, and nobody was told")


def promises_fit(voucher: Any, payments: Any) -> bool:
    """Return whether the voucher holds what confirmed payments count on, at the moment of another confirmation. What
    tills have spent since a payment was held is no fault of the confirmation."""
    spent_by_tills = sum(row.cents for row in voucher.rows if row.by is None)
    counted = sum(
        _cents(payment.amount_agreed) - _cents(payment.amount_captured)
        for payment in payments
        if payment.confirmed_at
        and payment.cancel_requested_at is None
        and (payment.sealed_code or payment.status == "authorized")
        and payment.status not in ("cancelled", "failed")
    )
    return bool(counted <= voucher.balance + spent_by_tills)


def failure_has_reason(
    voucher: Any,
    wanted: int,
    *,
    uid: int,
    now: float,
    confirmed_at: float,
    held_until: float,
    days: int,
    keeps_codes: bool,
    lowers: bool,
    alone: bool,
) -> bool:
    """Return whether a confirmed payment of ``wanted`` cents really could not be captured at this moment. ``alone``: no
    other database of this shop may hold the voucher."""
    hold = voucher.hold
    is_open = hold is not None and now < hold.ends_at
    is_ours = is_open and hold.by is not None and alone
    if not voucher.is_active or now >= confirmed_at + days * 86400:
        return True
    if not keeps_codes and (now >= held_until or not is_ours or hold.by == uid):
        return True
    held_by_others = hold.cents if lowers and is_open and not is_ours else 0
    return bool(voucher.balance - held_by_others < wanted)


def _cents(amount: Any) -> int:
    euros, _, cents = f"{amount:.2f}".partition(".")
    return int(euros) * 100 + int(cents)
