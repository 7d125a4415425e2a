"""What the archive still says about a voucher: which of its bookings are ours, whatever became of their operations."""

from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet

from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import VoucherArchivedOperation, VoucherPayment

__all__ = ["archived_bookings", "refuse_archived"]


def archived_bookings(account: str, vouchers: Collection[str]) -> QuerySet[Any, str]:
    """Return the remote ids of the archived operations on these vouchers of the account, for a ``union``."""
    archived = VoucherArchivedOperation.current.filter(voucher_id__in=vouchers).exclude(remote_id="")
    of_account = archived.filter(Q(payment__account=account) | Q(sale__account=account))
    ids: QuerySet[Any, str] = of_account.order_by().values_list("remote_id", flat=True)
    return ids


def refuse_archived(payment: VoucherPayment) -> None:
    """Raise WrongStateError where the operations of the payment are archived: the charges to give back are unknown."""
    if VoucherArchivedOperation.current.filter(payment=payment).exists():
        raise WrongStateError(
            f"order {payment.order_number}: its operations were archived: give the money back as store credit. Nothing "
            "was sent.",
            code="archived",
        )
