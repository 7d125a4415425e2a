"""The mutations: plausible but wrong versions of the rules and of the client."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.proofs.simulation.calls import MORNING
from tests.proofs.simulation.client import STEP
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.rows import Operation, Payment
from tests.proofs.simulation.shop import Shop
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError
from voucher_payment_gateway.rules import evidence


def no_fence(after_absence: Any) -> Any:
    def mutated(unknown: Any, read_at: Any, figures: Any) -> Any:
        known = replace(unknown, fence_at=unknown.sent_at) if unknown.kind == "charge" else unknown
        return after_absence(known, read_at, figures)

    return mutated


def refused_stands(judge_fence: Any) -> Any:
    def mutated(fence: Any, error: Any) -> Any:
        refused = fence == "reserve" and isinstance(error, RefusedError)
        return "stands" if refused else judge_fence(fence, error)

    return mutated


def unanswered_stands(judge_fence: Any) -> Any:
    return lambda fence, error: (
        "stands" if judge_fence(fence, error) == "again" else judge_fence(fence, error)
    )


def not_found_stands(judge_fence: Any) -> Any:
    def mutated(fence: Any, error: Any) -> Any:
        not_found = fence == "release" and isinstance(error, RefusedError)
        return "stands" if not_found else judge_fence(fence, error)

    return mutated


def release_first(next_fence: Any) -> Any:
    def mutated(*, wanted: bool, release_works: bool, failed: Any = ()) -> Any:
        return next_fence(wanted=wanted and "release" in failed, release_works=True, failed=failed)

    return mutated


def server_clock(dead_at: Any) -> Any:
    return lambda held_until, valid_until: valid_until or held_until


def ours_count(charge_evidence: Any) -> Any:
    return lambda rows, **facts: charge_evidence(rows, **{**facts, "ours": ()})


def no_baseline(refund_evidence: Any) -> Any:
    return lambda rows, **facts: refund_evidence(rows, **{**facts, "baseline": ()})


def prefix_compare(charge_evidence: Any) -> Any:
    def mutated(rows: Any, *, reference: str, amount: Any, ours: Any) -> Any:
        alike = [row for row in rows if (row.order_number or "").startswith(reference)]
        same = [replace(row, order_number=reference) for row in alike]
        return charge_evidence(same, reference=reference, amount=amount, ours=ours)

    return mutated


def bare_number(charge_reference: Any) -> Any:
    return lambda order_number, capture, token: order_number


def without_token(charge_reference: Any) -> Any:
    return lambda order_number, capture, token: f"{order_number}-{capture}"


def compare_state(compare_and_set: Any) -> Any:
    def mutated(rows: Any, operation: Operation, **changes: Any) -> bool:
        stored = rows.operations[operation.pk]
        if stored.state != operation.state:
            return False
        operation.claim = stored.claim
        return bool(compare_and_set(rows, operation, **changes))

    return mutated


def compare_nothing(compare_and_set: Any) -> Any:
    def mutated(rows: Any, operation: Operation, **changes: Any) -> bool:
        operation.claim = rows.operations[operation.pk].claim
        return bool(compare_and_set(rows, operation, **changes))

    return mutated


def same_claim(next_claim: Any) -> Any:
    return lambda rows: 1


def unknown_is_not_applied(verdict: Any) -> Any:
    return lambda error, *, repeated: _instead(verdict(error, repeated=repeated), "not_applied")


def unknown_is_refused(verdict: Any) -> Any:
    return lambda error, *, repeated: _instead(verdict(error, repeated=repeated), "refused")


def refusal_is_final(verdict: Any) -> Any:
    return lambda error, *, repeated: verdict(error, repeated=False)


def _instead(found: str, then: str) -> str:
    return then if found == "unknown" else found


def cancelled_too_soon(status_after_refund: Any) -> Any:
    def mutated(*, refunded: Any, captured: Any, cancelling: bool) -> str:
        return (
            "cancelled"
            if cancelling
            else status_after_refund(refunded=refunded, captured=captured, cancelling=False)
        )

    return mutated


class NoExpiryFence(Shop):
    """Establishes a fence by a new reservation only."""

    def _fence(self, operation: Operation, payment: Payment) -> Process:
        yield from self._establish_fence("reserve", operation, payment)


class BelievesTheFilter(Shop):
    """Filters the list by its number and trusts the filter."""

    def read_evidence(self, operation: Operation) -> Process:
        if operation.kind != "charge":
            return (yield from super().read_evidence(operation))
        ours = self.rows.remote_ids(operation.voucher_id)
        number = operation.reference
        rows = yield from self.injector.call(
            lambda now: self.remote.bookings(now, operation.voucher_id, number), moving=False
        )
        same = [replace(row, order_number=number) for row in rows]
        return evidence.charge_evidence(same, reference=number, amount=operation.amount, ours=ours)


class MatchesByTime(Shop):
    """Takes a refund for ours if it was booked less than a minute before the send, by the server's clock."""

    def read_evidence(self, operation: Operation) -> Process:
        if operation.kind != "refund":
            return (yield from super().read_evidence(operation))
        rows = yield from self.bookings(operation.voucher_id)
        assert operation.sending_at
        since = operation.sending_at - timedelta(seconds=60)
        fits = [
            row.id
            for row in rows
            if row.type == "refund"
            and row.amount == operation.amount
            and MORNING + timedelta(seconds=row.created_at) >= since
        ]
        ours = self.rows.remote_ids(operation.voucher_id)
        new = [each for each in fits if each not in ours]
        return evidence.Evidence("found", new[0]) if new else evidence.ABSENT


class NewNumbers(Shop):
    """Sends a new reference with every attempt."""

    def execute_due(self, operation: Operation) -> Process:
        if operation.kind == "charge":
            operation.reference = self.rows.operations[operation.pk].reference = (
                f"{operation.reference}{operation.attempts}"
            )
        yield from super().execute_due(operation)


class Retries(Shop):
    """Retries once, at once, after a lost answer."""

    def book_remotely(self, operation: Operation) -> Process:
        try:
            return (yield from super().book_remotely(operation))
        except OutcomeUnknownError as error:
            if error.code != "answer_lost":
                raise
        yield STEP
        return (yield from super().book_remotely(operation))


class FollowsRedirects(Shop):
    """Follows a redirect."""

    def book_remotely(self, operation: Operation) -> Process:
        try:
            return (yield from super().book_remotely(operation))
        except OutcomeUnknownError as error:
            if error.code != "redirected":
                raise
        return (yield from super().book_remotely(operation))
