"""Planted bugs: ``python -m tests.proofs.simulation.mutants`` drops one rule after the other, and a day must end wrong.

A bug is caught on the first day that ends with a cent too much or too little, an operation stuck, or money moved twice
without anybody being told, while the same day without the bug does not.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from tests.proofs.simulation import mutations
from tests.proofs.simulation.day import Result, Setting, play
from tests.proofs.simulation.faults import Rates
from tests.proofs.simulation.rows import Rows
from tests.proofs.simulation.shop import Shop
from voucher_payment_gateway.rules import (
    evidence,
    resolution,
    timing,
    verdicts,
)

__all__ = ["BUGS", "Bug", "caught_by"]

MOST_DAYS = 600
"""A bug that survives so many days is not caught."""

Change = Callable[[Any], Any]

HOT = Rates(stall=0.03, crash=0.04)
DAWDLING = Rates(late=0.3)
SLOW = Rates(latest=3000, late=0.08)
LATE_LISTS = {"list_lag": 300.0, "numbers_are_unique": True}
PATIENT = resolution.Figures(refund_grace=timedelta(seconds=3600))


@dataclass(frozen=True)
class Bug:
    """A rule dropped: ``changes`` are what to put in the place of what, ``setting`` the days that bring it out."""

    changes: tuple[tuple[Any, str, Change], ...]
    setting: Setting
    instead_of: Setting
    """The same days without the bug."""


def _bug(*changes: tuple[Any, str, Change], **setting: Any) -> Bug:
    return Bug(changes, Setting(**setting), Setting(**setting))


def _shop(shop: type[Shop], **setting: Any) -> Bug:
    return Bug((), Setting(shop=shop, **setting), Setting(**setting))


def _figures(figures: resolution.Figures, **setting: Any) -> Bug:
    return Bug((), Setting(figures=figures, **setting), Setting(**setting))


def _value(value: Any) -> Change:
    return lambda before: value


BUGS: dict[str, Bug] = {
    "a charge is repeated without a fence": _bug((resolution, "after_absence", mutations.no_fence)),
    "where the voucher cannot be reserved, no fence is had": _shop(
        mutations.NoDeath, rates=Rates(lost=0.1), vouchers=2
    ),
    "the read that decides is sent at the fence": _figures(
        resolution.Figures(list_lag=timedelta(0)), rates=DAWDLING, behaviour={"list_lag": 55.0}
    ),
    "a refused reservation is a fence": _bug(
        (resolution, "standing", mutations.refused_stands),
        rates=DAWDLING,
        behaviour={"open_hold_lowers_balance": True},
        cancels=0.8,
    ),
    "an unanswered reservation is a fence": _bug(
        (resolution, "standing", mutations.unanswered_stands), rates=Rates(lost=0.1, late=0.1)
    ),
    "a release that is not found is a fence": _bug(
        (resolution, "standing", mutations.not_found_stands),
        (resolution, "next_fence", mutations.release_first),
        rates=Rates(late=0.1),
        behaviour={"release_works": False},
    ),
    "a reservation dies by the server's clock": _bug(
        (resolution, "dead_at", mutations.server_clock),
        rates=Rates(late=0.1),
        behaviour={"clock_offset": -7200.0, "open_hold_lowers_balance": True, "list_lag": 55.0},
    ),
    "a reservation is dead at its very end": _bug(
        (resolution, "DEAD_MARGIN_SECONDS", _value(0)),
        rates=Rates(latest=3000, late=0.3),
        behaviour={"lapse_lag": 240.0},
        figures=PATIENT,
        cancels=0.8,
    ),
    "the filter of the lists is believed": _shop(mutations.BelievesTheFilter),
    "bookings that are ours already count, one number per order": _bug(
        (evidence, "charge_evidence", mutations.ours_count),
        (evidence, "charge_reference", mutations.bare_number),
    ),
    "the shop's bare number is sent": _bug(
        (evidence, "charge_reference", mutations.bare_number), rates=Rates(lost=0.1)
    ),
    "every attempt has a new number": _shop(mutations.NewNumbers, behaviour=LATE_LISTS),
    "the order number is compared by its beginning": _bug(
        (evidence, "charge_evidence", mutations.prefix_compare),
        (evidence, "charge_reference", mutations.without_token),
    ),
    "state is compared, not the claim": _bug((Rows, "take", mutations.compare_state), rates=HOT),
    "a claim is not raised": _bug((Rows, "_next_claim", mutations.same_claim), rates=HOT),
    "nothing is compared": _bug((Rows, "take", mutations.compare_nothing), rates=HOT),
    "a lease that ran out means: send again": _bug((timing, "after_lease", _value(lambda kind: "due"))),
    "a worker that slept sends nevertheless": _bug(
        (timing, "may_begin", _value(lambda now, latest: True)), rates=HOT
    ),
    "a refund is repeated without grace": _figures(resolution.Figures(refund_grace=timedelta(0))),
    "the grace is shorter than a request can be under way": _figures(
        resolution.Figures(refund_grace=timedelta(seconds=300))
    ),
    "refunds are matched by their time": _shop(mutations.MatchesByTime),
    "refunds that were there before count": _bug(
        (evidence, "refund_evidence", mutations.no_baseline),
        clerk_visits=20,
        behaviour={"rows_tell_client": False},
    ),
    "several operations are open on one voucher": _bug(
        (Rows, "one_open_per_voucher", _value(False)),
        rates=Rates(lost=0.1, answer_lost=0.1, late=0.1),
        behaviour={"refunds_tell_number": False},
        vouchers=1,
    ),
    "what is unknown is sent again": _bug((verdicts, "verdict", mutations.unknown_is_not_applied)),
    "what is unknown has failed": _bug((verdicts, "verdict", mutations.unknown_is_refused)),
    "a lost answer is asked for again at once": _shop(mutations.Retries),
    "a redirect is followed": _shop(mutations.FollowsRedirects, rates=Rates(redirected=0.05)),
    "the refusal of a repeat is final": _bug(
        (verdicts, "verdict", mutations.refusal_is_final), behaviour=LATE_LISTS
    ),
    "nothing is read once more": _bug(
        (resolution, "last_read_at", _value(lambda now, **facts: None)), rates=SLOW
    ),
    "what is being cancelled counts as cancelled": _bug(
        (verdicts, "status_after_refund", mutations.cancelled_too_soon), rates=Rates(answer_lost=0.1)
    ),
}


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Have the bug."""
    with ExitStack() as patches:
        for where, name, change in bug.changes:
            before = getattr(where, name, None)
            patches.enter_context(mock.patch.object(where, name, change(before), create=where is Rows))
        yield


def caught_by(bug: Bug) -> tuple[Result, int] | None:
    """Return the first day that the bug spoils, and how many were played; None if none is."""
    for seed in range(MOST_DAYS):
        with planted(bug):
            spoilt = play(seed, bug.setting)
        if spoilt.is_wrong and not play(seed, bug.instead_of).is_wrong:
            return spoilt, seed + 1
    return None


def main() -> int:
    names = sys.argv[1:] or list(BUGS)
    survivors = 0
    for name in names:
        caught = caught_by(BUGS[name])
        survivors += caught is None
        if caught:
            result, days = caught
            print(f"{name}: {days} days: {result.judgement.problems[0]}", flush=True)
        else:
            print(f"{name}: NOT CAUGHT in {MOST_DAYS} days", flush=True)
    print(f"{len(names) - survivors} of {len(names)} planted bugs were caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
