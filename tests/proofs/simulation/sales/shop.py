"""The verbs of a shop that sells vouchers, and the part of the sweep that brings its sales forward."""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal

from tests.proofs.simulation.client import STEP
from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ZERO, ConflictError, Operation
from tests.proofs.simulation.sales.outcome import Outcomes
from tests.proofs.simulation.sales.rows import KEY_IS_FREE, Sale
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import evidence, fallback, sales, timing, verdicts
from voucher_payment_gateway.rules.states import GIVES_BACK, OPEN_STATES

__all__ = ["UNPAID_DAYS", "SaleShop"]

UNPAID_DAYS = 1 / 12
"""``UNPAID_SALE_DAYS``: two hours, so that a simulated day sees it."""
MAX_CONFLICTS = 12
LEASE = timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))


class SaleShop(Outcomes):
    """Issues, activates, takes back, tops up, credits, and refunds in another way what a voucher cannot take."""

    def sell(self, order_number: str, sold: dict[str, Decimal], wanted: sales.SaleTarget) -> Process:
        """Issue or activate the vouchers that an order sells now, by key."""
        found: list[Sale] = yield from self._retried(lambda: self._write(order_number, sold, wanted))
        yield from self._advance_all(found or ())

    def _write(self, order_number: str, sold: dict[str, Decimal], wanted: sales.SaleTarget) -> Process:
        yield STEP
        standing = [sale for sale in self.rows.of_order(order_number) if sale.end_reason not in KEY_IS_FREE]
        known = {sale.key: sale for sale in standing if sale.origin == "sold"}
        matched = sales.matched_by_key(known, list(sold))
        kept = {key: sale for key, sale in matched.items() if self._still_stands(sale, sold[key])}
        staying = {sale.pk for sale in kept.values()}
        yield STEP
        changed = [sale for sale in known.values() if sale.pk not in staying and _is_unsold(sale)]
        self._refuse_stale([*changed, *kept.values()])
        for sale in changed:
            self.rows.change_sale(sale, target="taken_back", end_reason="replaced", due_at=self.now())
        changed += [self._want(kept[key], wanted) for key in sold if key in kept]
        for key, amount in sold.items():
            if key not in kept:
                changed.append(self._new_sale(order_number, key, amount, wanted, "sold"))
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

    def take_back(self, order_number: str, *, each: bool = False) -> Process:
        """Take back the vouchers of a returned order; one that was used is reported. ``each``: the sales themselves are
        given, and what was topped up goes with them."""
        for sale in self.rows.of_order(order_number):
            if sale.origin != "sold" or sale.status in sales.ENDED_SALES:
                continue
            asked_at = self.loop.now
            refusal = yield from self._refusal(sale, may_be_topped_up=each)
            if refusal:
                self.rows.sales[sale.pk].refusals.append((asked_at, refusal))
                continue
            written = yield from self._retried(lambda sale=sale: self._write_return(sale.pk))
            yield from self._advance_all(written or ())

    def _refusal(self, sale: Sale, *, may_be_topped_up: bool) -> Process:
        """Return why a voucher cannot be taken back, if there is a reason."""
        if sale.status != "active" or sale.target == "taken_back":
            return ""
        paying = [pay for pay in self.rows.payments.values() if pay.voucher_id == sale.voucher_id]
        if any(pay.status == "authorized" or self.rows.is_pending(pay.pk) for pay in paying):
            return "voucher_in_use"
        try:
            rows = yield from self.bookings(sale.voucher_id)
        except VoucherGatewayError:
            return "unreadable"
        if sales.spent_amount(rows) > ZERO:
            return "voucher_spent"
        if may_be_topped_up:
            return ""
        step = self.rows.open_step(sale.pk)
        is_topped_up = (step and step.kind == "recharge") or any(row.type == "recharge" for row in rows)
        return "voucher_topped_up" if is_topped_up else ""

    def _write_return(self, sale_pk: int) -> Process:
        sale = self.rows.sale(sale_pk)
        yield STEP
        if sale.status not in sales.ENDED_SALES and sale.target != "taken_back":
            self.rows.change_sale(sale, target="taken_back", end_reason="returned", due_at=self.now())
        return [sale]

    def top_up(self, sale_pk: int, amount: Decimal, key: str) -> Process:
        """Recharge the voucher of a sale, once per key."""
        yield from self._retried(lambda: self._recharge(sale_pk, amount, ("top_up", str(sale_pk), key)))

    def _recharge(self, sale_pk: int, amount: Decimal, key: tuple[str, ...]) -> Process:
        known = self._known(key)
        if known:
            operation = self.rows.operations[known]
            if operation.state == "due":
                yield from self.execute_due(copy(operation))
            return
        yield STEP
        sale = self.rows.sale(sale_pk)
        step = self.rows.open_step(sale_pk)
        if sale.status != "active" or sale.target == "taken_back" or (step and step.state != "manual"):
            return
        number = len(self.rows.steps(sale_pk))
        draft = self.draft_step(sale, "recharge", amount=amount)
        draft.reference = evidence.charge_reference(sale.order_number, number + 1, self.token())
        draft.created_at, draft.began = self.now(), self.loop.now
        draft.due_at = self.next_attempt_at(draft)
        self._refuse_known(key)
        draft.state = "due"
        self.rows.add(draft, number)
        self.rows.keys[key] = draft.pk
        yield STEP
        yield from self.execute_due(draft)

    def _known(self, key: tuple[str, ...]) -> int | None:
        return self.rows.keys.get(key)

    def _refuse_known(self, key: tuple[str, ...]) -> None:
        """Raise ConflictError where another worker has stored the key meanwhile."""
        if self._known(key):
            raise ConflictError("key")

    def credit(self, order_number: str, amount: Decimal, key: str, sale_pk: int = 0) -> Process:
        """Give store credit once per key: a recharge of a sale, else a new active voucher."""
        name = ("credit", order_number, key)
        if sale_pk:
            yield from self._retried(lambda: self._recharge(sale_pk, amount, name))
            return
        written = yield from self._retried(lambda: self._write_credit(order_number, amount, name))
        yield from self._advance_all(written or ())

    def _write_credit(self, order_number: str, amount: Decimal, name: tuple[str, ...]) -> Process:
        known = self._known(name)
        if known:
            return [self.rows.sale(known)]
        yield STEP
        self._refuse_known(name)
        sale = self._new_sale(order_number, f"credit:{name[-1]}", amount, "active", "credit")
        self.rows.keys[name] = sale.pk
        return [sale]

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

    def refund(self, pk: int, amount: Decimal | None = None, *, cancelling: bool = False) -> Process:
        yield from super().refund(pk, amount, cancelling=cancelling)
        number = self.rows.payments[pk].order_number
        yield from self._advance_all([sale for sale in self.rows.of_order(number) if sale.replaces])

    def _newest_charge(self, operations: list[Operation]) -> tuple[Operation | None, Decimal]:
        """Count besides refunds what was given in their place."""
        counted = [op for op in operations if op.kind in GIVES_BACK and verdicts.counts_as_refunded(op.state)]
        ours = {op.pk for op in operations}
        for sale in self.rows.sales.values():
            if sale.replaces in ours and fallback.gives_back(sale.status, was_active=sale.was_active):
                counted.append(self.rows.operations[sale.replaces])
        for op in reversed(operations):
            if op.kind == "charge" and op.state == "succeeded":
                left = op.amount - sum(
                    (each.amount for each in counted if each.target_id == op.remote_id), ZERO
                )
                if left > ZERO:
                    return op, left
        return None, ZERO

    def sweep(self) -> Process:
        """Finish operations, give up what was not paid, and bring sales forward."""
        yield from super().sweep()
        for sale in self._unpaid(self.now()):
            self.rows.change_sale(sale, target="taken_back", end_reason="unpaid", due_at=self.now())
        for pk in self.rows.due_sales(self.now()):
            yield from self.advance(pk)

    def _unpaid(self, now: datetime) -> list[Sale]:
        waiting = [sale for sale in self.rows.sales.values() if sale.origin == "sold" and sale.created_at]
        return [copy(sale) for sale in waiting if _is_unpaid(sale, now)]

    def is_sweep_due(self) -> bool:
        """Return whether a sweep has something to do."""
        now, rows = self.now(), self.rows
        is_due = bool(rows.open or rows.to_reread) and rows.has_due_operations(now, now - LEASE)
        return is_due or bool(rows.due_sales(now)) or bool(self._unpaid(now))

    def has_open_sales(self) -> bool:
        """Return whether a sale or an operation is not where it shall be."""
        rows = self.rows
        undecided = {**rows.open, **rows.to_reread}.values()
        is_undecided = any(not self._is_unreadable_for_good(operation) for operation in undecided)
        return is_undecided or any(
            _waits(sale) or (sale.due_at is not None and not self._is_left_to_a_person(sale))
            for sale in rows.sales.values()
        )

    def _is_unreadable_for_good(self, operation: Operation) -> bool:
        voucher = self.remote.vouchers.get(operation.voucher_id)
        is_told = operation.pk in self.unreadable or operation.state not in OPEN_STATES
        return is_told and voucher is not None and voucher.status == "deleted"

    def _is_left_to_a_person(self, sale: Sale) -> bool:
        step = self.rows.open_step(sale.pk)
        return step is not None and step.state == "manual"


def _is_unpaid(sale: Sale, now: datetime) -> bool:
    created_at = sale.created_at or now
    return sales.is_unpaid_too_long(sale.status, sale.target, created_at, now, days=UNPAID_DAYS)


def _is_unsold(sale: Sale) -> bool:
    return sale.status in ("ordered", "issued") and sale.target != "taken_back"


def _waits(sale: Sale) -> bool:
    return sale.origin == "sold" and sale.target == "issued" and sale.status in ("ordered", "issued")
