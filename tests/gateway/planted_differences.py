"""A shop of many vouchers with both sides' books, and differences of every sort planted by hand.

Everything here writes rows and the cloud's books directly, and shares no code with what is tested.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from itertools import count
from random import Random
from typing import NamedTuple

from django.utils import timezone

from tests.shop.models import Order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

__all__ = ["SORTS", "World"]

LONG_AGO = timedelta(hours=5)


class Paid(NamedTuple):
    """An order of 5.00 that was charged, and of which 2.00 was refunded."""

    payment: VoucherPayment
    charge: VoucherOperation
    refund: VoucherOperation


class World:
    """The vouchers, their orders, and the planted differences by remote id: kind and order number."""

    def __init__(self, shop, seed: int) -> None:
        self.cloud, self.random = shop.cloud, Random(seed)
        self.books = shop.cloud.store.state
        self.vouchers = []
        self.till = self.cloud.add_client(name="Till").id
        self.clerk = self.cloud.add_client(name="Clerk").id
        self.planted: dict[str, tuple[str, str]] = {}
        self._numbers, self._used = count(1), Counter()
        self._payments, self._operations = [], []
        self._add = shop.voucher

    def voucher(self) -> None:
        self.vouchers.append(self._add("9000.00", code=f"PLANTED-{len(self.vouchers):04}"))

    def paid(self, voucher) -> Paid:
        """Charge 5.00 and refund 2.00, both booked on both sides."""
        payment = self._payment(voucher, status="captured", amount_captured=D(5), amount_refunded=D(2))
        reference = f"{payment.order_number}-1.{self.random.getrandbits(40):010x}"
        booked = self._charge(voucher, "5.00", reference)
        back = self.cloud.refund(booked.id, "2.00")
        charge = self.operation(payment, "charge", "5.00", remote_id=booked.id, reference=reference)
        refund = self.operation(
            payment, "refund", "2.00", remote_id=back.id, target_id=booked.id, reference=reference
        )
        return Paid(payment, charge, refund)

    def under_way(self, voucher) -> None:
        """Book a refund or a charge of ours that is still unknown in our rows."""
        paid = self.paid(voucher)
        refunds = [row.id for row in self.cloud.bookings(voucher.id) if row.type == "refund"]
        if self.random.random() < 0.5:
            self.cloud.refund(paid.charge.remote_id, "0.77")
            fields = {
                "baseline": refunds,
                "target_id": paid.charge.remote_id,
                "reference": paid.charge.reference,
            }
            self.operation(paid.payment, "refund", "0.77", state="unknown", settled_at=None, **fields)
        else:
            number = f"{paid.payment.order_number}-2.token"
            self._charge(voucher, "0.77", number)
            self.operation(paid.payment, "charge", "0.77", state="unknown", settled_at=None, reference=number)

    def others(self, voucher, paid: Paid) -> None:
        """Book charges and refunds of a till and a clerk, under order numbers that look like ours."""
        for number in (paid.charge.order_number, f"{paid.charge.reference}0", f"T-{next(self._numbers)}"):
            theirs = self._charge(voucher, "6.00", number, client_id=self.till)
            self.cloud.refund(theirs.id, "1.50", client_id=self.till)
            if self.cloud.behaviour.refund_carries_order_number:
                self.cloud.refund(theirs.id, "2.00", client_id=self.clerk)

    def just_booked(self, voucher) -> None:
        """Charge and refund a moment ago: the list may not show these bookings yet."""
        for operation in self.paid(voucher)[1:]:
            operation.settled_at = timezone.now()

    def plant(self, sort: str, paid: Paid) -> None:
        """Plant a difference of this sort in the books of one order."""
        kind, do = SORTS[sort]
        self.planted[do(self, paid)] = (kind, paid.payment.order_number)

    def operation(self, payment, kind, amount, *, state="succeeded", **fields) -> VoucherOperation:
        at = timezone.now() - LONG_AGO
        self._used[payment.order_number] += 1
        operation = VoucherOperation(
            payment=payment,
            order_number=payment.order_number,
            number=self._used[payment.order_number],
            voucher_id=payment.voucher_id,
            kind=kind,
            amount=D(amount),
            currency="EUR",
            state=state,
            **{"settled_at": at, "sending_at": at, "attempts": 1, **fields},
        )
        self._operations.append(operation)
        return operation

    def write(self) -> None:
        """Insert the rows created since the last call, and the orders of the payments."""
        Order.objects.bulk_create(
            Order(number=payment.order_number, total=D("1000.00")) for payment in self._payments
        )
        VoucherPayment.objects.bulk_create(self._payments)
        VoucherOperation.objects.bulk_create(self._operations)
        self._payments, self._operations = [], []

    def unlist(self, booking_id: str) -> None:
        voucher = self.books.vouchers[self.books.bookings[booking_id].voucher_id]
        voucher.booking_ids.remove(booking_id)

    def charge_again(self, paid: Paid, number: str) -> str:
        (voucher,) = (each for each in self.vouchers if each.id == paid.payment.voucher_id)
        return self._charge(voucher, "5.00", number).id

    def _charge(self, voucher, amount, number, **client):
        return self.cloud.charge(self.cloud.reserve(voucher.code, amount, **client), number, **client)

    def _payment(self, voucher, **fields) -> VoucherPayment:
        payment = VoucherPayment(
            order_number=f"P-{next(self._numbers)}",
            currency="EUR",
            voucher_id=voucher.id,
            code_hint=voucher.code[-4:],
            code_fingerprint="f",
            **fields,
        )
        self._payments.append(payment)
        return payment


def _doubled_charge(world: World, paid: Paid) -> str:
    return world.charge_again(paid, paid.charge.reference)


def _late_charge(world: World, paid: Paid) -> str:
    state = world.random.choice(("refused", "not_applied", "manual"))
    number = f"{paid.payment.order_number}-2.token"
    world.operation(paid.payment, "charge", "5.00", state=state, reference=number)
    return world.charge_again(paid, number)


def _charge_of_our_client(world: World, paid: Paid) -> str:
    return world.charge_again(paid, "SOMETHING ELSE")


def _doubled_refund(world: World, paid: Paid) -> str:
    return world.cloud.refund(paid.charge.remote_id, "2.00").id


def _refund_that_waits(world: World, paid: Paid) -> str:
    given = {"target_id": paid.charge.remote_id, "reference": paid.charge.reference}
    world.operation(paid.payment, "refund", "1.10", state="manual", **given)
    return world.cloud.refund(paid.charge.remote_id, "1.10").id


def _vanished_charge(world: World, paid: Paid) -> str:
    world.unlist(paid.charge.remote_id)
    return paid.charge.remote_id


def _vanished_refund(world: World, paid: Paid) -> str:
    world.unlist(paid.refund.remote_id)
    return paid.refund.remote_id


def _other_amount(world: World, paid: Paid) -> str:
    booking = world.books.bookings[world.random.choice((paid.charge, paid.refund)).remote_id]
    booking.amount_cents += world.random.choice((1, -1, 100))
    return booking.id


def _other_type(world: World, paid: Paid) -> str:
    world.books.bookings[paid.charge.remote_id].type = "recharge"
    return paid.charge.remote_id


def _other_number(world: World, paid: Paid) -> str:
    world.books.bookings[paid.charge.remote_id].order_number = f"{paid.charge.reference}0"
    return paid.charge.remote_id


def _refund_by_hand(world: World, paid: Paid) -> str:
    amount = world.random.choice(("0.01", "2.00", "3.00"))
    return world.cloud.refund(paid.charge.remote_id, amount, client_id=world.clerk).id


def _open_hold(world: World, paid: Paid) -> str:
    held = f"hold-{paid.payment.pk}"
    dead_at = timezone.now() - timedelta(hours=2)
    fields = {"reservation_id": held, "reservation_dead_at": dead_at, "amount_authorized": D(5)}
    VoucherPayment.objects.filter(pk=paid.payment.pk).update(
        status="authorized", code_fingerprint=held, **fields
    )
    return held


SORTS: dict[str, tuple[str, Callable[[World, Paid], str]]] = {
    "a charge, doubled on its way": ("theirs_only", _doubled_charge),
    "a charge that came late": ("theirs_only", _late_charge),
    "a charge of our client": ("theirs_only", _charge_of_our_client),
    "a refund, doubled on its way": ("theirs_only", _doubled_refund),
    "a refund that waits for a person": ("theirs_only", _refund_that_waits),
    "a charge that vanished": ("ours_only", _vanished_charge),
    "a refund that vanished": ("ours_only", _vanished_refund),
    "another amount": ("differs", _other_amount),
    "another type": ("differs", _other_type),
    "another number": ("differs", _other_number),
    "a refund by hand": ("refund_by_hand", _refund_by_hand),
    "a hold left open": ("hold_left_open", _open_hold),
}
