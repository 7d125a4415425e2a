"""Sharing work among several workers: each takes a few operations at a time, under a claim of its own."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from voucher_payment_gateway.gateway._orders import database
from voucher_payment_gateway.gateway._rows import take
from voucher_payment_gateway.gateway._timing import lease_seconds
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["claimed"]

TOGETHER = 10
"""So few operations a worker takes at a time that it is done with them long before its lease is over."""


def claimed(waiting: QuerySet[VoucherOperation], limit: int) -> Iterator[VoucherOperation]:
    """Take up to ``limit`` of the operations that are ``waiting``, and yield those that no other worker took.

    What a worker took and did not finish waits for the length of a lease; then anybody may take it.
    """
    left = limit
    while left > 0 and (taken := _take_some(waiting, min(left, TOGETHER))):
        yield from taken
        left -= len(taken)


def _take_some(waiting: QuerySet[VoucherOperation], count: int) -> list[VoucherOperation]:
    until = timezone.now() + timedelta(seconds=lease_seconds())
    spreads = connections[database()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=database()) if spreads else nullcontext():
        locked = waiting.select_for_update(skip_locked=True, of=("self",)) if spreads else waiting
        return [operation for operation in locked[:count] if take(operation, due_at=until)]
