"""Which vouchers a run of ``reconcile`` compares, each once, in batches."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment

__all__ = ["BATCH", "count_vouchers", "voucher_batches"]

BATCH = 50
"""So many vouchers are in memory at a time, with all of their operations and bookings."""

PAGE = 2000 * BATCH
"""So many voucher ids are read at a time, some ten megabytes: each time all operations of the span are looked at."""


def voucher_batches(since: datetime, until: datetime) -> Iterator[list[str]]:
    """Yield the ids of the vouchers to compare, sorted."""
    after = ""
    while ids := list(_vouchers(since, until, after)[:PAGE]):
        yield from (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
        if len(ids) < PAGE:
            return
        after = ids[-1]


def count_vouchers(since: datetime, until: datetime) -> int:
    """Return how many vouchers will be compared."""
    return _vouchers(since, until, after="").count()


def _vouchers(since: datetime, until: datetime, after: str) -> QuerySet[VoucherOperation, str]:
    """Return the vouchers with an operation or the end of a reservation between the two instants, and those with a
    difference that is still open, wherever it is in time."""

    def within(name: str) -> Q:
        return Q(**{f"{name}__gte": since, f"{name}__lt": until})

    operations = VoucherOperation.current.filter(
        within("created_at") | within("sending_at") | within("settled_at")
    )
    holds = VoucherPayment.current.filter(within("reservation_dead_at"), status="authorized")
    told = VoucherDifference.current.filter(gone_at=None, explained_at=None)
    first, *others = (
        # not the column itself: databases walk through all there are in its order, to save themselves sorting
        rows.annotate(voucher=Concat("voucher_id", Value("")))
        .filter(voucher__gt=after)
        .order_by()
        .values_list("voucher", flat=True)
        for rows in (operations, holds, told)
    )
    vouchers: QuerySet[VoucherOperation, str] = first.union(*others).order_by("voucher")
    return vouchers
