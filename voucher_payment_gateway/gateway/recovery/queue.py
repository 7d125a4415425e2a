"""Share open operations among workers: each leases one at a time."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.operations.transitions import postpone
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["lease_each"]

CANDIDATES = 10
"""Candidates fetched per attempt; other workers may lease the first ones."""


def lease_each(waiting: QuerySet[VoucherOperation], limit: int) -> Iterator[VoucherOperation]:
    """Lease up to ``limit`` of the ``waiting`` operations, one at a time, and yield them.

    An operation that its worker did not finish is available again once the lease has expired.
    """
    for _ in range(limit):
        operation = _lease_next(waiting)
        if operation is None:
            return
        yield operation


def _lease_next(waiting: QuerySet[VoucherOperation]) -> VoucherOperation | None:
    """Lease the first operation that no other worker is leasing at this moment."""
    skips_locked = connections[database()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=database()) if skips_locked else nullcontext():
        locked = waiting.select_for_update(skip_locked=True, of=("self",)) if skips_locked else waiting
        lease_ends_at = timezone.now() + timedelta(seconds=lease_seconds())
        return next(
            (operation for operation in locked[:CANDIDATES] if postpone(operation, lease_ends_at)), None
        )
