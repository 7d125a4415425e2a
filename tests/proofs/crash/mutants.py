"""Mutation testing: ``python -m tests.proofs.crash.mutants lease_over`` breaks a rule; a case must notice it."""

import sys
from typing import NamedTuple
from unittest import mock

from tests.proofs.crash.case import Case, play
from tests.proofs.crash.mutations import reminded_first, written_blindly
from tests.proofs.crash.world import world
from tests.proofs.storm.mutations import not_booked_at_once, noted_first
from voucher_payment_gateway.gateway.operations import execute, issue, reservation, start, transitions
from voucher_payment_gateway.gateway.operations.activate import ActivateHandler
from voucher_payment_gateway.gateway.recovery import remind, resolve, settle
from voucher_payment_gateway.gateway.verbs import cancel_payment, hand_over
from voucher_payment_gateway.management.bulk.out_file import CodeFile

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
        start,
        "in_transaction",
        lambda: False,
        "capture_in_atomic K9 none alone",
        "is booked and not in",
    ),
    # a cancelled payment keeps its code until the maximum age
    "code_of_a_cancelled_payment": Mutant(
        cancel_payment,
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
    # a reminder is noted before it is sent
    "reminded_first": Mutant(
        remind,
        "change_sale",
        reminded_first(remind.change_sale),
        "remind K25 none alone",
        "0 reminders were sent",
    ),
    # a batch that is run again does not look into its file
    "written_blindly": Mutant(
        CodeFile,
        "write",
        written_blindly(CodeFile.write),
        "issue_in_bulk K27 none again",
        "stands 2 times in the file",
    ),
    # a voucher that was created, but not answered, is not looked for
    "created_unnoticed": Mutant(
        issue,
        "complete_voucher_of",
        lambda voucher_id, account: None,
        "sell_activate K9 none alone",
        "is failed, its voucher inactive",
    ),
    # the next rung follows a recharge without an answer
    "rung_in_doubt": Mutant(
        execute,
        "verdict",
        lambda error, *, repeated: "refused",
        "refund_by_recharge K13 lost_answer alone",
        "booked are 4000 cents",
    ),
    # a recharge is repeated without grace
    "recharge_without_grace": Mutant(
        resolve,
        "after_absence",
        not_booked_at_once("recharge")(resolve.after_absence),
        "refund_by_recharge K13 late alone",
        "booked are 4000 cents",
    ),
    # the activation of a new voucher in place of a refund is not written down as the refund that it is
    "replacement_unrecorded": Mutant(
        ActivateHandler,
        "on_succeeded",
        lambda handler, operation: None,
        "refund_by_new_voucher K4 none again",
        "amount_refunded is 0.00, booked are 2000 cents",
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
