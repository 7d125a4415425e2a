"""What the gateway reserves: at the checkout, at the confirmation, and again. No money moves. The rules decide.

Several orders and one voucher: confirmed orders come first, and the database refuses the second of two confirmations
that read the same past.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from tests.proofs.orders.remote import Hold, RefusalError, Remote, cents, euros
from tests.proofs.orders.rows import ZERO, Database, Order, Payment
from voucher_payment_gateway import money
from voucher_payment_gateway.exceptions import (
    AmountError,
    InsufficientBalanceError,
    OperationInProgressError,
    RefusedError,
    ReservationClosedError,
    UnavailableError,
    VoucherGatewayError,
    VoucherUnusableError,
)
from voucher_payment_gateway.rules import cover, states, timing

__all__ = ["START", "ConflictError", "Holds", "Options"]

START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
DEAD_SECONDS = 300.0
MAX_CONFLICTS = 12


class ConflictError(Exception):
    """Another worker wrote first; this write did not happen."""


@dataclass(frozen=True)
class Options:
    """The settings of a shop, and what is known of the API."""

    by_status: bool = False
    after_return: cover.AfterReturn = "stays"
    renews: bool = False
    keeps_codes: bool = True
    open_hold_lowers_balance: bool = False
    currency: str = "EUR"
    instance: str = ""
    refund_order: str = "last-first"
    confirmed_days: int = 30
    selected_hours: int = 24
    client_id: str = "shop"

    @property
    def unit(self) -> Decimal:
        return money.WHOLE if self.currency == "JPY" else money.CENT


@dataclass(eq=False)
class Request:
    """One voucher to be held for an order."""

    payment: Payment
    amount: Decimal
    others: list[Payment]
    holds: bool
    answer: Hold | VoucherGatewayError | None = None
    is_all: bool = False
    is_needed: bool = True
    is_short: bool = False
    """Less is there than a confirmed payment has agreed."""

    @property
    def keeps_its_hold(self) -> bool:
        refused = isinstance(self.answer, RefusedError)
        return isinstance(self.answer, VoucherGatewayError) and (self.holds or not refused)

    @property
    def is_reported(self) -> bool:
        refused = isinstance(self.answer, RefusedError)
        return isinstance(self.answer, VoucherGatewayError) and not (self.holds and refused)


Tell = Callable[[str, Payment], None]


@dataclass
class Holds:
    """The gateway of one database. ``seconds`` is the clock, ``tell`` sends its signals."""

    database: Database
    remote: Remote
    options: Options
    seconds: Callable[[], float]
    tell: Tell
    tokens: Iterator[int] = field(default_factory=count)
    between: list[Callable[[], None]] = field(default_factory=list)
    """What another worker does between the read and the write of a confirmation."""

    _now: tuple[float, datetime] = (0.0, START)

    def now(self) -> datetime:
        seconds = self.seconds()
        if self._now[0] != seconds:
            self._now = (seconds, START + timedelta(seconds=seconds))
        return self._now[1]

    # what the rules are asked

    def covered(self, number: str, *, without: Iterable[Payment] = ()) -> Decimal:
        return cover.covered(self.database.of_order(number), self.options.after_return, without=without)

    def agreed(self, number: str) -> Decimal:
        return sum((cover.agreed(payment) for payment in self.database.of_order(number)), ZERO)

    def due(self, number: str, total: Decimal, *, without: Iterable[Payment] = ()) -> Decimal:
        return cover.due(total, self.covered(number, without=without))

    def facts(self, order: Order) -> Decimal:
        """Return the order's total. Raises AmountError where it has none."""
        if order.total is None or order.currency != self.options.currency:
            raise AmountError("total or currency: cannot be used", code="amount_malformed")
        return max(order.total, ZERO)

    def is_usable(self, payment: Payment) -> bool:
        return payment.status == "authorized" and timing.is_usable(payment.reserved_until, self.now())

    def code_expiry(self, confirmed_at: datetime | None) -> datetime:
        if confirmed_at is None:
            return self.now() + timedelta(hours=self.options.selected_hours)
        return confirmed_at + timedelta(days=self.options.confirmed_days)

    # reserving

    def reserve(self, payment: Payment, amount: Decimal) -> Hold:
        try:
            hold = self.remote.reserve(self.seconds(), payment.voucher_id, cents(amount), payment.uid)
        except RefusalError as error:
            kind = VoucherUnusableError if str(error) == "unusable" else InsufficientBalanceError
            raise kind(code=str(error)) from None
        over_at = timing.held_until(self.now()) + timedelta(seconds=DEAD_SECONDS)
        self.database.open_until[payment.voucher_id] = over_at
        return hold

    def reserve_available(self, payment: Payment, wanted: Decimal) -> tuple[Hold, bool]:
        """Reserve ``wanted``, or the voucher's balance if that is less, and return whether it is all of it."""
        unit = self.smallest_unit()
        try:
            return self.reserve(payment, wanted), False
        except InsufficientBalanceError:
            if wanted == unit:
                raise
        probe = self.reserve(payment, unit)
        available = self.balance(payment.voucher_id, held=unit)
        if available <= unit:
            return probe, True
        try:
            return self.reserve(payment, min(wanted, available)), available < wanted
        except InsufficientBalanceError:
            return self.reserve(payment, min(wanted, available) - unit), available < wanted

    def reserve_beside(self, payment: Payment, wanted: Decimal, others: list[Payment]) -> tuple[Hold, bool]:
        """Reserve what is available. Where the API subtracts open reservations from the balance, it is certain only now
        what that is: the reservation that it subtracts is our own."""
        hold, is_all = self.reserve_available(payment, wanted)
        if not self.options.open_hold_lowers_balance or not self.promised(others):
            return hold, is_all
        there = euros(hold.cents)
        try:
            left = self.beside_confirmed(there, others, payment, held=there)
        except InsufficientBalanceError:
            self.remote.release(hold.id)
            for other in others:
                if other.status == "authorized":
                    self.mark_lapsed(other)
            raise
        return (hold, is_all) if left == there else (self.reserve(payment, left), True)

    def smallest_unit(self) -> Decimal:
        return self.options.unit

    def balance(self, voucher_id: str, *, held: Decimal) -> Decimal:
        """Return the voucher's balance in whole units, with ``held`` if the API has subtracted that."""
        shown = euros(self.remote.balance(self.seconds(), voucher_id))
        lowered = held if self.options.open_hold_lowers_balance else ZERO
        return money.round_down(shown + lowered, self.smallest_unit())

    # several orders and one voucher

    def competing(self, payment: Payment) -> list[Payment]:
        """Return the payments of other orders that hold the voucher, or count on it."""
        return [
            other
            for other in self.database.on_voucher(payment.voucher_id)
            if other.order_number != payment.order_number
            and (
                other.status == "authorized"
                or (other.confirmed_at is not None and cover.outstanding(other) > ZERO)
            )
        ]

    def promised(self, payments: Iterable[Payment]) -> list[Payment]:
        return [each for each in payments if each.confirmed_at and cover.outstanding(each) > ZERO]

    def beside_confirmed(
        self, wanted: Decimal, others: list[Payment], payment: Payment, held: Decimal | None = None
    ) -> Decimal:
        """Return how much of ``wanted`` confirmed orders leave. Raises InsufficientBalanceError for nothing."""
        confirmed, own = self.promised(others), cover.agreed(payment)
        if not confirmed or wanted <= own:
            return wanted
        left = max(self._left_beside(confirmed, held), own)
        if left == ZERO:
            raise InsufficientBalanceError(code="promised_elsewhere")
        return min(wanted, left)

    def _left_beside(self, confirmed: list[Payment], held: Decimal | None) -> Decimal:
        if any(self.cannot_be_held_again(payment) for payment in confirmed):
            return ZERO
        theirs = max((p.amount_authorized for p in confirmed if self.is_usable(p)), default=ZERO)
        balance = self.balance(confirmed[0].voucher_id, held=theirs if held is None else held)
        return cover.left_for_others(max(balance, ZERO), confirmed)

    def cannot_be_held_again(self, payment: Payment) -> bool:
        return self.is_usable(payment) and not payment.sealed_code

    def refuse_if_in_flight(self, payments: Iterable[Payment]) -> None:
        if any(op.state == "due" and not op.waits for payment in payments for op in payment.operations):
            raise OperationInProgressError(code="voucher_being_charged")

    def refuse_if_open(self, payments: Iterable[Payment]) -> None:
        if any(payment.has_open_operation for payment in payments):
            raise OperationInProgressError

    # rows

    def record_hold(self, payment: Payment, hold: Hold, **changes: Any) -> None:
        """Record the reservation of a payment; those that it replaced have lapsed."""
        now = self.now()
        until = timing.held_until(now)
        held = {
            "status": "authorized",
            "reservation_id": hold.id,
            "reserved_until": until,
            "dead_at": until + timedelta(seconds=DEAD_SECONDS),
            "renew_at": timing.renewal_due_at(until),
            "amount_authorized": euros(hold.cents),
        }
        self.change(payment, **changes, **held)
        for other in self.database.on_voucher(payment.voucher_id):
            in_flight = any(op.state == "due" for op in other.operations)
            if other is not payment and other.status == "authorized" and not in_flight:
                self.mark_lapsed(other)

    def change(self, payment: Payment, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(payment, name, value)

    def end_hold(self, payment: Payment, otherwise: Any) -> None:
        status = states.status_without_hold(
            payment.amount_captured, payment.amount_refunded, otherwise=otherwise
        )
        self.change(payment, status=status, amount_authorized=ZERO, reserved_until=None)

    def mark_lapsed(self, payment: Payment) -> None:
        still_counts = cover.outlives_hold(payment)
        self.end_hold(payment, "lapsed")
        if not still_counts:
            self.tell("lapsed", payment)

    def fail(self, payment: Payment) -> None:
        """End a payment that the Voucher Cloud refused."""
        self.end_hold(payment, "failed")
        self.change(payment, sealed_code="")
        self.tell("failed", payment)

    def is_evidence(self, payment: Payment) -> bool:
        """Return whether a refusal to reserve again proves that the payment cannot be captured any more: not while a
        reservation of this shop may be open, which the API may count against it."""
        over_at = self.database.open_until.get(payment.voucher_id)
        return over_at is None or over_at <= self.now()

    def let_go(self, payment: Payment) -> None:
        """Count on a voucher no more, since its order does not need it."""
        if payment.confirmed_at is not None:
            self.change(payment, confirmed_at=None, confirmation=0, code_kept_until=self.code_expiry(None))
        if payment.status == "authorized":
            self.mark_lapsed(payment)

    def renew(self, payment: Payment, amount: Decimal) -> None:
        """Reserve again with the stored code."""
        if not payment.sealed_code:
            raise ReservationClosedError
        try:
            self.refuse_if_in_flight(self.competing(payment))
        except OperationInProgressError:
            raise UnavailableError(code="voucher_being_charged") from None
        self.record_hold(payment, self.reserve(payment, amount))
