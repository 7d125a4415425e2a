"""What no schedule asks for: where the shipped gateway does more than the simulation knows of, both are not asked.

- What has to wait for its turn, since another order has an open operation on the voucher: the shipped gateway writes it
  down and carries it out later, the simulation gives up.
- What goes back for several charges at once: the shipped gateway writes all the refunds down, to wait for their turn as
  well; the simulation makes one after the other.
- All back while a refund is due: the shipped gateway sends that one first, the simulation waits for it.
- What comes after a full return of a part: the shipped gateway may charge what is left, the simulation has ended.
- A capture after one that was refused before it was sent: the shipped gateway counts the refusals of calls alone.
"""

from dataclasses import dataclass

__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """A payment as an engine has it before a step. Operations are (kind, state, attempts), oldest first."""

    captured: int
    refunded: int
    operations: tuple[tuple[str, str, int], ...]
    is_voucher_busy: bool
    """Whether another payment has an open operation on the voucher."""

    def leaves_out(self, verb: str) -> bool:
        """Say whether neither engine is asked for this now."""
        charges = [(state, attempts) for kind, state, attempts in self.operations if kind == "charge"]
        several = sum(state not in ("refused", "not_applied") for state, _ in charges) > 1
        has_due_refund = ("refund", "due") in {(kind, state) for kind, state, _ in self.operations}
        is_returned = 0 < self.captured == self.refunded
        never_sent = ("refused", 0) in charges[-1:]
        reasons = {
            "capture": is_returned or never_sent,
            "capture_part": is_returned or never_sent,
            "refund": several or has_due_refund,
            "cancel": several or is_returned,
        }
        return self.is_voucher_busy or reasons.get(verb, False)
