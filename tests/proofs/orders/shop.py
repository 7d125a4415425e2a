"""A shop that writes no payment code: it sends its events, or saves a status, collects what is due, and ships.

Its own books of other money and of what was shipped are the stories, which no restore changes.
"""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import count

from tests.proofs.orders.holds import DEAD_SECONDS, START, Options
from tests.proofs.orders.oracle import Story, failure_has_reason, promises_fit
from tests.proofs.orders.remote import Remote, cents, euros
from tests.proofs.orders.rows import ZERO, Database, Order, Payment
from tests.proofs.orders.sweep import Gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.rules.states import HELD_BEFORE

__all__ = ["STATUSES", "Shop"]

STATUSES = {"authorize": "confirmed", "capture": "shipped", "refund": "returned", "cancel": "cancelled"}
"""``ON_STATUS``."""

VERBS = {status: verb for verb, status in STATUSES.items()}

LAST_MINUTE = 60.0
"""A reservation with less time left is not used any more."""

Hooks = list[Callable[[], None]]


class Shop:
    """One installation: a database, its gateway, and the stories of its orders."""

    def __init__(
        self, gateway: type[Gateway], remote: Remote, options: Options, seconds: Callable[[], float]
    ) -> None:
        self.remote, self.options, self.seconds = remote, options, seconds
        self.stories: dict[int, Story] = {}
        self.log: list[str] = []
        self.at_crash: Callable[[], None] = lambda: None
        self.crashes = self.deleted = 0
        self.is_alone = True
        """Whether no other database remembers the same past."""
        self._tokens = count(1)
        self._promised: dict[int, Decimal] = {}
        self.gateway = self.installed(gateway, Database(), options, self.tell)

    def installed(
        self,
        gateway: type[Gateway],
        database: Database,
        options: Options,
        tell: Callable[[str, Payment], None],
    ) -> Gateway:
        made = gateway(database, self.remote, options, self.seconds, tell, self._tokens)
        if options.by_status:
            made.run_by_status = lambda verb, number: self._sweep_status(made, verb, number)
            made.verb_of_status = lambda number: _verb_of(made.database.orders.get(number))
        return made

    # what the shop is told

    def tell(self, what: str, payment: Payment) -> None:
        """Receive a signal of the gateway."""
        story, now = self.stories[payment.uid], self.seconds()
        is_over = what == "lapsed" and payment.confirmed_at is not None
        story.told.append((now, "ended" if is_over else what))
        self.note(f"order {payment.uid}: {what} {payment.voucher_id} ({payment.status})")
        voucher = self.remote.vouchers[payment.voucher_id]
        if what == "confirmed":
            more = payment.amount_agreed > self._promised.get(payment.pk, ZERO)
            self._promised[payment.pk] = payment.amount_agreed
            if more and not promises_fit(voucher, self.gateway.database.on_voucher(payment.voucher_id)):
                story.wrong.append(f"{payment.voucher_id} does not hold what confirmed orders count on")
        if what not in ("failed", "lapsed") or payment.confirmed_at is None or payment.cancel_requested_at:
            return
        wanted = cents(payment.amount_agreed - payment.amount_captured)
        if not failure_has_reason(
            voucher,
            wanted,
            now=now,
            confirmed_at=(payment.confirmed_at - START).total_seconds(),
            days=self.options.confirmed_days,
            keeps_codes=self.options.keeps_codes,
            lowers=self.options.open_hold_lowers_balance,
            alone=self.is_alone,
            uid=payment.uid,
            held_until=(payment.dead_at - START).total_seconds() - DEAD_SECONDS - LAST_MINUTE
            if payment.dead_at
            else now,
        ):
            story.wrong.append(f"{what} although {payment.voucher_id} holds the {wanted} agreed")

    def note(self, what: str) -> None:
        self.log.append(f"{self.seconds() / 3600:9.2f} h  {what}")

    def on_crash(self) -> None:
        """A process ends between the commit and its hooks."""
        self.crashes += 1
        self.at_crash()

    # its rows

    def order(self, uid: int) -> Order | None:
        number = self.stories[uid].number
        order = self.gateway.database.orders.get(number)
        return order if order is not None and order.uid == uid else None

    def new_order(self, uid: int, number: str, total: Decimal | None, currency: str = "") -> Order:
        order = Order(uid, number, total, currency or self.options.currency)
        self.gateway.database.orders[number] = order
        self.stories[uid] = Story(uid, number, most=cents(total or ZERO))
        return order

    # events and statuses

    def deliver(self, verb: str, order: Order, amount: Decimal | None = None, key: str = "") -> None:
        """Send an event, or save the order in the status that stands for it."""
        self.note(f"order {order.uid}: {verb} {amount or ''} {key}")
        if self.options.by_status and amount is None:
            order.status = STATUSES[verb]
            self._run_by_status(self.gateway, verb, order)
        else:
            self._run(self.gateway, verb, order, amount, key)

    def _run(
        self,
        gateway: Gateway,
        verb: str,
        order: Order,
        amount: Decimal | None = None,
        key: str = "",
        hooks: Hooks | None = None,
    ) -> None:
        """The receiver of an event: what ``settle`` finishes is logged, ``not_paid`` is raised."""
        if verb == "authorize":
            gateway.confirm(order)
            return
        try:
            if verb == "capture":
                self._charge(gateway, order, amount, key, hooks)
            elif verb == "refund":
                gateway.refund(order, amount, key=key, hooks=hooks)
            else:
                gateway.cancel(order, hooks=hooks)
        except (UnavailableError, OutcomeUnknownError):
            return
        except WrongStateError as error:
            if error.code == "not_paid":
                raise

    def _charge(
        self, gateway: Gateway, order: Order, amount: Decimal | None, key: str, hooks: Hooks | None
    ) -> None:
        try:
            gateway.capture(order, amount, key=key, hooks=hooks)
        except RefusedError as error:
            raise WrongStateError("not paid", code="not_paid") from error

    def _run_by_status(self, gateway: Gateway, verb: str, order: Order, hooks: Hooks | None = None) -> None:
        """At a save, or in a sweep: PaymentStateError is logged; what cannot be charged any more is reported."""
        if verb in ("refund", "cancel") and any(
            p.was_refused for p in gateway.database.of_order(order.number)
        ):
            self._log_error(gateway, order)
            return
        try:
            self._run(gateway, verb, order, hooks=hooks)
        except PaymentStateError as error:
            if error.code != "not_paid":
                return
            self._log_error(gateway, order)
            self._capture_what_is_left(gateway, order, hooks)

    def _sweep_status(self, gateway: Gateway, verb: str, number: str) -> None:
        order = gateway.database.orders[number]
        if _is_due(gateway, verb, order):
            with suppress(RefusedError, UnavailableError):
                self._run_by_status(gateway, verb, order)

    def _capture_what_is_left(self, gateway: Gateway, order: Order, hooks: Hooks | None) -> None:
        gateway.report_unpaid(order)
        for payment in gateway.database.of_order(order.number):
            if payment.status in HELD_BEFORE:
                try:
                    gateway.capture(order, only=payment, hooks=hooks)
                except (PaymentStateError, RefusedError, UnavailableError, OutcomeUnknownError):
                    continue

    def _log_error(self, gateway: Gateway, order: Order) -> None:
        if gateway is self.gateway:
            self.stories[order.uid].told.append((self.seconds(), "error"))

    # money of other kinds

    def collect(self, order: Order) -> None:
        """Take by another payment method what the gateway says is due."""
        story = self.stories[order.uid]
        stays = self.options.after_return == "stays"
        taken = story.other_in - (0 if stays else story.other_out)
        due = cents(self.gateway.due(order.number, self.gateway.facts(order)))
        if due > taken:
            self.note(f"order {order.uid}: {due - taken} of {due} collected otherwise")
            story.other_in += due - taken

    def change_total(self, order: Order, change: int, total: Decimal) -> None:
        """Note that a total was changed: what was collected for a line that is left out goes back."""
        order.total = total
        story = self.stories[order.uid]
        story.most = max(story.most, cents(total))
        if change < 0:
            covered = cents(self.gateway.covered(order.number))
            surplus = covered + story.other_in - story.other_out - cents(max(total, ZERO))
            back = max(min(-change, surplus, story.other_in - story.other_out), 0)
            story.other_in -= back
            self._refund_surplus(order, cents(total))
        self.note(f"order {order.uid}: total {total}")

    def _refund_surplus(self, order: Order, total: int) -> None:
        """Give back what was captured before the total was lowered."""
        payments = self.gateway.database.of_order(order.number)
        kept = sum(cents(payment.amount_captured - payment.amount_refunded) for payment in payments)
        if kept > total >= 0:
            self._run(self.gateway, "refund", order, euros(kept - total), f"surplus-{order.uid}-{total}")

    def unexpected(self, order: Order, error: Exception) -> None:
        self.stories[order.uid].wrong.append(f"{type(error).__name__} {getattr(error, 'code', '')}")


def _verb_of(order: Order | None) -> str:
    return VERBS.get(order.status, "") if order is not None else ""


def _is_due(gateway: Gateway, verb: str, order: Order) -> bool:
    if verb != "capture":
        return True
    taken = [
        payment
        for payment in gateway.database.of_order(order.number)
        if payment.status in HELD_BEFORE or gateway.is_rest_agreed(payment)
    ]
    try:
        return gateway.due(order.number, gateway.facts(order), without=taken) > ZERO
    except AmountError:
        return False
