"""The vouchers that a run of ``reconcile`` compares, each once, in batches."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet, Value
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
"""Maximum of voucher ids per query, about ten megabytes; each query scans all operations of the time span."""

SEPARATOR = " "
"""Between the name of an account, which has none, and a voucher id."""


class VoucherBatch(NamedTuple):
    """Some vouchers of one account."""

    account: str
    vouchers: list[str]


def voucher_batches(since: datetime, until: datetime, account: str | None = None) -> Iterator[VoucherBatch]:
    """Yield the ids of the vouchers to compare, sorted, one account after the other; with ``account`` only its own."""
    after = ""
    while keys := list(_vouchers(since, until, after, account)[:PAGE]):
        for name, found in groupby((key.split(SEPARATOR, 1) for key in keys), key=lambda parts: parts[0]):
            ids = [voucher for _, voucher in found]
            yield from (VoucherBatch(name, ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))
        if len(keys) < PAGE:
            return
        after = keys[-1]


def count_vouchers(since: datetime, until: datetime, account: str | None = None) -> int:
    """Return the number of vouchers to compare."""
    return _vouchers(since, until, "", account).count()


def changed_sales(since: datetime, until: datetime) -> QuerySet[Any]:
    """Return the sales that changed between the two instants and whose voucher was created."""
    sales: QuerySet[Any] = VoucherSale.current.filter(updated_at__gte=since, updated_at__lt=until)
    return sales.filter(status__in=("issued", "active", "taken_back"))


def _vouchers(
    since: datetime, until: datetime, after: str, account: str | None
) -> QuerySet[VoucherOperation, str]:
    """Return account and id of the vouchers with an operation, archived or not, the expiry of a reservation or a
    changed sale between the two instants, and of those with an open difference of any age."""

    def within(name: str) -> Q:
        return Q(**{f"{name}__gte": since, f"{name}__lt": until})

    merchant = Coalesce("payment__account", "sale__account", Value(""))
    sent = within("created_at") | within("sending_at") | within("settled_at")
    operations = VoucherOperation.current.filter(sent).annotate(merchant=merchant)
    archived = VoucherArchivedOperation.current.filter(within("settled_at")).annotate(merchant=merchant)
    holds = VoucherPayment.current.filter(within("reservation_dead_at"), status="authorized")
    differences = VoucherDifference.current.filter(gone_at=None, explained_at=None)
    differences = differences.exclude(kind__in=ORDER_KINDS)  # these are compared without their vouchers
    first, *others = (
        # Concat hides the column, so the planner cannot choose a full ordered index scan
        rows.annotate(voucher=Concat("merchant", Value(SEPARATOR), "voucher_id"))
        .filter(Q() if account is None else Q(merchant=account), voucher__gt=after)
        .exclude(voucher_id="")  # of a payment that was only selected
        .order_by()
        .values_list("voucher", flat=True)
        for rows in (
            operations,
            archived,
            holds.annotate(merchant=F("account")),
            differences.annotate(merchant=F("account")),
            changed_sales(since, until).annotate(merchant=F("account")),
        )
    )
    vouchers: QuerySet[VoucherOperation, str] = first.union(*others).order_by("voucher")
    return vouchers
