"""Sharing work among several workers: each takes one operation at a time, under a claim of its own."""

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
"""So many are looked at where others may take the first ones at the same moment."""


def lease_each(waiting: QuerySet[VoucherOperation], limit: int) -> Iterator[VoucherOperation]:
    """Take up to ``limit`` of the operations that are ``waiting``, and yield those that no other worker took.

    What a worker took and did not finish waits for the length of a lease; then anybody may take it.
    """
    for _ in range(limit):
        operation = _next(waiting)
        if operation is None:
            return
        yield operation


def _next(waiting: QuerySet[VoucherOperation]) -> VoucherOperation | None:
    """Take the first that nobody else takes at this moment; its lease begins now."""
    spreads = connections[database()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=database()) if spreads else nullcontext():
        locked = waiting.select_for_update(skip_locked=True, of=("self",)) if spreads else waiting
        until = timezone.now() + timedelta(seconds=lease_seconds())
        return next((operation for operation in locked[:CANDIDATES] if postpone(operation, until)), None)
