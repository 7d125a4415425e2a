"""The vouchers that a run of ``reconcile`` compares, each once, in batches."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import itemgetter, or_
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat

from voucher_payment_gateway.gateway.reconciliation.differences import ORDER_KINDS
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

__all__ = ["BATCH", "VoucherBatch", "changed_sales", "count_vouchers", "voucher_batches"]

BATCH = 50
"""Maximum of vouchers in memory, with all of their operations and bookings."""

PAGE = 2000 * BATCH
"""Maximum of voucher ids per query, about twenty megabytes; each query scans all operations of the time span."""

INSTANTS = ("created_at", "sending_at", "settled_at")
"""Of an operation; one of them in the time span is enough."""


class VoucherBatch(NamedTuple):
    """Some vouchers of one account."""

    account: str
    vouchers: list[str]


def voucher_batches(since: datetime, until: datetime, account: str | None = None) -> Iterator[VoucherBatch]:
    """Yield the ids of the vouchers to compare, sorted; with ``account`` only its own. Of each page of ids it yields
    one account after the other."""
    for page in _pages(since, until):
        accounts = sorted(_accounts(page, since, until))
        for name, found in groupby(accounts, key=itemgetter(0)):
            ids = [voucher for _, voucher in found] if account in (None, name) else []
            yield from (VoucherBatch(name, ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))


def count_vouchers(since: datetime, until: datetime, account: str | None = None) -> int:
    """Return the number of vouchers to compare."""
    return sum(len(batch.vouchers) for batch in voucher_batches(since, until, account))


def changed_sales(since: datetime, until: datetime) -> QuerySet[Any]:
    """Return the sales that changed between the two instants and whose voucher was created."""
    sales: QuerySet[Any] = VoucherSale.current.filter(updated_at__gte=since, updated_at__lt=until)
    return sales.filter(status__in=("issued", "active", "taken_back"))


def _pages(since: datetime, until: datetime) -> Iterator[list[str]]:
    """Yield the ids of the vouchers with an operation, archived or not, the expiry of a reservation or a changed sale
    between the two instants, and of those with an open difference of any age."""
    rows = (
        # a query for each instant: PostgreSQL overestimates the rows of an OR, and reads the whole ledger
        *(VoucherOperation.current.filter(_within(name, since, until)) for name in INSTANTS),
        VoucherArchivedOperation.current.filter(_within("settled_at", since, until)),
        *_with_their_account(since, until),
    )
    ids = [_named(each).values_list("voucher", flat=True) for each in rows]
    after = ""
    while page := list(_union(each.filter(voucher__gt=after) for each in ids).order_by("voucher")[:PAGE]):
        yield page
        if len(page) < PAGE:
            return
        after = page[-1]


def _accounts(page: list[str], since: datetime, until: datetime) -> set[tuple[str, str]]:
    """Return account and id of the vouchers of a page, by the rows that put them there: an id may be that of another
    voucher at another merchant, which was not used between the two instants.

    An operation has the account of its payment or sale. These are joined for a few vouchers at a time: for a whole page
    PostgreSQL would read the payments of the whole ledger.
    """
    sent = reduce(or_, (_within(name, since, until) for name in INSTANTS))
    ledgers = ((VoucherOperation, sent), (VoucherArchivedOperation, _within("settled_at", since, until)))
    found = (
        _named(rows).filter(voucher__gte=page[0], voucher__lte=page[-1]).values_list("account", "voucher")
        for rows in _with_their_account(since, until)
    )
    accounts = set(_union(found))
    of_subject = Coalesce("payment__account", "sale__account", Value(""))
    for start in range(0, len(page), BATCH):
        few = Q(voucher_id__in=page[start : start + BATCH])
        # no filter: PostgreSQL would read the instants of the whole time span for each few vouchers
        operations = (
            model.current.filter(few).values_list(of_subject, "voucher_id", _is(condition))
            for model, condition in ledgers
        )
        accounts.update((name, voucher) for name, voucher, is_within in _union(operations) if is_within)
    return accounts


def _with_their_account(since: datetime, until: datetime) -> tuple[QuerySet[Any], ...]:
    """Return the rows that have an account of their own, and whose voucher is to be compared."""
    holds = VoucherPayment.current.filter(_within("reservation_dead_at", since, until), status="authorized")
    differences = VoucherDifference.current.filter(gone_at=None, explained_at=None)
    differences = differences.exclude(kind__in=ORDER_KINDS)  # these are compared without their vouchers
    return holds, differences, changed_sales(since, until)


def _within(instant: str, since: datetime, until: datetime) -> Q:
    return Q(**{f"{instant}__gte": since, f"{instant}__lt": until})


def _is(condition: Q) -> Any:
    return ExpressionWrapper(condition, BooleanField())


def _named(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows of a voucher, with its id as ``voucher``; a payment that was only selected has none."""
    # Concat hides the column, so the planner cannot choose a full ordered index scan
    named: QuerySet[Any] = rows.exclude(voucher_id="").annotate(voucher=Concat("voucher_id", Value("")))
    return named


def _union(rows: Iterable[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    """Return all of the rows, each once."""
    first, *others = (each.order_by() for each in rows)
    union: QuerySet[Any, Any] = first.union(*others).order_by()  # Django 6.1 orders by what is not selected
    return union
