"""The oracle of refunds that a voucher could not take: each rung follows the one before, and no cent goes back twice.

It shares no code with the package: it reads the shop's rows, its settings, what it was told, and the cloud's own books.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.proofs.storm.books import gone, in_cents, was_active
from tests.proofs.storm.record import Record
from tests.proofs.storm.selling import Sold
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

__all__ = ["Chain", "chains", "fallback_problems"]

Row = dict[str, Any]
SIGNAL_LOST_BY = ("crash", "locked", "commit unanswered")
"""Faults after which a signal may be lost: it is sent at most once."""

UNDECIDED = ("manual", "not_applied", "due", "unknown")


@dataclass
class Chain:
    """A refused refund, and what was given in its place."""

    refund: Row
    recharges: list[Row] = field(default_factory=list)
    sales: list[Row] = field(default_factory=list)

    @property
    def rungs(self) -> list[str]:
        """Return the rungs that were taken; without one the refund was left to a person."""
        taken = ["recharge" for _ in self.recharges] + ["new_voucher" for _ in self.sales]
        return taken if self.is_done or self.is_undecided else [*taken, "manual"]

    @property
    def is_done(self) -> bool:
        return any(row["state"] == "succeeded" for row in self.recharges) or any(
            row["activated_at"] for row in self.sales
        )

    @property
    def is_undecided(self) -> bool:
        """Whether a person has still to decide, or has decided, about one of its operations, or nothing can be read."""
        return any(row["state"] in UNDECIDED for row in self.recharges)


def chains() -> list[Chain]:
    """Return each refused refund with what followed it."""
    found = [Chain(row) for row in VoucherOperation.objects.filter(kind="refund", state="refused").values()]
    by_pk = {chain.refund["id"]: chain for chain in found}
    by_charge: dict[Any, list[Chain]] = defaultdict(list)
    for chain in sorted(found, key=lambda each: each.refund["number"]):
        by_charge[_about(chain.refund)].append(chain)
    for row in VoucherOperation.objects.filter(kind="recharge", sale=None).order_by("number").values():
        before = [each for each in by_charge[_about(row)] if each.refund["number"] < row["number"]]
        if before:
            before[-1].recharges.append(row)
    for sale in VoucherSale.objects.exclude(replaces_refund=None).values():
        by_pk[sale["replaces_refund_id"]].sales.append(sale)
    return found


def _about(row: Row) -> tuple[Any, ...]:
    return row["payment_id"], row["target_id"], row["amount"]


def fallback_problems(
    cloud: Any, record: Record, sold: Sold, rungs: Sequence[str], *, has_keys: bool, seen: Counter[str]
) -> list[str]:
    """Return every refund that went back twice or not at all without the shop being told, and every rung that was taken
    too early, or in another order than ``rungs``.

    ``has_keys``: new vouchers can be given. ``seen``: the day's faults."""
    found = chains()
    known = sum(len(chain.recharges) for chain in found)
    problems = []
    if known != VoucherOperation.objects.filter(kind="recharge", sale=None).count():
        problems.append("a recharge stands in place of no refused refund")
    is_told_surely = not any(seen[fault] for fault in SIGNAL_LOST_BY)
    problems += _unread(cloud, record) if is_told_surely else ()
    possible = [rung for rung in rungs if rung == "recharge" or (rung == "new_voucher" and has_keys)]
    for chain in found:
        refund = chain.refund
        found_here = [*_given_twice(cloud, chain), *_out_of_order(chain, possible)]
        if is_told_surely:
            found_here += _lost(chain, record, sold)
        what = f"refund {refund['number']} of order {refund['order_number']}"
        problems += [f"{what}: {problem}" for problem in found_here]
    return problems


def _unread(cloud: Any, record: Record) -> Iterator[str]:
    """What stays unknown, since its voucher was deleted meanwhile, is reported."""
    told = {number for number, _ in record.told}
    unknown = VoucherOperation.objects.filter(state="unknown", voucher_id__in=gone(cloud))
    for row in unknown.exclude(order_number__in=told).exclude(payment=None):
        yield f"the {row.kind} {row.number} of order {row.order_number} is unknown, and the shop was not told"


def _given_twice(cloud: Any, chain: Chain) -> Iterator[str]:
    """What is given in place of a refund is its amount, by one rung."""
    done = [row["amount"] for row in chain.recharges if row["state"] == "succeeded"]
    done += [sale["amount"] for sale in chain.sales if was_active(cloud, sale["voucher_id"])]
    if len(done) > 1 or sum(map(in_cents, done)) > in_cents(chain.refund["amount"]):
        yield f"{chain.refund['amount']} was refused, and {done} was given in its place"
    if len(chain.recharges) > 1 or len(chain.sales) > 1:
        yield f"a rung was taken twice: {chain.rungs}"


def _out_of_order(chain: Chain, possible: Sequence[str]) -> Iterator[str]:
    """A rung is taken once the one before has surely failed, and none is passed over."""
    taken = [*chain.recharges, *chain.sales]
    kinds = [rung for rung in chain.rungs if rung != "manual"]
    if kinds != list(possible[: len(kinds)]):
        yield f"the rungs {kinds} were taken of {possible}"
    for before, after in zip([chain.refund, *chain.recharges], taken, strict=False):
        if before["state"] != "refused" or before["settled_at"] > after["created_at"]:
            yield f"a rung was taken while the {before['kind']} before it was {before['state']}"


def _lost(chain: Chain, record: Record, sold: Sold) -> Iterator[str]:
    """What could not go back at all is reported: of the order, or of the new voucher that could not be activated."""
    if any(sale["id"] in sold.told for sale in chain.sales):
        return
    if chain.is_done or chain.is_undecided:
        return
    number, since = chain.refund["order_number"], chain.refund["settled_at"]
    if not any(order == number and at >= since for order, at in record.told):
        yield f"{chain.refund['amount']} went back in no way, and the shop was not told"
