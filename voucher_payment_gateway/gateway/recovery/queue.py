"""Share waiting rows among workers: each leases no more than it begins at once."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.operations.transitions import postpone
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["lease_each", "lease_operation"]

CANDIDATES = 10
"""Candidates fetched where other workers leased the first ones: without row locks several read the same."""

Row = TypeVar("Row")


def lease_operation(operation: VoucherOperation) -> bool:
    """Lease an operation; return whether no other worker was first."""
    return postpone(operation, timezone.now() + timedelta(seconds=lease_seconds()))


def lease_each(
    waiting: QuerySet[Any], limit: int, lease: Callable[[Row], bool], at_once: Callable[[], int] = lambda: 1
) -> Iterator[Row]:
    """Lease up to ``limit`` of the ``waiting`` rows, each time as many as can be begun ``at_once``, and yield them.

    ``lease`` writes into a row that it does not wait any more, and returns whether no other worker was first. One that
    its worker did not finish is available again once the lease has expired.
    """
    while limit > 0:
        leased = _lease_next(waiting, min(limit, max(1, at_once())), lease)
        if not leased:
            return
        limit -= len(leased)
        yield from leased


def _lease_next(waiting: QuerySet[Any], count: int, lease: Callable[[Row], bool]) -> list[Row]:
    """Lease the first ``count`` rows that no other worker is leasing at this moment."""
    skips_locked = connections[database()].features.has_select_for_update_skip_locked
    for candidates in (count, max(count, CANDIDATES)):
        with transaction.atomic(using=database()) if skips_locked else nullcontext():
            found: list[Row] = _unlocked(waiting, candidates)
            leased = list(islice(filter(lease, found), count))
        if leased or not found:
            return leased
    return []


def _unlocked(waiting: QuerySet[Any], count: int) -> list[Any]:
    """Return the first ``count`` rows, without those that another worker has locked where the database can tell."""
    features = connections[database()].features
    if not features.has_select_for_update_skip_locked:
        return list(waiting[:count])
    if features.has_select_for_update_of:
        return list(waiting.select_for_update(skip_locked=True, of=("self",))[:count])
    # MariaDB would lock the payments that are read with them too
    found = list(waiting[: max(count, CANDIDATES)])
    rows = waiting.model.current.select_for_update(skip_locked=True).filter(
        pk__in=[each.pk for each in found]
    )
    unlocked = set(rows.values_list("pk", flat=True))
    return [each for each in found if each.pk in unlocked][:count]
