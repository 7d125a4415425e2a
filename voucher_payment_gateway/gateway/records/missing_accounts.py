"""Merchant accounts that were taken out of the settings while payments of theirs are not done."""

from django.db.models import Count, Exists, OuterRef, Q

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.states import OPEN_STATES

__all__ = ["missing_accounts"]


def missing_accounts() -> dict[str, int]:
    """Return how many payments hold something, may be held again, or have an operation that is not decided, for each
    account without credentials; that of the default account is named "". Nothing is sent for them."""
    undecided = VoucherOperation.objects.filter(state__in=(*OPEN_STATES, "manual"), payment=OuterRef("pk"))
    may_be_held = Q(status="authorized") | (Q(status__in=("selected", "lapsed")) & ~Q(sealed_code=""))
    unknown = VoucherPayment.current.exclude(account__in=gateway_settings().account_names)
    counted = unknown.filter(may_be_held | Exists(undecided)).order_by("account").values_list("account")
    return dict(counted.annotate(count=Count("pk")))
