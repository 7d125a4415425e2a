"""A shop's calls to the Voucher Cloud, its clock, and a log of what it did."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.proofs.simulation.faults import FaultInjector
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import Remote, Row
from tests.proofs.simulation.rows import Operation, Rows
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.rules import evidence, resolution

__all__ = ["MORNING", "OURS", "Calls"]

MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)
OURS = "shop"


class Calls:
    """A shop with its rows and its calls to the Voucher Cloud."""

    def __init__(self, remote: Remote, injector: FaultInjector, figures: resolution.Tolerances) -> None:
        self.remote = remote
        self.injector = injector
        self.loop = injector.loop
        self.figures = figures
        self.rows = Rows()
        self.reviews = 0
        self.story: list[tuple[Any, ...]] = []

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self.loop.now)

    def log(self, what: str, operation: Operation, more: str = "") -> None:
        self.story.append((self.loop.now, operation.pk, operation.kind, operation.payment_pk, what, more))

    def request_review(self, operation: Operation) -> None:
        """Request a review of an operation."""
        self.rows.operations[operation.pk].reviewed = True
        self.reviews += 1
        self.log("needs review", operation)

    def reserve(self, voucher_id: str, amount: Decimal) -> Process:
        """Reserve; retry once after a lost answer, since the new reservation replaces the lost one."""
        cents = int(amount * 100)
        for _ in range(2):
            try:
                return (
                    yield from self.injector.call(lambda now: self.remote.reserve(now, voucher_id, cents))
                )
            except OutcomeUnknownError:
                continue
        raise UnavailableError

    def bookings(self, voucher_id: str) -> Process:
        """Read all bookings of a voucher."""
        return (
            yield from self.injector.call(lambda now: self.remote.bookings(now, voucher_id), moving=False)
        )

    def release(self, hold_id: str) -> Process:
        return (yield from self.injector.call(lambda now: self.remote.release(now, hold_id)))

    def book_remotely(self, operation: Operation) -> Process:
        """Charge or refund, and return the id in the answer."""
        target, by = operation.target_id, operation.pk
        if operation.kind == "refund":
            cents = int(operation.amount * 100)
            row = yield from self.injector.call(lambda now: self.remote.refund(now, target, cents, OURS, by))
        else:
            row = yield from self._charge(target, operation.reference, by)
        if not self._is_ours(operation, row):
            raise OutcomeUnknownError(code="answer_not_ours")
        return row.id

    def _charge(self, target: str, number: str, by: int) -> Process:
        remote, loop = self.remote, self.loop
        if remote.behaviour.booking_delay:
            return self.injector.call(
                lambda now: remote.validated(now, target),
                finish=lambda hold: remote.book(loop.now, hold, number, OURS, by),
            )
        return self.injector.call(lambda now: remote.charge(now, target, number, OURS, by))

    def _is_ours(self, operation: Operation, row: Row) -> bool:
        answered = {"answered_voucher_id": operation.voucher_id, "answered_reference": row.order_number}
        ours = {"voucher_id": operation.voucher_id, "reference": operation.reference}
        if operation.kind == "refund":
            return evidence.is_answer_to_refund(
                remote_id=row.id, baseline=operation.baseline or (), **ours, **answered
            )
        return evidence.is_answer_to_charge(amount=operation.amount, charged=row.amount, **ours, **answered)
