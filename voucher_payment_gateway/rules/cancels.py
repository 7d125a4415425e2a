"""How a payment is given up, whatever state it is in."""

from collections.abc import Iterable
from typing import Literal

__all__ = ["before_cancel"]


def before_cancel(operations: Iterable[tuple[str, str]]) -> Literal["wait", "withdraw"]:
    """Decide by the (kind, state) of a payment's charges and refunds what comes before it can be given up.

    ``wait``: money may be in flight, or a person must decide whether it was charged; the wish is stored. ``withdraw``:
    nothing is under way; what is due is taken back, and what was charged is refunded.
    """
    for kind, state in operations:
        if state in ("sending", "unknown") or (kind == "charge" and state == "manual"):
            return "wait"
    return "withdraw"
