"""How vouchers are sold: what is wanted is written down, and each sale is brought there one step at a time."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal

from tests.proofs.simulation.client import STEP
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ConflictError, Operation
from tests.proofs.simulation.sales.outcome import Outcomes
from tests.proofs.simulation.sales.rows import KEY_IS_FREE, Sale
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import sales

__all__ = ["Seller", "matched_keys"]

MAX_CONFLICTS = 12


def matched_keys(rows: list[Sale], sold: dict[str, Decimal]) -> tuple[dict[str, str], dict[str, Sale]]:
    """Return the key of the sale of each key that is ``sold`` now, and the last sale under each key. The keys of
    several of a line end with their number."""
    lines = Counter(key.partition("-")[0] for key in sold)
    last = {sale.key: sale for sale in rows if sale.origin == "sold"}
    known = {key for key, sale in last.items() if sale.end_reason not in KEY_IS_FREE}
    taken_back = {key for key in known if last[key].target == "taken_back"}
    wanted = {key: lines[key.partition("-")[0]] for key in sold}
    given_up = [key for key, sale in last.items() if sale.end_reason == "unpaid"]
    return sales.matched_by_key(known - taken_back, wanted, given_up=given_up, taken_back=taken_back), last


class Seller(Outcomes):
    """Issues and activates, and brings sales forward."""

    def sell(self, order_number: str, sold: dict[str, Decimal], wanted: sales.SaleTarget) -> Process:
        """Issue or activate the vouchers that an order sells now, by key."""
        found: list[Sale] = yield from self._retried(lambda: self._write(order_number, sold, wanted))
        yield from self._advance_all(found or ())

    def _write(self, order_number: str, sold: dict[str, Decimal], wanted: sales.SaleTarget) -> Process:
        yield STEP
        keys, last = matched_keys(self.rows.of_order(order_number), sold)
        known = {key: sale for key, sale in last.items() if sale.end_reason not in KEY_IS_FREE}
        matched = {key: known[keys[key]] for key in sold if keys.get(key) in known}
        kept = {key: sale for key, sale in matched.items() if self._still_stands(sale, sold[key])}
        staying = {sale.pk for sale in kept.values()}
        given_up = [sale for sale in last.values() if sale.end_reason == "unpaid"]
        yield STEP
        changed = [sale for sale in known.values() if sale.pk not in staying and _is_unsold(sale)]
        self._refuse_stale([*changed, *kept.values(), *given_up])
        for sale in changed:
            self.rows.change_sale(sale, target="taken_back", end_reason="replaced", due_at=self.now())
        for sale in given_up:
            is_wanted = sale.key in keys.values()
            self.rows.change_sale(sale, end_reason="unpaid" if is_wanted else "replaced")
        changed += [self._want(kept[key], wanted) for key in sold if key in kept]
        for key, amount in sold.items():
            if key not in kept:
                changed.append(self._new_sale(order_number, keys.get(key, key), amount, wanted, "sold"))
        return changed

    def _refuse_stale(self, read: list[Sale]) -> None:
        """Raise ConflictError before anything is written where one of them has changed: a transaction is whole."""
        if any(self.rows.sales[sale.pk].version != sale.version for sale in read):
            raise ConflictError

    def _still_stands(self, sale: Sale, amount: Decimal) -> bool:
        return not _is_unsold(sale) or sale.amount == amount

    def _want(self, sale: Sale, wanted: sales.SaleTarget) -> Sale:
        target = sales.target_after(sale.target, wanted)
        if sale.status not in sales.ENDED_SALES and sale.status != target:
            self.rows.change_sale(sale, target=target, due_at=self.now())
        return sale

    def _new_sale(
        self, order_number: str, key: str, amount: Decimal, wanted: sales.SaleTarget, origin: str
    ) -> Sale:
        before = sum(sale.key == key for sale in self.rows.of_order(order_number))
        sale = Sale(order_number, key, amount, f"s-{order_number}-{key}-{before}", wanted, origin=origin)
        sale.created_at = sale.due_at = self.now()
        self.rows.add_sale(sale)
        return sale

    def _advance_all(self, found: Iterable[Sale]) -> Process:
        for sale in found:
            if self.rows.sales[sale.pk].due_at is not None:
                yield from self.advance(sale.pk)

    def advance(self, sale_pk: int) -> Process:
        """Take the steps that bring the sale to its target."""
        while (yield from self._retried(lambda: self._step(sale_pk))):
            yield STEP

    def _step(self, sale_pk: int) -> Process:
        """Take one step; return whether another one may follow."""
        sale, step = self.rows.sale(sale_pk), self.rows.open_step(sale_pk)
        if step is not None:
            return (yield from self._resume(step, sale))
        if sale.due_at is None:
            return False
        steps = self.rows.steps(sale_pk)
        was_sent = any(each.kind == "issue" and each.attempts for each in steps)
        match kind := sales.next_step(sale.status, sale.target, was_sent=was_sent):
            case None:
                self.rows.change_sale(sale, due_at=None)
            case "end":
                self.rows.change_sale(sale, status="taken_back", due_at=None)
            case _:
                yield from self._execute_step(self.draft_step(sale, kind), sale, len(steps))
                return True
        return False

    def _resume(self, step: Operation, sale: Sale) -> Process:
        is_unwanted = sale.target == "taken_back" and step.kind != "deactivate" and not step.attempts
        if step.state != "due" or (step.due_at and step.due_at > self.now() and not is_unwanted):
            return False
        yield from self.execute_due(step)
        return True

    def _execute_step(self, draft: Operation, sale: Sale, number: int) -> Process:
        """Write an operation together with its sale, and execute it: a worker that read an earlier sale conflicts."""
        yield STEP
        draft.created_at = draft.sending_at = self.now()
        draft.state, draft.attempts, draft.began = "sending", 1, self.loop.now
        claimed_at = self.loop.now
        self._refuse_stale([sale])
        self.rows.add(draft, number)
        self.rows.change_sale(sale, due_at=sale.due_at)
        self.log(draft.state, draft)
        yield from self._send(draft, claimed_at)

    def _retried(self, decision: Callable[[], Process]) -> Process:
        """Run a decision and return its result; retry it on conflict. None after an error."""
        for _ in range(MAX_CONFLICTS):
            try:
                return (yield from decision())
            except ConflictError:
                continue
            except VoucherGatewayError:
                return None
        return None


def _is_unsold(sale: Sale) -> bool:
    return sale.status in ("ordered", "issued") and sale.target != "taken_back"
