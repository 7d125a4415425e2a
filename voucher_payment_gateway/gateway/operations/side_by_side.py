"""Several operations at the same time: each keeps its three beats, and their calls are made side by side.

Beat one of each is written by the caller's thread, in the order in which they were planned, before any of them is sent:
their numbers follow one another. Then the threads make the calls, and nothing else. The outcome of each is written by
the caller's thread again, as soon as its answer is there. A crash on the way leaves what a crash during one operation
leaves, several times: ``settle`` finishes each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from voucher_payment_gateway.exceptions import OutcomeUnknownError, VoucherGatewayError
from voucher_payment_gateway.gateway.holds.parallel import as_they_end, in_parallel
from voucher_payment_gateway.gateway.operations.execute import Sending, begin_due, begin_new, call, conclude
from voucher_payment_gateway.gateway.operations.handler import OperationHandler
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, retry_on_conflict
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.rules.verdicts import was_answered

__all__ = ["Failures", "Outbox", "SideBySide", "execute_all", "first_error", "groups", "read_ahead"]

MAX_AT_ONCE = 8
"""Maximum number of operations that are written as sending before the first of them is sent."""

Outbox = list[tuple[OperationHandler, VoucherOperation]]
"""Operations that are written, to be carried out after the commit."""

Failures = list[tuple[VoucherOperation, Exception]]
"""The operations that raised an error, with it."""

Each = TypeVar("Each")


class SideBySide:
    """Operations that have begun and wait to be sent together, at most one of each voucher. A context manager: what has
    begun is sent at its end, also where another operation could not begin."""

    def __init__(self) -> None:
        self.failures: Failures = []
        self.after_commit: Outbox = []
        """What was written inside the caller's transaction, to be carried out side by side after its commit."""
        self.last_number = 0
        """The number of the operation that was written last."""
        self._begun: list[tuple[VoucherOperation, Sending]] = []

    def __enter__(self) -> "SideBySide":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, Exception):
            self.send()

    def begin(
        self, handler: OperationHandler, draft: VoucherOperation, subject_changes: Mapping[str, Any]
    ) -> None:
        """Write ``draft`` as sending. Raises the errors of ``begin_new``: it is not sent then."""
        self._begin(draft, lambda: begin_new(handler, draft, subject_changes))

    def begin_written(
        self, handler: OperationHandler, operation: VoucherOperation, *, was_left_due: bool = False
    ) -> None:
        """Set an operation that is due to sending, and retry while other writers change the order. Raises the errors of
        ``begin_due``."""

        def begin_as_it_stands() -> Sending | None:
            operation.subject.refresh_from_db()
            return begin_due(handler, operation, was_left_due=was_left_due, before_calls=self.send)

        self._begin(operation, lambda: retry_on_conflict(begin_as_it_stands))

    def _begin(self, operation: VoucherOperation, begin: Callable[[], Sending | None]) -> None:
        is_full = len(self._begun) >= MAX_AT_ONCE
        if is_full or any(each.voucher_id == operation.voucher_id for each, _ in self._begun):
            self.send()
        sending = begin()
        if sending is not None:
            self._begun.append((operation, sending))

    def send(self) -> None:
        """Send all that have begun and write down each outcome: bookings as they are answered, then the errors, some of
        which take further calls. What it raises is added to ``failures``."""
        begun, self._begun = self._begun, []
        errors: dict[int, VoucherGatewayError] = {}
        try:
            for (operation, sending), answer in as_they_end(lambda each: call(each[1]), begun):
                if isinstance(answer, VoucherGatewayError):
                    errors[id(sending)] = answer
                else:
                    self._conclude(operation, sending, answer)
        finally:
            failed = [each for each in begun if id(each[1]) in errors]
            for operation, sending in sorted(failed, key=lambda each: was_answered(errors[id(each[1])])):
                self._conclude(operation, sending, errors[id(sending)])

    def _conclude(
        self, operation: VoucherOperation, sending: Sending, answer: str | VoucherGatewayError
    ) -> None:
        try:
            conclude(sending, answer)
        except ConflictError:  # again and again: its lease ends, then ``settle`` resolves it
            self.failures.append((operation, OutcomeUnknownError(code="outcome_not_written")))
        except Exception as error:  # the others have been sent as well: their outcomes are written first
            self.failures.append((operation, error))


def execute_all(outbox: Outbox) -> Failures:
    """Carry out operations that are written and due, side by side where they are of several vouchers. All are tried;
    returns those that failed."""
    with SideBySide() as together:
        for group in groups(outbox, lambda each: each[1].voucher_id):
            with suppress(Exception):  # what could not be read ahead is read when it begins
                read_ahead(group)
            for handler, operation in group:
                try:
                    together.begin_written(handler, operation)
                except Exception as error:  # one of them stops no other
                    together.failures.append((operation, error))
            together.send()
    return together.failures


def groups(planned: Iterable[Each], voucher_of: Callable[[Each], str]) -> Iterator[list[Each]]:
    """Split what is planned, in its order, into groups of different vouchers that may be carried out together."""
    group: list[Each] = []
    for each in planned:
        if len(group) == MAX_AT_ONCE or voucher_of(each) in map(voucher_of, group):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def read_ahead(planned: Outbox) -> None:
    """Read, at the same time, what several operations need of the Voucher Cloud before they begin."""
    reading = [(handler, operation) for handler, operation in planned if handler.reads_ahead(operation)]
    if len(reading) > 1:
        in_parallel(lambda each: each[0].read_ahead(each[1]), reading)


def first_error(failures: Failures, planned: Iterable[VoucherOperation]) -> Exception | None:
    """Return the error of the operation that was planned first; None where there is none."""
    errors = {id(operation): error for operation, error in reversed(failures)}
    return next((errors[id(each)] for each in planned if id(each) in errors), None)
