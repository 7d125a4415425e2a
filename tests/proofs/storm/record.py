"""What the shop of a day was told about its orders, and what each of them cost when."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from unittest import mock

from django.utils import timezone

from voucher_payment_gateway import signals
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["Promised", "Record"]

TELLING = ("payment_failed", "payment_lapsed", "payment_needs_review")
"""The signals by which a shop learns that an order is not paid as agreed, or that a person must look at it."""

Promised = dict[int, Decimal]
"""What the confirmed payments of an order were agreed to pay, by their primary keys."""


@dataclass
class Record:
    """Shipments that were accepted, orders that the shop was told about, and the totals of orders over time."""

    accepted: list[tuple[str, datetime, Promised, bool]] = field(default_factory=list)
    """Order, instant, what was promised, and whether it was known before that a part of it cannot be paid."""
    told: list[tuple[str, datetime]] = field(default_factory=list)
    totals: dict[str, list[tuple[datetime, Decimal]]] = field(default_factory=lambda: defaultdict(list))

    planned_again: dict[int, datetime] = field(default_factory=dict)
    """Charges, by primary key, that were planned before their order's total changed in the same transaction, and when
    that was: from then on only the new total counts."""

    def planned_before(self, number: str, at: datetime) -> None:
        """Note that the total of the order has changed since its charges were planned that were never sent."""
        planned = VoucherOperation.objects.filter(order_number=number, kind="charge", state="due", attempts=0)
        self.planned_again |= dict.fromkeys(planned.values_list("pk", flat=True), at)

    def total_changes(self, order: Any, at: datetime) -> None:
        """Note another total, whether its transaction commits or not."""
        self.totals[order.number].append((at, Decimal(order.total)))

    def totals_between(self, number: str, since: datetime, until: datetime) -> list[Decimal]:
        """Return the totals that the order had in this time."""
        changes = self.totals[number]
        before = [total for at, total in changes if at < since]
        during = [total for at, total in changes if since <= at <= until]
        return before[-1:] + during

    def promised(self, number: str) -> Promised:
        """Return what the confirmed payments of the order are to pay; those that are being taken off pay nothing."""
        confirmed = VoucherPayment.objects.filter(
            order_number=number, confirmed_at__isnull=False, cancel_requested_at=None
        ).exclude(status="cancelled")
        return dict(confirmed.values_list("pk", "amount_agreed"))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record what the package tells its shop: signals, and errors in the log."""
        logger = logging.getLogger("voucher_payment_gateway")
        with ExitStack() as around:
            for name in TELLING:
                signal = getattr(signals, name)
                signal.connect(self._tell)
                around.callback(signal.disconnect, self._tell)
            around.enter_context(mock.patch.object(logger, "error", self._logged))
            yield

    def _tell(self, sender: object, order_number: str, **_: object) -> None:
        self.told.append((order_number, timezone.now()))

    def _logged(self, message: str, *arguments: object) -> None:
        """An error about a known order; other errors name none."""
        named = {str(argument) for argument in arguments} & self.totals.keys()
        self.told += [(number, timezone.now()) for number in named]
