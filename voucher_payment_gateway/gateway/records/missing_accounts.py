"""Merchant accounts that were taken out of the settings while payments of theirs are not done."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN

__all__ = ["missing_accounts"]


def missing_accounts() -> dict[str, int]:
    """Return how many payments hold something, may be held again, or have an operation that is not decided, for each
    account without credentials; that of the default account is named "". Nothing is sent for them."""
    counted = Counter(account for _, account in {*_live(), *_undecided()})
    return dict(sorted(counted.items()))


def _live() -> Iterator[tuple[int, str]]:
    """Yield the payments that hold something or may be held again: no code is stored for longer than this."""
    settings = gateway_settings()
    longest = timedelta(days=settings.CONFIRMED_DAYS, hours=settings.SELECTED_HOURS)
    recent = VoucherPayment.current.filter(IS_NOT_ENDED, updated_at__gte=timezone.now() - longest)
    live = Q(status="authorized") | (Q(status__in=("selected", "lapsed")) & ~Q(sealed_code=""))
    unknown = recent.filter(live).exclude(account__in=settings.account_names)
    yield from unknown.order_by().values_list("pk", "account")


def _undecided() -> Iterator[tuple[int, str]]:
    for undecided in (Q(IS_OPEN), Q(state="manual")):
        operations = VoucherOperation.current.filter(undecided, payment__isnull=False)
        unknown = operations.exclude(payment__account__in=gateway_settings().account_names)
        yield from unknown.order_by().values_list("payment", "payment__account")
