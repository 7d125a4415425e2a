"""Planted bugs: ``python -m tests.proofs.crash.mutants lease_over`` breaks a rule; a cell must notice it."""

import sys
from typing import NamedTuple
from unittest import mock

from tests.proofs.crash.case import Cell, play
from tests.proofs.crash.world import world
from voucher_payment_gateway.gateway.operations import execute, reservation
from voucher_payment_gateway.gateway.recovery import settle
from voucher_payment_gateway.gateway.verbs import cancel

__all__ = ["BUGS"]


class Bug(NamedTuple):
    """A part of the package in another form, the cell that notices it, and what is said of it then."""

    module: object
    name: str
    broken: object
    cell: str
    said: str


BUGS = {
    # a lease that ran out means: send again
    "lease_over": Bug(
        settle, "after_lease", lambda kind: "due", "refund_little K9 none alone", "booked are 1000 cents"
    ),
    # money moves inside of the caller's transaction
    "in_atomic": Bug(
        execute,
        "in_transaction",
        lambda: False,
        "capture_in_atomic K9 none alone",
        "is booked and not in",
    ),
    # what is cancelled keeps its code until time erases it
    "code_of_a_cancelled_payment": Bug(
        cancel,
        "_ended",
        lambda: {"status": "cancelled", "amount_authorized": 0, "reserved_until": None},
        "cancel_reserved K4 none again",
        "(cancelled) is still stored",
    ),
    # nobody erases the code of a payment that lapsed
    "code_of_a_lapsed_payment": Bug(
        settle, "erase_codes", lambda limit: 0, "capture K4 none alone", "(lapsed) is still stored"
    ),
    # the order whose hold was taken over is not told
    "silent_take_over": Bug(
        reservation,
        "lapse_replaced",
        lambda payment: None,
        "take_over K12 none alone",
        "2 payments hold the voucher",
    ),
    # a hold that is dead stays in our rows
    "hold_for_ever": Bug(settle, "lapse", lambda limit: 0, "authorize K12 none alone", "is still authorized"),
}


def main() -> int:
    bug = BUGS[sys.argv[1]]
    with mock.patch.object(bug.module, bug.name, bug.broken), world() as nursery:
        result = play(nursery, Cell.read(bug.cell.split()))
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
