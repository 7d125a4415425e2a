"""What the archive still says about a voucher or an order: whatever became of its operations, its bookings are ours."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from voucher_payment_gateway.currencies import with_code
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherArchivedOperation, VoucherOperation, VoucherPayment
from voucher_payment_gateway.money import ZERO

__all__ = [
    "archived_bookings",
    "archived_error",
    "archived_money",
    "archived_on",
    "as_operation",
    "as_operations",
]


def archived_on(account: str, vouchers: Collection[str]) -> QuerySet[Any]:
    """Return the archived operations on these vouchers of the account."""
    archived: QuerySet[Any] = VoucherArchivedOperation.current.filter(voucher_id__in=vouchers)
    return archived.filter(Q(payment__account=account) | Q(sale__account=account))


def archived_bookings(account: str, vouchers: Collection[str]) -> QuerySet[Any, str]:
    """Return the remote ids of the archived operations on these vouchers of the account, for a ``union``."""
    archived = archived_on(account, vouchers).exclude(remote_id="")
    ids: QuerySet[Any, str] = archived.order_by().values_list("remote_id", flat=True)
    return ids


def as_operations(rows: QuerySet[Any]) -> list[VoucherOperation]:
    """Return archived operations as they were, oldest first. One statement.

    They are to be read, never to be saved: ``is_archived`` says so, and their rows are not in the ledger any more, so
    that no foreign key may name them.
    """
    related = rows.select_related("payment", "sale", "idempotency_key", "archived_order")
    return sorted(map(as_operation, related), key=lambda operation: operation.pk)


def as_operation(row: VoucherArchivedOperation) -> VoucherOperation:
    """Return one archived operation as it was, with its payment or sale."""
    own = {field.attname for field in VoucherArchivedOperation._meta.concrete_fields}
    operation = VoucherOperation()
    for field in VoucherOperation._meta.concrete_fields:
        if field.attname in own:
            setattr(operation, field.attname, getattr(row, field.attname))
        elif field.attname in row.more:
            setattr(operation, field.attname, field.to_python(row.more[field.attname]))
    for name in ("payment", "sale", "idempotency_key"):
        setattr(operation, name, getattr(row, name))
    operation.archived_order = row.archived_order
    return operation


def archived_money(payments: Iterable[VoucherPayment]) -> dict[int, Decimal]:
    """Return by primary key how much of what these payments could give back does not go back by itself any more, since
    its charges are archived. Payments of which all can go back are left out. One statement at most.

    The charges of a payment are archived all together, and the next voucher of the order is another payment.
    """
    refundable = {each.pk: each.amount_refundable for each in payments if each.amount_refundable > ZERO}
    if not refundable:
        return {}
    charges = VoucherArchivedOperation.current.filter(
        payment__in=refundable, kind="charge", state="succeeded"
    )
    archived = set(charges.values_list("payment", flat=True))
    return {pk: amount for pk, amount in refundable.items() if pk in archived}


def archived_error(payments: Sequence[VoucherPayment]) -> WrongStateError:
    """Return the error for payments of an order whose charges are archived: their money does not go back by itself any
    more. It names them and the sum."""
    names = ", ".join(f"…{payment.code_hint}" for payment in payments)
    left = with_code(sum((each.amount_refundable for each in payments), ZERO), payments[0].currency)
    return WrongStateError(
        f"order {payments[0].order_number}: the charges of gift voucher {names} were archived: give {left} back as "
        "store credit. Nothing of it was sent.",
        code="archived",
    )
