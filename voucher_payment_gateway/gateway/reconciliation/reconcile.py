"""Reconcile: compare our operations with the bookings at the Voucher Cloud, voucher by voucher, both ways.

It moves no money and reverses nothing. It is the only defence against a request that the network duplicated.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from voucher_payment_gateway.api.limits import patiently
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import account_settings, voucher_cloud
from voucher_payment_gateway.exceptions import CredentialsError, VoucherGatewayError
from voucher_payment_gateway.gateway.reconciliation.differences import Found, open_of_orders, record
from voucher_payment_gateway.gateway.reconciliation.drafts import (
    draft,
    holds_left_open,
    set_operation,
    unread_draft,
)
from voucher_payment_gateway.gateway.reconciliation.paid_orders import compare_orders
from voucher_payment_gateway.gateway.reconciliation.readings import Reading, read
from voucher_payment_gateway.gateway.reconciliation.sold_vouchers import (
    SaleFound,
    compare_sales,
    other_differences,
    sales_to_read,
)
from voucher_payment_gateway.gateway.reconciliation.vouchers import (
    BATCH,
    VoucherBatch,
    count_vouchers,
    voucher_batches,
)
from voucher_payment_gateway.gateway.records.archived import archived_on, as_operations
from voucher_payment_gateway.gateway.records.conflicts import refuse_open_transaction
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation
from voucher_payment_gateway.models.conditions import BOOKS
from voucher_payment_gateway.rules.comparison import OurEntry, compare
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.telemetry import verb

__all__ = ["reconcile"]

Progress = Callable[[int, int], None]
OnError = Callable[[str, VoucherGatewayError], None]


@verb
@patiently()
def reconcile(
    since: datetime,
    until: datetime,
    *,
    progress: Progress | None = None,
    account: str | None = None,
    on_error: OnError | None = None,
) -> list[VoucherDifference]:
    """Compare every voucher that was used from ``since`` on and before ``until``, and return the open differences.

    Each voucher's bookings are compared in full, whatever their age. Of a sale that changed in this time the voucher
    itself is read too: whether it is there, and in the status that our records say. Vouchers with an older,
    unexplained difference are compared again. Orders whose payments changed from ``CONFIRMED_DAYS`` before ``since``
    on are compared with what vouchers paid for them: one that is gone, cancelled or overpaid is a difference. The
    result is grouped by voucher. A difference is stored as a row; it is closed once it is not found any more.
    ``progress`` is called with the number of vouchers done and the total. Moves no money; safe to run twice, and in
    several processes at once. With ``ACCOUNTS`` one account after the other is compared, or ``account`` alone ("" for
    the default one).

    Raises ValueError for instants that are not aware or not in order, TransactionManagementError inside a transaction,
    and the error of the reads where nothing can be read: CredentialsError, UnavailableError, ContractError. That of one
    account is raised after the others were compared; their differences are stored then. With ``on_error`` it is not
    raised: that is called with the name of each account that was not compared in full, and its error.
    """
    refuse_open_transaction()
    _check(since, until)
    reader = _Reader(on_error)
    reader.authenticate(gateway_settings().account_names if account is None else [account])
    advance = _counting(progress, since, until, account) if progress else None
    differences: list[VoucherDifference] = []
    for batch in voucher_batches(since, until, account):
        differences += reader.compare(batch, since, until)
        if advance:
            advance(len(batch.vouchers))
    compare_orders(since)
    if reader.errors and on_error is None:
        raise next(iter(reader.errors.values()))
    return sorted([*differences, *open_of_orders(account)], key=lambda row: (row.account, row.voucher_id))


class _Reader:
    """Compares batches of vouchers. An account of which nothing can be read is left out from then on."""

    def __init__(self, on_error: OnError | None) -> None:
        self.errors: dict[str, VoucherGatewayError] = {}
        self._on_error = on_error

    def authenticate(self, accounts: list[str]) -> None:
        """Get the token of each account. Raises the error where none of them has one: nothing can be read then."""
        for account in accounts:
            with self._account_left_out_on_error(account):
                voucher_cloud(account).authenticate()
        if self._on_error is None and len(self.errors) == len(accounts):
            raise self.errors[accounts[0]]

    def compare(self, batch: VoucherBatch, since: datetime, until: datetime) -> list[VoucherDifference]:
        """Compare the vouchers of the batch, and return their open differences."""
        differences: list[VoucherDifference] = []
        if batch.account in self.errors:
            return differences
        with self._account_left_out_on_error(batch.account):
            voucher_cloud(batch.account)  # an unknown account is not a voucher that cannot be read
            themselves = sales_to_read(batch.vouchers, batch.account, since, until)
            readings = read(batch.vouchers, batch.account, themselves=themselves)
            differences += record(_compare(readings, batch.account))
            _stop_if_nothing_can_be_read(readings)
        return differences

    @contextmanager
    def _account_left_out_on_error(self, account: str) -> Iterator[None]:
        try:
            yield
        except VoucherGatewayError as error:
            self.errors[account] = error
            if self._on_error:
                self._on_error(account, error)
            if account:
                RunningEvents.account_not_compared.log(repr(account), account=account, error_code=error.code)


def _check(since: datetime, until: datetime) -> None:
    for name, instant in (("since", since), ("until", until)):
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise ValueError(f"{name}: give an aware datetime, such as timezone.now().")
    if since >= until:
        raise ValueError("until: must be later than since.")


def _counting(
    progress: Progress, since: datetime, until: datetime, account: str | None
) -> Callable[[int], None]:
    """Return a function that adds a number of compared vouchers and reports the progress. The total is counted now."""
    total, done = count_vouchers(since, until, account), 0
    progress(done, total)

    def advance(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return advance


def _stop_if_nothing_can_be_read(readings: list[Reading]) -> None:
    """Raise the last error where a whole batch failed, or our rights are missing: the next vouchers would fail too."""
    errors = [reading.error for reading in readings if reading.error]
    if len(errors) == len(readings) and (
        len(errors) == BATCH or all(isinstance(error, CredentialsError) for error in errors)
    ):
        raise errors[-1]


def _compare(readings: list[Reading], account: str = "") -> list[Found]:
    """Compare a batch. Our rows are read after the lists, so every booking in a list has its operation stored."""
    operations: dict[str, list[VoucherOperation]] = defaultdict(list)
    vouchers = [reading.voucher_id for reading in readings]
    ours = VoucherOperation.current.of_account(account).filter(voucher_id__in=vouchers)
    baselines = dict(
        ours.filter(kind="refund", state__in=OPEN_STATES).values_list("pk", "baseline")
    )  # before the operations: one decided in between is not open any more
    for operation in ours.select_related("payment", "sale").defer("baseline", "late_answers"):
        operations[operation.voucher_id].append(operation)
    sold = compare_sales(readings, account, operations)
    archived = _archived(vouchers, account, operations)
    found = [
        _differences(
            reading,
            account,
            operations[reading.voucher_id],
            archived[reading.voucher_id],
            baselines,
            sold[reading.voucher_id],
        )
        for reading in readings
    ]
    _find_elsewhere(account, [row for each in found for row in each.rows])
    return found


def _archived(
    vouchers: list[str], account: str, operations: dict[str, list[VoucherOperation]]
) -> dict[str, list[VoucherOperation]]:
    """Return the archived operations by voucher. They are read after those of the ledger: one that is moved between the
    two is in both, and counts once."""
    known = {each.pk for own in operations.values() for each in own}
    archived: dict[str, list[VoucherOperation]] = defaultdict(list)
    for operation in as_operations(archived_on(account, vouchers)):
        if operation.pk not in known:
            archived[operation.voucher_id].append(operation)
    return archived


def _find_elsewhere(account: str, rows: list[VoucherDifference]) -> None:
    """Set the operation of an unknown booking, where we have it on another voucher of the account."""
    unknown = {row.remote_id: row for row in rows if row.kind == "theirs_only" and row.operation is None}
    if unknown:
        ours = VoucherOperation.current.of_account(account).select_related("payment", "sale")
        for operation in ours.filter(BOOKS, remote_id__in=unknown).exclude(remote_id=""):
            set_operation(unknown[operation.remote_id], operation)


def _differences(
    reading: Reading,
    account: str,
    operations: list[VoucherOperation],
    archived: list[VoucherOperation],
    baselines: dict[int, list[str] | None],
    sold: SaleFound,
) -> Found:
    if reading.error is not None:
        unread = unread_draft(reading.voucher_id, account, [*operations, *archived], reading.error)
        return Found(reading.voucher_id, [unread], account=account)
    if reading.is_gone:
        undecided = other_differences(reading.voucher_id, account) | set(sold.undecided)
        return Found(reading.voucher_id, sold.rows, undecided, is_read=True, account=account)
    settings, own = gateway_settings(), [*operations, *archived]
    compared = compare(
        [_entry(operation, baselines) for operation in own],
        reading.bookings,
        client_id=account_settings(account).CLIENT_ID,
        certain_before=reading.read_at - timedelta(seconds=settings.LIST_LAG_SECONDS),
    )
    rows = [draft(reading.voucher_id, account, finding, own) for finding in compared.findings]
    holds, undecided = holds_left_open(operations, reading.read_at)
    undecided |= compared.undecided | set(sold.undecided)
    return Found(reading.voucher_id, rows + holds + sold.rows, undecided, is_read=True, account=account)


def _entry(operation: VoucherOperation, baselines: dict[int, list[str] | None]) -> OurEntry:
    return OurEntry(
        id=operation.pk,
        kind=operation.kind,
        state=operation.state,
        amount=operation.amount,
        payment_id=operation.payment_id,
        reference=operation.reference,
        remote_id=operation.remote_id,
        settled_at=operation.settled_at,
        baseline=baselines.get(operation.pk) or (),
    )
