"""Mutation testing: ``python -m tests.proofs.simulation.mutants`` drops one rule at a time; a day must then end wrong.

A mutant is caught on the first day that ends with a wrong cent, a stuck operation, or an unreported double booking, and
that ends right without the mutant.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.proofs.planted import first_caught, report
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

__all__ = ["MUTANTS", "Mutant", "caught_by"]

MAX_DAYS = 600
"""The maximum of days per mutant; one that survives them is not caught."""

Change = Callable[[Any], Any]

UNSTABLE = Rates(stall=0.03, crash=0.04)
OFTEN_LATE = Rates(late=0.3)
VERY_LATE = Rates(latest=3000, late=0.08)
LATE_LISTS = {"list_lag": 300.0, "numbers_are_unique": True}
PATIENT = resolution.Tolerances(refund_grace=timedelta(seconds=3600))


@dataclass(frozen=True)
class Mutant:
    """A dropped rule: ``changes`` replace functions, ``setting`` plays days on which the rule matters."""

    changes: tuple[tuple[Any, str, Change], ...]
    setting: Setting
    instead_of: Setting
    """The same days without the mutant."""


def _mutant(*changes: tuple[Any, str, Change], **setting: Any) -> Mutant:
    return Mutant(changes, Setting(**setting), Setting(**setting))


def _shop(shop: type[Shop], **setting: Any) -> Mutant:
    return Mutant((), Setting(shop=shop, **setting), Setting(**setting))


def _figures(figures: resolution.Tolerances, **setting: Any) -> Mutant:
    return Mutant((), Setting(figures=figures, **setting), Setting(**setting))


def _value(value: Any) -> Change:
    return lambda before: value


MUTANTS: dict[str, Mutant] = {
    "a charge is repeated without a fence": _mutant((resolution, "after_absence", mutations.no_fence)),
    "where the voucher cannot be reserved, no fence is had": _shop(
        mutations.NoExpiryFence, rates=Rates(lost=0.1), vouchers=2
    ),
    "the read that decides is sent at the fence": _figures(
        resolution.Tolerances(list_lag=timedelta(0)), rates=OFTEN_LATE, behaviour={"list_lag": 55.0}
    ),
    "a refused reservation is a fence": _mutant(
        (resolution, "judge_fence", mutations.refused_stands),
        rates=OFTEN_LATE,
        behaviour={"open_hold_lowers_balance": True},
        cancels=0.8,
    ),
    "an unanswered reservation is a fence": _mutant(
        (resolution, "judge_fence", mutations.unanswered_stands), rates=Rates(lost=0.1, late=0.1)
    ),
    "a release that is not found is a fence": _mutant(
        (resolution, "judge_fence", mutations.not_found_stands),
        (resolution, "next_fence", mutations.release_first),
        rates=Rates(late=0.1),
        behaviour={"release_works": False},
    ),
    "a reservation dies by the server's clock": _mutant(
        (resolution, "expired_at", mutations.server_clock),
        rates=Rates(late=0.1),
        behaviour={"clock_offset": -7200.0, "open_hold_lowers_balance": True, "list_lag": 55.0},
    ),
    "a reservation is dead at its very end": _mutant(
        (resolution, "EXPIRY_MARGIN_SECONDS", _value(0)),
        rates=Rates(latest=3000, late=0.3),
        behaviour={"lapse_lag": 240.0},
        figures=PATIENT,
        cancels=0.8,
    ),
    "the filter of the lists is believed": _shop(mutations.BelievesTheFilter),
    "bookings that are ours already count, one number per order": _mutant(
        (evidence, "charge_evidence", mutations.ours_count),
        (evidence, "charge_reference", mutations.bare_number),
    ),
    "the shop's bare number is sent": _mutant(
        (evidence, "charge_reference", mutations.bare_number), rates=Rates(lost=0.1)
    ),
    "every attempt has a new number": _shop(mutations.NewNumbers, behaviour=LATE_LISTS),
    "the order number is compared by its beginning": _mutant(
        (evidence, "charge_evidence", mutations.prefix_compare),
        (evidence, "charge_reference", mutations.without_token),
    ),
    "state is compared, not the claim": _mutant(
        (Rows, "compare_and_set", mutations.compare_state), rates=UNSTABLE
    ),
    "a claim is not raised": _mutant((Rows, "_next_claim", mutations.same_claim), rates=UNSTABLE),
    "nothing is compared": _mutant((Rows, "compare_and_set", mutations.compare_nothing), rates=UNSTABLE),
    "a lease that ran out means: send again": _mutant((timing, "after_lease", _value(lambda kind: "due"))),
    "a worker that slept sends nevertheless": _mutant(
        (timing, "may_begin", _value(lambda now, latest: True)), rates=UNSTABLE
    ),
    "a refund is repeated without grace": _figures(resolution.Tolerances(refund_grace=timedelta(0))),
    "the grace is shorter than a request can be under way": _figures(
        resolution.Tolerances(refund_grace=timedelta(seconds=300))
    ),
    "refunds are matched by their time": _shop(mutations.MatchesByTime),
    "refunds that were there before count": _mutant(
        (evidence, "refund_evidence", mutations.no_baseline),
        clerk_visits=20,
        behaviour={"rows_tell_client": False},
    ),
    "several operations are open on one voucher": _mutant(
        (Rows, "one_open_per_voucher", _value(False)),
        rates=Rates(lost=0.1, answer_lost=0.1, late=0.1),
        behaviour={"refunds_tell_number": False},
        vouchers=1,
    ),
    "what is unknown is sent again": _mutant((verdicts, "verdict", mutations.unknown_is_not_applied)),
    "what is unknown has failed": _mutant((verdicts, "verdict", mutations.unknown_is_refused)),
    "a lost answer is asked for again at once": _shop(mutations.Retries),
    "a redirect is followed": _shop(mutations.FollowsRedirects, rates=Rates(redirected=0.05)),
    "the refusal of a repeat is final": _mutant(
        (verdicts, "verdict", mutations.refusal_is_final), behaviour=LATE_LISTS
    ),
    "nothing is read once more": _mutant(
        (resolution, "trailing_read_at", _value(lambda now, **facts: None)), rates=VERY_LATE
    ),
    "what is being cancelled counts as cancelled": _mutant(
        (verdicts, "status_after_refund", mutations.cancelled_too_soon), rates=Rates(answer_lost=0.1)
    ),
}


def caught_by(mutant: Mutant) -> tuple[Result, int] | None:
    """Return the first day that goes wrong with the mutant only, and how many were played; or None."""
    return first_caught(mutant, play, MAX_DAYS, may_add_to=Rows)


if __name__ == "__main__":
    sys.exit(report(MUTANTS, caught_by, MAX_DAYS))
