"""Share open operations among workers: each leases no more than it begins at once."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from itertools import islice

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.operations.transitions import postpone
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["lease_each"]

CANDIDATES = 10
"""Candidates fetched where other workers leased the first ones: without row locks several read the same."""


def lease_each(
    waiting: QuerySet[VoucherOperation], limit: int, at_once: Callable[[], int] = lambda: 1
) -> Iterator[VoucherOperation]:
    """Lease up to ``limit`` of the ``waiting`` operations, each time as many as can be begun ``at_once``, and yield them.

    An operation that its worker did not finish is available again once the lease has expired.
    """
    while limit > 0:
        leased = _lease_next(waiting, min(limit, max(1, at_once())))
        if not leased:
            return
        limit -= len(leased)
        yield from leased


def _lease_next(waiting: QuerySet[VoucherOperation], count: int) -> list[VoucherOperation]:
    """Lease the first ``count`` operations that no other worker is leasing at this moment."""
    skips_locked = connections[database()].features.has_select_for_update_skip_locked
    for candidates in (count, max(count, CANDIDATES)):
        with transaction.atomic(using=database()) if skips_locked else nullcontext():
            locked = waiting.select_for_update(skip_locked=True, of=("self",)) if skips_locked else waiting
            found = list(locked[:candidates])
            lease_ends_at = timezone.now() + timedelta(seconds=lease_seconds())
            postponed = (operation for operation in found if postpone(operation, lease_ends_at))
            leased = list(islice(postponed, count))
        if leased or not found:
            return leased
    return []
