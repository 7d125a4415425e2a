"""The other verbs of a shop that sells vouchers, and the part of the sweep that brings its sales forward."""

from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal

from tests.proofs.simulation.client import STEP
from tests.proofs.simulation.faults import DEADLINE_SECONDS
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import ZERO, ConflictError, Operation
from tests.proofs.simulation.sales.rows import KEY_IS_FREE, Sale
from tests.proofs.simulation.sales.seller import Seller, matched_keys
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.rules import evidence, fallback, sales, timing, verdicts
from voucher_payment_gateway.rules.states import GIVES_BACK, OPEN_STATES

__all__ = ["UNPAID_DAYS", "SaleShop"]

UNPAID_DAYS = 1 / 12
"""``UNPAID_SALE_DAYS``: two hours, so that a simulated day sees it."""
LEASE = timedelta(seconds=timing.lease_seconds(DEADLINE_SECONDS))


class SaleShop(Seller):
    """Sells, takes back, tops up, credits, and refunds in another way what a voucher cannot take."""

    def take_back(self, order_number: str, sold: dict[str, Decimal], *, each: bool = False) -> Process:
        """Take back the vouchers of a returned order, and what it has ``sold`` that is not written yet; one that was
        used is reported. ``each``: the sales themselves are given, and what was topped up goes with them."""
        yield from self._retried(lambda: self._note_return(order_number, sold))
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

    def _note_return(self, order_number: str, sold: dict[str, Decimal]) -> Process:
        yield STEP
        found, last = matched_keys(self.rows.of_order(order_number), sold)
        yield STEP
        for key in sold:
            if key not in found or last[found[key]].end_reason in KEY_IS_FREE:
                sale = self._new_sale(order_number, found.get(key, key), sold[key], "taken_back", "sold")
                self.rows.change_sale(sale, end_reason=sales.end_of_unwritten(told_unpaid=False))

    def return_unpaid(self, sale_pk: int) -> Process:
        """Write down that a single sale is to be taken back, unless it is paid; return whether it was written."""
        return (yield from self._retried(lambda: self._write_return(sale_pk, targets=("issued",))))

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

    def _write_return(self, sale_pk: int, targets: tuple[str, ...] = ("issued", "active")) -> Process:
        sale = self.rows.sale(sale_pk)
        yield STEP
        if sale.status in sales.ENDED_SALES or sale.target not in targets:
            return []
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


def _waits(sale: Sale) -> bool:
    return sale.origin == "sold" and sale.target == "issued" and sale.status in ("ordered", "issued")
