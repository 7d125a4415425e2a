"""The work that a shop has left open, and what must be true once the workers have done it."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.test import override_settings
from django.utils import timezone

from tests.mail_settings import mail_settings
from tests.proofs.crash.shop import open_operations, open_sales
from tests.proofs.storm import oracle
from tests.shop import sold
from tests.shop.models import Order
from tests.tasks.mailbox import KILLED, sent_to
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["Work", "is_open"]

CHARGES, DELIVERIES, REMINDERS = 12, 8, 6
AMOUNT = Decimal("20.00")
CHARGE = {"method": "POST", "path": "*/charge"}


def is_open() -> bool:
    """Return whether a worker has anything left to do."""
    return open_operations().exists() or open_sales().exists() or _unreminded().exists()


def _unreminded() -> Any:
    soon = timezone.now() + timedelta(days=14)
    return VoucherSale.objects.filter(reminded_at=None, delivered_at__isnull=False, valid_until__lte=soon)


class Work:
    """Unknown charges, of which half are booked, codes that are due, and reminders. What is charged twice is booked
    twice."""

    def __init__(self, cloud: LocalVoucherCloud) -> None:
        self._cloud = cloud
        self._vouchers, self._totals = [], {}
        for number in range(CHARGES):
            self._leave_a_charge_unknown(number)
        self._recipients = [f"deliver-{number}@example.org" for number in range(DELIVERIES)]
        self._reminded = [f"remind-{number}@example.org" for number in range(REMINDERS)]
        with override_settings(**mail_settings("django.core.mail.backends.locmem.EmailBackend")):
            for address in self._recipients:
                self._sell(address, deliver_at=timezone.now() + timedelta(days=1), validity_value=90)
            for address in self._reminded:
                self._sell(address, validity_value=10)
        VoucherSale.objects.filter(delivered_at=None).update(deliver_due_at=timezone.now(), deliver_at=None)

    def _leave_a_charge_unknown(self, number: int) -> None:
        code, order = f"WORK-{number:04}", Order.objects.create(number=f"W-{number}", total=AMOUNT)
        self._vouchers.append(self._cloud.add_voucher(code=code, amount=3 * AMOUNT))
        self._totals[order.number] = AMOUNT
        gateway.authorize(order, code)
        self._cloud.faults.next(("after:drop", "before:drop")[number % 2], **CHARGE)
        with suppress(OutcomeUnknownError):
            gateway.capture(order)

    def _sell(self, address: str, **details: Any) -> None:
        sold.DETAILS["a"] = {"recipient_email": address, "validity_interval": "days", **details}
        gateway.activate(Order.objects.create(number=f"S-{address}", total="50.00", note="a=50.00"))

    def problems(self, folder: Path) -> list[str]:
        """Return what was left, done twice, or done wrong. The mail after which a worker was killed may be sent twice,
        and no other."""
        found = oracle.problems(self._cloud, self._vouchers, self._totals)
        booked = [row.type for voucher in self._vouchers for row in self._cloud.bookings(voucher.id)]
        if booked != ["charge"] * CHARGES:
            found.append(f"booked are {Counter(booked)}, {CHARGES} charges were to be")
        if is_open():
            found.append(f"open are {[*open_operations(), *open_sales(), *_unreminded()]}")
        return [*found, *self._wrong_mails(folder)]

    def _wrong_mails(self, folder: Path) -> list[str]:
        killed, mails = (folder / KILLED).read_text(), Counter(sent_to(folder))
        wanted = dict.fromkeys([*self._recipients, *self._reminded], (1,)) | {killed: (1, 2)}
        return [
            f"{address} got {mails[address]} mails"
            for address in sorted({*wanted, *mails})
            if mails[address] not in wanted.get(address, (0,))
        ]
