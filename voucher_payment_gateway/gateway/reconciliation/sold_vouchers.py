"""Sold vouchers compared with their sales: whether each is there, and in the status that our records say."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from voucher_payment_gateway.gateway.reconciliation.drafts import sale_draft
from voucher_payment_gateway.gateway.reconciliation.readings import Reading
from voucher_payment_gateway.gateway.reconciliation.vouchers import changed_sales
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherSale
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.rules.voucher_status import compare_status

__all__ = ["SALE_KINDS", "SaleFound", "compare_sales", "other_differences", "sales_to_read"]

SALE_KINDS = ("voucher_gone", "voucher_status")
"""Differences of a voucher itself; the remote id of each is that of the voucher."""

MAY_BE_ABSENT = ("ordered", "taken_back", "failed")
"""Statuses of a sale whose voucher was perhaps never created, or was deleted."""


@dataclass(frozen=True)
class SaleFound:
    """The differences of one sold voucher, and its id where it cannot be judged now."""

    rows: list[VoucherDifference] = field(default_factory=list)
    undecided: Collection[str] = ()


def sales_to_read(vouchers: Sequence[str], account: str, since: datetime, until: datetime) -> set[str]:
    """Return those of the vouchers that are read themselves: of sales that changed in the time span, those with an open
    difference, and those that need not be there, so that their bookings cannot be read."""
    sales = changed_sales(since, until).filter(account=account, voucher_id__in=vouchers)
    absent = VoucherSale.current.filter(status__in=MAY_BE_ABSENT, account=account, voucher_id__in=vouchers)
    differences = VoucherDifference.current.filter(
        kind__in=SALE_KINDS, gone_at=None, account=account, voucher_id__in=vouchers
    )
    first, *others = (
        rows.order_by().values_list("voucher_id", flat=True) for rows in (sales, absent, differences)
    )
    return set(first.union(*others).order_by())  # Django 6.1 would order by what is not selected


def compare_sales(
    readings: Sequence[Reading], account: str, operations: dict[str, list[VoucherOperation]]
) -> dict[str, SaleFound]:
    """Return the differences of each sold voucher, by its id. Our rows are read after the vouchers: a sale that changed
    since its voucher was read, or that something is under way for, is judged by a later run."""
    wanted = [reading.voucher_id for reading in readings if reading.is_voucher_read]
    sales = VoucherSale.current.filter(account=account, voucher_id__in=wanted) if wanted else ()
    by_id = {sale.voucher_id: sale for sale in sales}
    return {
        reading.voucher_id: _compare(
            reading, by_id.get(reading.voucher_id), operations.get(reading.voucher_id, [])
        )
        for reading in readings
    }


def _compare(reading: Reading, sale: VoucherSale | None, operations: Sequence[VoucherOperation]) -> SaleFound:
    is_open = any(each.state in OPEN_STATES and each.sale_id for each in operations)
    if sale is None or sale.due_at is not None or is_open or sale.updated_at > reading.read_at:
        return SaleFound(undecided={reading.voucher_id})
    theirs = reading.voucher.status if reading.voucher else None
    has_expired = sale.valid_until is not None and sale.valid_until <= reading.read_at
    kind = compare_status(sale.status, theirs, has_expired=has_expired)
    return SaleFound([sale_draft(sale, kind, theirs)] if kind else [])


def other_differences(voucher_id: str, account: str) -> set[str]:
    """Return the remote ids of the open differences between bookings of a voucher that is gone: nothing can be read
    about them any more, so they stay as they are."""
    rows = VoucherDifference.current.filter(voucher_id=voucher_id, account=account, gone_at=None)
    others = rows.exclude(Q(kind__in=SALE_KINDS) | Q(kind="not_compared"))
    return set(others.values_list("remote_id", flat=True))
