"""What a shop wants of its orders: the truth that the oracle compares with, in integer cents."""

from dataclasses import dataclass, field

__all__ = ["Order"]


@dataclass(slots=True)
class Order:
    """An order that sells vouchers. ``lines`` are cents and quantity by key, until it is paid."""

    number: str
    lines: dict[str, tuple[int, int]]
    paid_at: float | None = None
    returned_at: float | None = None
    is_reduced: bool = False
    """Whether one of several vouchers of a line was taken back alone: its line is not changed any more."""
    has_signals_alone: bool = False
    """Whether its shop uses ``EVENTS`` only, so that no sweep looks at its status again."""
    credits: dict[str, int] = field(default_factory=dict)
    """The store credit asked for, in cents by its key, where it is given as a new voucher."""

    def sold(self) -> dict[str, int]:
        """Return the cents of each voucher by its key: ``key``, or ``key-1`` … where the quantity is more than one."""
        return {
            key if quantity == 1 else f"{key}-{place}": cents
            for key, (cents, quantity) in self.lines.items()
            for place in range(1, quantity + 1)
        }
