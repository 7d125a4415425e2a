"""Planted bugs: ``python -m tests.storm.planted`` breaks one rule after the other, and a storm must notice each."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from unittest import mock

from tests.storm.bench import database
from tests.storm.day import Emphasis, play

__all__ = ["NAMES", "caught_by"]

MOST_DAYS = 400
"""A bug that survives so many days is not caught."""


STORMY = Emphasis()
LATE = Emphasis(faults=("late:drop",))
HASTY = Emphasis(faults=("after:drop",), behaviour={"list_lag_seconds": 55}, pauses=(1, 1, 15))
COPIED = Emphasis(faults=("before:drop",), verbs={"capture": 2, "authorize": 2, "copycat": 4, "settle": 1})
RETURNS = Emphasis(faults=("before:drop", "after:slow=0"), verbs={"refund_part": 9, "settle": 4})
RETURNS_LATE = Emphasis(faults=("late:drop",), verbs={"refund_part": 6, "settle": 4}, pauses=(5, 40, 70))
LOST = Emphasis(faults=("after:drop", "before:drop"))
SLEEPY = Emphasis(freeze_rate=0.2)
RETURNS_ASLEEP = Emphasis(freeze_rate=0.4, verbs={"refund_part": 9, "settle": 1})


@dataclass(frozen=True)
class Bug:
    """A rule removed: ``change`` is what to put in the place of ``name`` in ``module``."""

    module: str
    name: str
    change: Callable[[Any], Any]
    emphasis: Emphasis = STORMY


def _not_booked_at_once(kind: str) -> Callable[[Any], Any]:
    def change(after_absence: Any) -> Any:
        from voucher_payment_gateway.rules.resolution import Step

        def careless(doubt: Any, read_at: Any, figures: Any) -> Any:
            return Step("not_booked") if doubt.kind == kind else after_absence(doubt, read_at, figures)

        return careless

    return change


def _no_lag(figures: Any) -> Any:
    def careless() -> Any:
        from voucher_payment_gateway.rules.resolution import Figures

        return Figures(list_lag=timedelta(0), refund_grace=figures().refund_grace)

    return careless


def _any_claim_will_do(take: Any) -> Any:
    def careless(operation: Any, **changes: Any) -> bool:
        stored = type(operation).objects.get(pk=operation.pk)
        operation.claim = stored.claim
        return take(operation, **changes)

    return careless


def _prefix_compare(charge_evidence: Any) -> Any:
    def careless(bookings: Any, *, reference: str, amount: Any, ours: Any) -> Any:
        alike = [row.__class__.model_construct(**dict(row)) for row in bookings]
        for row in alike:
            if (row.order_number or "").startswith(reference):
                object.__setattr__(row, "order_number", reference)
        return charge_evidence(alike, reference=reference, amount=amount, ours=ours)

    return careless


def _no_baseline(refund_evidence: Any) -> Any:
    def careless(bookings: Any, **facts: Any) -> Any:
        return refund_evidence(bookings, **{**facts, "baseline": (), "ours": ()})

    return careless


def _unknown_is_sent_again(verdict: Any) -> Any:
    def careless(error: Any, *, repeated: bool) -> str:
        found = verdict(error, repeated=repeated)
        return "not_applied" if found == "unknown" else found

    return careless


def _lease_over_means_send_again(give_up_waiting: Any) -> Any:
    def careless(operation: Any) -> bool:
        from voucher_payment_gateway.gateway._rows import take

        return take(operation, state="due", due_at=operation.sending_at)

    return careless


def _no_last_look(send_before: Any) -> Any:
    return lambda instant: nullcontext()


def _never_in_a_transaction(in_transaction: Any) -> Any:
    return lambda: False


GATEWAY = "voucher_payment_gateway.gateway."
BUGS = {
    "a charge is repeated without a fence": Bug(
        f"{GATEWAY}_resolve", "after_absence", _not_booked_at_once("charge"), LATE
    ),
    "a refund is repeated without grace": Bug(
        f"{GATEWAY}_resolve", "after_absence", _not_booked_at_once("refund"), RETURNS_LATE
    ),
    "the lists are believed to be up to date": Bug(f"{GATEWAY}_resolve", "_figures", _no_lag, HASTY),
    "a claim is not compared": Bug(f"{GATEWAY}_rows", "take", _any_claim_will_do, SLEEPY),
    "the order number is compared by its beginning": Bug(
        f"{GATEWAY}_resolve", "charge_evidence", _prefix_compare, COPIED
    ),
    "refunds that were there before count": Bug(
        f"{GATEWAY}_resolve", "refund_evidence", _no_baseline, RETURNS
    ),
    "what is unknown is sent again": Bug(f"{GATEWAY}_operations", "verdict", _unknown_is_sent_again, LOST),
    "a lease that ran out means: send again": Bug(
        f"{GATEWAY}_settle", "_give_up_waiting", _lease_over_means_send_again, SLEEPY
    ),
    "a worker that slept sends nevertheless": Bug(
        f"{GATEWAY}_operations", "send_before", _no_last_look, RETURNS_ASLEEP
    ),
    "money moves inside of the caller's transaction": Bug(
        f"{GATEWAY}_operations", "_in_transaction", _never_in_a_transaction, STORMY
    ),
}
NAMES = tuple(BUGS)
ALSO_IN = {"take": ("_operations", "_resolve", "_settle", "_cancel", "_claims", "_conclude")}
"""Modules that imported a function by its name."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the bug in the gateway."""
    from importlib import import_module

    bug = BUGS[name]
    module = import_module(bug.module)
    broken = bug.change(getattr(module, bug.name))
    others = [import_module(f"{GATEWAY}{other}") for other in ALSO_IN.get(bug.name, ())]
    with ExitStack() as patches:
        for each in (module, *others):
            patches.enter_context(mock.patch.object(each, bug.name, broken))
        yield


def caught_by(name: str, days: int = MOST_DAYS) -> Any:
    """Return the first day that goes wrong with this bug, or None."""
    with planted(name):
        results = (play(seed, BUGS[name].emphasis) for seed in range(days))
        return next((result for result in results if result.problems), None)


def main() -> int:
    survivors = 0
    with database():
        for name in sys.argv[1:] or NAMES:
            began = monotonic()
            result = caught_by(name)
            survivors += result is None
            how = f"seed {result.seed}: {result.problems[0]}" if result else "NOT CAUGHT"
            print(f"{name}: {how} ({monotonic() - began:.1f} s)", flush=True)
    print(f"{survivors} of {len(sys.argv[1:] or NAMES)} planted bugs were not caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
