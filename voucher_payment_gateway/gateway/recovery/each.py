"""Take one step for each row that is due: one failure does not stop the others."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.operations.transitions import StaleOperationError
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.recovery.threads import SweepThreads
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

__all__ = ["each"]

Row = TypeVar("Row", VoucherOperation, VoucherPayment, VoucherSale)


def each(
    rows: Iterable[Row],
    step: Callable[[Row], bool],
    stop: Callable[[], bool],
    threads: SweepThreads | None = None,
) -> int:
    """Call ``step`` for each row, in ``threads`` for several at the same time, and count the successes; one failure
    does not stop the others."""

    def attempt(row: Row) -> bool:
        try:
            return step(row)
        except (ConflictError, StaleOperationError):
            return False  # another worker was first
        except Exception as error:
            _log(row, error)
            return False

    going_on = _until(stop, rows)
    return threads.count(going_on, attempt, _subjects) if threads else sum(map(attempt, going_on))


def _until(stop: Callable[[], bool], rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows, and begin no other once ``stop`` returns true: it is asked before each is leased."""
    waiting = iter(rows)
    while not stop() and (row := next(waiting, None)) is not None:
        yield row


def _subjects(row: VoucherOperation | VoucherPayment | VoucherSale) -> frozenset[tuple[str, ...]]:
    """Return the voucher and the order of which one row at most is in progress. Operations of an order are numbered
    one after the other, those of a sale by themselves."""
    voucher = {("voucher", row.account, row.voucher_id)} if row.voucher_id else set()
    is_of_sale = isinstance(row, VoucherSale) or getattr(row, "sale_id", None)
    return frozenset(voucher if is_of_sale else {*voucher, ("order", row.order_number)})


def _log(row: Row, error: Exception) -> None:
    code = error.code if isinstance(error, VoucherGatewayError) else ""
    (RunningEvents.settle_step_refused if code else RunningEvents.settle_step_failed).log(
        str(row),
        account=row.account,
        order_number=row.order_number,
        subject=type(row).__name__,
        subject_id=row.pk,
        error_code=code or type(error).__name__,
    )
