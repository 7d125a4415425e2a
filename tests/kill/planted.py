"""Planted bugs: ``python -m tests.kill.planted lease_over`` breaks a rule and plays a cell that must notice it."""

import sys
from collections.abc import Callable
from unittest import mock

from tests.kill.cell import Cell, play
from tests.kill.world import world
from voucher_payment_gateway.gateway import _operations, _settle

__all__ = ["BUGS"]

BUGS: dict[str, tuple[object, str, Callable[..., object], str]] = {
    # a lease that ran out means: send again
    "lease_over": (_settle, "after_lease", lambda kind: "due", "refund_little K9 none alone"),
    # money moves inside of the caller's transaction
    "in_atomic": (_operations, "_in_transaction", lambda: False, "capture_in_atomic K9 none alone"),
}


def main() -> int:
    module, name, broken, cell = BUGS[sys.argv[1]]
    with mock.patch.object(module, name, broken), world() as nursery:
        result = play(nursery, Cell.read(cell.split()))
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
