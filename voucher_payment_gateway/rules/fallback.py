"""What is tried in turn where a voucher can take no refund.

Each rung is an operation of its own, and the next one follows only where the last is surely refused: what is unknown
may still be booked, so the money would go back twice.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

__all__ = ["RUNG_OF_KIND", "Rung", "falls_back", "gives_back", "next_rung"]

Rung = Literal["recharge", "new_voucher", "manual"]

RUNG_OF_KIND: Final = {"recharge": "recharge", "issue": "new_voucher"}
"""The rung that a kind of operation carries out; a refund comes before the first one."""


def next_rung(rungs: Sequence[Rung], refused_kind: str, *, possible: Collection[str]) -> Rung:
    """Return what follows after an operation of ``refused_kind`` was surely refused: the next of ``rungs`` that is
    ``possible``, else a person decides."""
    rung = RUNG_OF_KIND.get(refused_kind)
    if rung is not None and rung not in rungs:  # the setting was changed meanwhile
        return "manual"
    first = 0 if rung is None else [*rungs].index(rung) + 1  # type: ignore[arg-type]
    return next((each for each in rungs[first:] if each in possible), "manual")


def falls_back(rungs: Sequence[Rung]) -> bool:
    """Return whether a refused refund is followed by anything but a person's decision."""
    return any(rung != "manual" for rung in rungs)


def gives_back(status: str, *, was_active: bool) -> bool:
    """Return whether a new voucher counts as having given its amount back, or being about to: not where it was never
    created, or taken back before it could be redeemed."""
    return was_active or status in ("ordered", "issued", "active")
