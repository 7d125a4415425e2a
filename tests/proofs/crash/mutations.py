"""The mutations: each gets a function of the package, and returns a plausible but wrong one."""

from collections.abc import Callable
from typing import Any

__all__ = ["reminded_first", "written_blindly"]


def reminded_first(change_sale: Callable[..., None]) -> Callable[..., None]:
    """The reminder is noted with its lease."""

    def mutated(sale: Any, **changes: Any) -> None:
        if leased_until := changes.get("deliver_due_at"):
            changes |= {"reminded_at": leased_until, "deliver_due_at": None}
        change_sale(sale, **changes)

    return mutated


def written_blindly(write: Callable[..., None]) -> Callable[..., None]:
    """A code is written to the file whether it stands there or not."""

    def mutated(file: Any, sale: Any, secret: Any) -> None:
        file.voucher_ids.discard(sale.voucher_id)
        write(file, sale, secret)

    return mutated
