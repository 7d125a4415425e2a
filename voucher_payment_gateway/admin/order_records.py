"""All rows about an order number, read at once: the number of statements does not depend on the number of rows."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from voucher_payment_gateway.gateway.records.archived import as_operations
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherArchivedOperation,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.rules.timing import belongs_from

__all__ = ["MAX_ROWS", "OrderRecords", "records_of"]

MAX_ROWS = 200
"""The newest rows of each kind that a page shows: thousands of vouchers issued in bulk have one number."""


@dataclass(frozen=True)
class OrderRecords:
    """The rows of one order, or of several that had its number one after another; oldest first."""

    payments: list[VoucherPayment]
    sales: list[VoucherSale]
    operations: list[VoucherOperation]
    differences: list[VoucherDifference]
    approvals: list[VoucherApproval] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.payments or self.sales or self.differences)

    @property
    def is_cut(self) -> bool:
        """Whether there may be older rows, which are not among these."""
        return MAX_ROWS in (len(self.payments), len(self.sales), len(self.differences))

    def split(self, created_at: datetime | None) -> tuple["OrderRecords", "OrderRecords"]:
        """Return the rows of the order that came into being then, and those of earlier orders with its number."""
        if created_at is None:
            return self, OrderRecords([], [], [], [])
        begins = belongs_from(created_at)
        return self._from(begins, earlier=False), self._from(begins, earlier=True)

    def _from(self, begins: datetime, *, earlier: bool) -> "OrderRecords":
        return OrderRecords(
            [row for row in self.payments if (row.created_at < begins) is earlier],
            [row for row in self.sales if (row.created_at < begins) is earlier],
            [row for row in self.operations if (row.subject.created_at < begins) is earlier],
            [row for row in self.differences if (row.first_seen_at < begins) is earlier],
            [row for row in self.approvals if (row.requested_at < begins) is earlier],
        )


def records_of(number: str, *, with_sales: bool = True, with_differences: bool = True) -> OrderRecords:
    """Return the newest rows with this order number, as they are committed: six statements at most."""
    payments = VoucherPayment.current.with_open_charge().filter(order_number=number).order_by("-pk")
    sales = VoucherSale.current.filter(order_number=number).order_by("-pk")
    differences = VoucherDifference.current.filter(order_number=number).order_by("-pk")
    found_payments = list(payments[:MAX_ROWS])[::-1]
    found_sales = list(sales[:MAX_ROWS])[::-1] if with_sales else []
    return OrderRecords(
        found_payments,
        found_sales,
        _operations(found_payments, found_sales),
        list(differences[:MAX_ROWS])[::-1] if with_differences else [],
        _approvals(number),
    )


def _approvals(number: str) -> list[VoucherApproval]:
    """Return the newest requests for a refund, oldest first: those that wait outlive ``REFUND_APPROVAL_ABOVE``."""
    requests = VoucherApproval.current.with_call().filter(order_number=number).order_by("-pk")
    return list(requests[:MAX_ROWS])[::-1]


def _operations(payments: list[VoucherPayment], sales: list[VoucherSale]) -> list[VoucherOperation]:
    """Return the operations of these rows, archived ones too, oldest first, each with the very row that it is about."""
    payment_of, sale_of = {row.pk: row for row in payments}, {row.pk: row for row in sales}
    rows = VoucherOperation.current.select_related("idempotency_key").defer("baseline", "late_answers")
    is_own = Q(payment__in=payment_of) | Q(sale__in=sale_of)
    live = list(rows.filter(is_own).order_by("pk"))
    archived = as_operations(VoucherArchivedOperation.current.filter(is_own))
    found = {operation.pk: operation for operation in (*archived, *live)}
    operations = [found[pk] for pk in sorted(found)]
    for operation in operations:
        if operation.payment_id:
            operation.payment = payment_of[operation.payment_id]
        elif operation.sale_id:
            operation.sale = sale_of[operation.sale_id]
    return operations
