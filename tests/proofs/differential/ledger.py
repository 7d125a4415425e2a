"""What both engines are compared by: each operation, each payment and each cent, as plain values under plain names."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

__all__ = ["Ledger", "cents", "differences", "operation_lines", "payment_line"]

Ledger = dict[str, Any]


def cents(amount: Decimal) -> int:
    return int(amount * 100)


def operation_lines(order: str, operations: Iterable[tuple[str, int, str, int]]) -> Ledger:
    """Name the operations of a payment, given as (kind, cents, state, attempts), oldest first."""
    return {f"order {order}, operation {number}": each for number, each in enumerate(operations, 1)}


def payment_line(order: str, *, status: str, captured: Decimal, refunded: Decimal, held: Decimal) -> Ledger:
    """Name a payment as (status, captured, refunded, held)."""
    return {f"order {order}": (status, cents(captured), cents(refunded), cents(held))}


def differences(simulated: Ledger, shipped: Ledger) -> list[str]:
    """Return what is not equal, one line each."""
    return [
        f"{name}: simulated {simulated.get(name, 'none')}, shipped {shipped.get(name, 'none')}"
        for name in sorted({*simulated, *shipped})
        if simulated.get(name) != shipped.get(name)
    ]
