"""Mutation testing: ``python -m tests.proofs.storm.mutants`` breaks one rule at a time; a storm must notice each."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from time import monotonic
from typing import Any
from unittest import mock

from tests.proofs.storm import mutations
from tests.proofs.storm.bench import database
from tests.proofs.storm.day import play
from tests.proofs.storm.emphasis import Emphasis

__all__ = ["MUTANTS", "caught_by"]

MAX_DAYS = 400
"""The maximum of days per mutant; one that survives them is not caught."""


STORMY = Emphasis()
LATE = Emphasis(faults=("late:drop",))
HASTY = Emphasis(faults=("after:drop",), behaviour={"list_lag_seconds": 55}, pauses=(1, 1, 15))
COPIED = Emphasis(faults=("before:drop",), verbs={"capture": 2, "authorize": 2, "copycat": 4, "settle": 1})
RETURNS = Emphasis(faults=("before:drop", "after:slow=0"), verbs={"refund_part": 9, "settle": 4})
RETURNS_LATE = Emphasis(faults=("late:drop",), verbs={"refund_part": 6, "settle": 4}, pauses=(5, 40, 70))
LOST = Emphasis(faults=("after:drop", "before:drop"))
SLEEPY = Emphasis(freeze_rate=0.2)
RETURNS_ASLEEP = Emphasis(freeze_rate=0.4, verbs={"refund_part": 9, "settle": 1}, meanwhile={"settle": 1})


RESET = Emphasis(faults=("after:reset",))
UNTRUE = Emphasis(faults=("after:409", "after:422", "after:503"))
REDIRECTED = Emphasis(faults=("after:redirect", "late:redirect"))
BROKEN = Emphasis(faults=("after:500", "after:504", "after:html502"))
DOUBLED = Emphasis(
    freeze_rate=0.5, doubled_rate=0.8, behaviour={"second_charge": "book_again", "order_number_unique": False}
)
CONFIRMED = Emphasis(verbs={"checkout": 9, "wait": 3, "authorize": 1, "settle": 2})
ENDED = Emphasis(verbs={"checkout": 6, "wait": 6, "ship": 6}, settings={"SEALING_KEYS": []})
KEYED = Emphasis(verbs={"checkout": 3, "keyed_capture": 5, "keyed_refund": 4, "keyed_event": 3})
CHANGED = Emphasis(verbs={"checkout": 6, "ship_changed": 6, "reprice": 3})
BULK = Emphasis(verbs={"checkout": 5, "bulk": 5})

SALES = {"issue": 3, "pay": 6, "pay_again": 2, "send_back": 4, "redeem": 5, "settle": 3, "wait": 1}
MAILED = {"VOUCHER_DELIVERY": "mail"}
SELLING = Emphasis(sells=True, verbs=SALES, settings=MAILED)
CREATED = ("*", "/v1/vouchers", 0.6)
FORGOTTEN = Emphasis(
    sells=True,
    verbs={"issue": 6, "send_back": 6},
    settings=MAILED,
    faults=("after:drop", "late:drop"),
    where=CREATED,
    pauses=(1, 5),
)
SPENT = Emphasis(
    sells=True, verbs={"pay": 5, "send_back": 5, "spend": 6, "redeem": 3}, settings=MAILED, pauses=(1, 5, 40)
)
TOPPED_UP = Emphasis(
    sells=True,
    verbs={"pay": 2, "top_up": 8, "settle": 4},
    settings=MAILED,
    faults=("late:drop",),
    where=("POST", "/v1/vouchers/recharge", 0.6),
    behaviour={"order_number_unique": False},
    pauses=(5, 40, 70),
)
DELIVERED = Emphasis(sells=True, verbs={"credit": 8, "settle": 3}, settings=MAILED, mail_rate=0.5)
CREDITED = Emphasis(sells=True, verbs={"credit": 8, "settle": 2}, settings=MAILED)
FALLING_BACK = Emphasis(
    verbs={"come_back": 8, "settle": 2},
    settings={"REFUND_FALLBACK": ["recharge", "new_voucher", "manual"]},
    behaviour={"refund_to_unusable_voucher": "accept"},
    faults=("after:drop", "after:reset"),
)


@dataclass(frozen=True)
class Mutant:
    """A broken rule: ``change`` makes the replacement of ``name`` in ``module``, or in a class of it."""

    module: str
    name: str
    change: Callable[[Any], Any]
    emphasis: Emphasis = STORMY
    also: tuple["Mutant", ...] = ()
    """What keeps the same rule elsewhere, and is broken with it."""
    first: int = 0
    """The seed from which days are played: a day follows from its seed, so those before it need no second look."""


RULES = "voucher_payment_gateway.rules."
API = "voucher_payment_gateway.api."
GATEWAY = "voucher_payment_gateway.gateway."
MUTANTS = {
    "a charge is repeated without a fence": Mutant(
        f"{GATEWAY}recovery.resolve", "after_absence", mutations.not_booked_at_once("charge"), LATE, first=28
    ),
    "a refund is repeated without grace": Mutant(
        f"{GATEWAY}recovery.resolve", "after_absence", mutations.not_booked_at_once("refund"), RETURNS_LATE
    ),
    "the lists are believed to be up to date": Mutant(
        f"{GATEWAY}recovery.resolve", "_tolerances", mutations.no_lag, HASTY, first=148
    ),
    "a claim is not compared": Mutant(
        f"{GATEWAY}operations.transitions",
        "_compare_and_set",
        mutations.any_claim_will_do,
        SLEEPY,
        first=2,
    ),
    "the order number is compared by its beginning": Mutant(
        f"{GATEWAY}operations.charge", "charge_evidence", mutations.prefix_compare, COPIED
    ),
    "refunds that were there before count": Mutant(
        f"{GATEWAY}operations.refund", "refund_evidence", mutations.no_baseline, RETURNS, first=24
    ),
    "what is unknown is sent again": Mutant(
        f"{GATEWAY}operations.execute", "verdict", mutations.unknown_is_sent_again, LOST
    ),
    "a lease that ran out means: send again": Mutant(
        f"{GATEWAY}recovery.settle",
        "_mark_abandoned",
        mutations.lease_over_means_send_again,
        SLEEPY,
        first=75,
    ),
    "a worker that slept sends nevertheless": Mutant(
        f"{GATEWAY}operations.execute", "send_before", mutations.no_last_look, RETURNS_ASLEEP
    ),
    "money moves inside of the caller's transaction": Mutant(
        f"{GATEWAY}operations.start", "in_transaction", mutations.never_in_a_transaction, STORMY
    ),
    "a lost answer is asked for again at once": Mutant(
        f"{API}_flow:CallFlow", "_attempt", mutations.sent_again_if(mutations.retried), RESET
    ),
    "a redirect is followed": Mutant(
        f"{API}_flow:CallFlow", "_attempt", mutations.sent_again_if(mutations.redirected), REDIRECTED
    ),
    "a server that fails has refused": Mutant(
        f"{API}_flow", "interpret", mutations.server_errors_refuse, BROKEN
    ),
    "what is unknown has failed": Mutant(
        f"{GATEWAY}operations.execute", "verdict", mutations.unknown_has_failed, LOST
    ),
    "a sleeper overwrites what was decided": Mutant(
        f"{GATEWAY}operations.execute", "begin_sending", mutations.any_claim_will_do, SLEEPY, first=78
    ),
    "an answer that comes late is thrown away": Mutant(
        f"{GATEWAY}operations.outcome", "record_late_answer", mutations.thrown_away, DOUBLED, first=225
    ),
    "a clear no is believed at once": Mutant(
        f"{GATEWAY}operations.execute", "was_answered", mutations.never_answered, UNTRUE, first=4
    ),
    "a code is kept after the capture": Mutant(
        f"{GATEWAY}operations.charge:ChargeHandler", "subject_changes", mutations.code_is_kept
    ),
    "two confirmed orders count on the same money": Mutant(
        f"{GATEWAY}holds.promises", "beside_confirmed", mutations.promises_are_ignored, CONFIRMED, first=20
    ),
    "the code of a confirmed payment is kept for SELECTED_HOURS": Mutant(
        f"{GATEWAY}holds.codes",
        "code_expiry",
        mutations.confirmed_or_not,
        CONFIRMED,
        first=3,
    ),
    "a confirmed payment covers only while it is held": Mutant(
        f"{RULES}cover", "agreed", mutations.only_what_is_held, CONFIRMED, first=207
    ),
    "an order ships unpaid in silence": Mutant(
        f"{GATEWAY}verbs.capture", "refuse_if_unpaid", mutations.nothing_is_refused, ENDED, first=5
    ),
    "a key is not written down": Mutant(
        f"{GATEWAY}records.idempotency:Call", "__post_init__", mutations.without_its_key, KEYED
    ),
    "a charge is not planned again": Mutant(
        f"{GATEWAY}operations.replan", "replan", mutations.as_it_was_planned, CHANGED, first=20
    ),
    "the status is not looked at again": Mutant(
        f"{GATEWAY}recovery.by_status",
        "run_by_status",
        mutations.no_status,
        BULK,
        first=2,
    ),
    "a voucher is created without an id of our own": Mutant(
        f"{GATEWAY}operations.issue", "_arguments", mutations.without_an_id, SELLING
    ),
    "a voucher is activated whatever is wanted": Mutant(
        f"{GATEWAY}verbs.sell",
        "write_sales",
        mutations.wanted_active,
        SELLING,
        first=1,
    ),
    "a voucher is sold under another key each time": Mutant(
        f"{GATEWAY}verbs.called_off",
        "sold_vouchers",
        mutations.another_key,
        SELLING,
        first=4,
    ),
    "the creation of a voucher is not written down before": Mutant(
        f"{GATEWAY}verbs.advance", "execute_new", mutations.creation_forgotten, FORGOTTEN
    ),
    "a spent voucher is taken back": Mutant(
        f"{GATEWAY}operations.deactivate:DeactivateHandler",
        "call",
        mutations.deleted_unread,
        SPENT,
        also=(Mutant(f"{GATEWAY}verbs.take_back", "_is_read", mutations.nothing_is_refused),),
        first=14,
    ),
    "a delivery is noted before it is made": Mutant(
        f"{GATEWAY}verbs.hand_over",
        "change_sale",
        mutations.noted_first,
        DELIVERED,
        first=1,
    ),
    "a top up is repeated without grace": Mutant(
        f"{GATEWAY}recovery.resolve", "after_absence", mutations.not_booked_at_once("recharge"), TOPPED_UP
    ),
    "the key of store credit is ignored": Mutant(
        f"{GATEWAY}verbs.credit", "_write_once", mutations.key_ignored, CREDITED
    ),
    "a rung is taken while the one before is unknown": Mutant(
        f"{GATEWAY}operations.execute", "record_unknown", mutations.rung_after_unknown, FALLING_BACK
    ),
}


@contextmanager
def applied(name: str) -> Iterator[None]:
    """Apply the mutation to the gateway."""
    with ExitStack() as patches:
        for mutant in (MUTANTS[name], *MUTANTS[name].also):
            place = resolve_name(mutant.module)
            right = getattr(place, mutant.name)
            broken = mutant.change(right)
            for each in [place, *_importers(mutant, right)]:
                patches.enter_context(mock.patch.object(each, mutant.name, broken))
        yield


def _importers(mutant: Mutant, right: Any) -> list[Any]:
    """Return the other modules that imported the broken function by its name."""
    if getattr(right, "__module__", "") != mutant.module:
        return []
    loaded = [module for name, module in sys.modules.items() if name.startswith(GATEWAY)]
    return [module for module in loaded if vars(module).get(mutant.name) is right]


def caught_by(name: str, days: int = MAX_DAYS) -> Any:
    """Return the first day that goes wrong with this mutation and not without it, or None."""
    emphasis, first = MUTANTS[name].emphasis, MUTANTS[name].first
    for seed in range(first, first + days):
        with applied(name):
            spoilt = play(seed, emphasis)
        if spoilt.problems and not play(seed, emphasis).problems:
            return spoilt
    return None


def main() -> int:
    names, survivors = sys.argv[1:] or list(MUTANTS), 0
    with database():
        for name in names:
            began = monotonic()
            result = caught_by(name)
            survivors += result is None
            how = f"seed {result.seed}: {result.problems[0]}" if result else "NOT CAUGHT"
            print(f"{name}: {how} ({monotonic() - began:.1f} s)", flush=True)
    print(f"{len(names) - survivors} of {len(names)} planted bugs were caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
