"""The end of every situation: open operations are settled, and the two ledgers are compared to the cent."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.testing.conformance.bench import Bench

__all__ = ["Books"]

MAX_ROUNDS = 40
LEASE_SECONDS = 120


class Books(Bench):
    """Settles, and compares the books of the shop with those of the local Voucher Cloud."""

    def settle(self) -> None:
        """Run ``settle`` as often as something is due, until nothing is open, and let the time pass that it needs."""
        for _ in range(MAX_ROUNDS):
            gateway.settle()
            if not self._undecided().exists():
                return
            self.later(seconds=self._until_next())

    def close_books(self) -> None:
        """Fail with everything that is wrong, after faults have ended and reservations have had time to expire."""
        self.cloud.faults.clear()
        self.cloud.faults.land_late()
        if self._undecided().exists():
            self.settle()
        self.later(minutes=40)
        gateway.settle()
        problems = [
            *self._open(),
            *self._differing(),
            *self._unequal(),
            *self._held(),
            *self._needing_a_person(),
        ]
        self.cloud.ledger.check()
        self.expect(not problems, "; ".join(problems))

    def _undecided(self) -> QuerySet[VoucherOperation]:
        is_requested = Q(payment__cancel_requested_at__isnull=False) & ~Q(payment__status="cancelled")
        return VoucherOperation.objects.filter(Q(state__in=("due", "sending", "unknown")) | is_requested)

    def _until_next(self) -> float:
        waiting = self._undecided().values_list("state", "due_at")
        seconds = [(at - timezone.now()).total_seconds() for _, at in waiting if at]
        least = LEASE_SECONDS if "sending" in [state for state, _ in waiting] else 1
        return max(min(seconds, default=0) + 1, least)

    def _open(self) -> Iterator[str]:
        for operation in self._undecided():
            name = f"{operation.order_number} #{operation.number}: {operation.kind}"
            yield f"not settled: {name} is {operation.state} ({operation.error_code})"

    def _differing(self) -> Iterator[str]:
        now = timezone.now()
        for row in gateway.reconcile(now - timedelta(days=400), now + timedelta(minutes=1)):
            yield f"reconcile: {row.kind} of order {row.order_number}"

    def _unequal(self) -> Iterator[str]:
        """Compare what payments say of each voucher with the bookings of this shop."""
        for voucher in self.vouchers:
            sums = VoucherPayment.objects.filter(voucher_id=voucher.id).sums()
            kept = sums["captured"] - sums["refunded"]
            if kept != self.charged(voucher):
                booked = ", ".join(self.booked(voucher)) or "nothing"
                yield f"voucher of {voucher.amount}: payments say that {kept} was paid, booked is {booked}"

    def _held(self) -> Iterator[str]:
        for voucher in self.vouchers:
            held = self.cloud.voucher(voucher.id).held
            live = VoucherPayment.objects.filter(voucher_id=voucher.id, status="authorized")
            if held > live.sums()["authorized"] and voucher.id not in self.rival_holds:
                yield f"voucher of {voucher.amount}: {held} is held, and no payment counts on it"

    def _needing_a_person(self) -> Iterator[str]:
        payments = VoucherPayment.objects.needing_attention()
        found = [f"{each.order_number}: gift voucher …{each.code_hint}" for each in payments]
        if found and self.needs_a_person is False:
            yield f"a person has to see to {', '.join(found)}"
        elif self.needs_a_person and not found:
            yield "nobody learns that the order is not paid"
