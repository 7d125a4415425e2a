"""Mutation testing: ``python -m tests.proofs.crash.mutants lease_over`` breaks a rule; a case must notice it."""

import sys
from typing import NamedTuple
from unittest import mock

from tests.proofs.crash.case import Case, play
from tests.proofs.crash.world import world
from tests.proofs.storm.mutations import noted_first
from voucher_payment_gateway.gateway.operations import execute, reservation, transitions
from voucher_payment_gateway.gateway.recovery import settle
from voucher_payment_gateway.gateway.verbs import cancel, hand_over

__all__ = ["MUTANTS"]


class Mutant(NamedTuple):
    """A function of the package, its broken version, the case that notices it, and the problem that is printed."""

    module: object
    name: str
    broken: object
    case: str
    said: str


MUTANTS = {
    # an expired lease means: send again
    "lease_over": Mutant(
        transitions, "after_lease", lambda kind: "due", "refund_little K9 none alone", "booked are 1000 cents"
    ),
    # money moves inside of the caller's transaction
    "in_atomic": Mutant(
        execute,
        "in_transaction",
        lambda: False,
        "capture_in_atomic K9 none alone",
        "is booked and not in",
    ),
    # a cancelled payment keeps its code until the maximum age
    "code_of_a_cancelled_payment": Mutant(
        cancel,
        "_cancelled_fields",
        lambda: {"status": "cancelled", "amount_authorized": 0, "reserved_until": None},
        "cancel_reserved K4 none again",
        "(cancelled) is still stored",
    ),
    # the code of a lapsed payment is never erased
    "code_of_a_lapsed_payment": Mutant(
        settle, "erase_codes", lambda limit: 0, "capture K4 none alone", "(lapsed) is still stored"
    ),
    # a replaced hold of another order is not lapsed
    "silent_take_over": Mutant(
        reservation,
        "lapse_replaced",
        lambda payment, others: None,
        "take_over K12 none alone",
        "2 payments hold the voucher",
    ),
    # an expired hold stays in our rows
    "hold_for_ever": Mutant(
        settle, "lapse", lambda limit: 0, "authorize K12 none alone", "is still authorized"
    ),
    # the delivery of a code is noted before it is made
    "noted_first": Mutant(
        hand_over,
        "change_sale",
        noted_first(hand_over.change_sale),
        "sell_activate K23 none alone",
        "was mailed 0 times",
    ),
}


def main() -> int:
    mutant = MUTANTS[sys.argv[1]]
    with mock.patch.object(mutant.module, mutant.name, mutant.broken), world() as forkserver:
        result = play(forkserver, Case.read(mutant.case.split()))
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
