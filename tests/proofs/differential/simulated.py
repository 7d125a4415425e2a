"""A schedule played on the simulation's gateway in memory."""

from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from tests.proofs.differential.amended import AmendedShop
from tests.proofs.differential.fates import ARRIVES, Crash, Fate, Fates
from tests.proofs.differential.ledger import Ledger, cents, operation_lines, payment_line
from tests.proofs.differential.player import Engine
from tests.proofs.differential.schedule import Schedule, Step
from tests.proofs.differential.standing import Standing
from tests.proofs.simulation.faults import WHEN_MOVING, WHEN_READING, FaultInjector, Rates
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import RefusalError, Remote, euros
from tests.proofs.simulation.rows import Operation
from voucher_payment_gateway.rules.resolution import Tolerances
from voucher_payment_gateway.rules.states import MONEY_KINDS

__all__ = ["Simulated"]

ANSWER_SECONDS = 0.3


class Simulated(Engine):
    """The shop of the simulation, driven step by step: one process at a time, on the simulation's clock."""

    def __init__(self, schedule: Schedule, fates: Fates) -> None:
        super().__init__(schedule, fates)
        self.remote = NamedRemote(Random(0), schedule.behaviour, list(schedule.balances))
        self.injector = ScriptedFaults(self, self.remote)
        self.shop = AmendedShop(self.remote, self.injector, Tolerances())
        self.payments: dict[int, int] = {}
        """The keys of the payments, by the place of their order in the schedule."""
        self._till: dict[int, str] = {}

    def advance_to(self, at: float) -> None:
        self.injector.loop.run(at)

    def now(self) -> float:
        return self.injector.loop.now

    def do(self, step: Step) -> None:
        getattr(self, f"_{step.verb}")(step)

    def sweep(self) -> None:
        self._drive(self.shop.sweep())

    def make_due(self) -> None:
        for operation in self.shop.rows.open.values():
            operation.due_at = self.shop.now()

    def is_open(self) -> bool:
        return bool(self.shop.rows.open)

    def _drive(self, process: Process) -> Any:
        with suppress(Crash):
            while True:
                try:
                    pause = next(process)
                except StopIteration as end:
                    return end.value
                self.advance_to(self.now() + pause)
        return None

    # What is asked for

    def _authorize(self, step: Step) -> None:
        number, amount = self.schedule.orders[step.order].number, euros(step.cents or 0)
        pk = self._drive(self.shop.authorize(number, f"v{step.voucher}", amount))
        if pk is not None:
            self.payments[step.order] = pk

    def _capture(self, step: Step) -> None:
        self._ask(step, lambda pk: self.shop.capture(pk, step.cents and euros(step.cents)))

    def _refund(self, step: Step) -> None:
        self._ask(step, lambda pk: self.shop.refund(pk, step.cents and euros(step.cents)))

    def _cancel(self, step: Step) -> None:
        self._ask(step, self.shop.cancel)

    _capture_part, _refund_part = _capture, _refund

    def _settle(self, step: Step) -> None:
        self.make_due()
        self.sweep()

    def _ask(self, step: Step, verb: Callable[[int], Process]) -> None:
        pk = self.payments.get(step.order)
        if pk is not None and not self._standing(pk).leaves_out(step.verb):
            self._drive(verb(pk))

    def _till_reserve(self, step: Step) -> None:
        with suppress(RefusalError):
            hold = self.remote.reserve(self.now(), f"v{step.voucher}", step.cents or 0)
            self._till[step.voucher] = hold.id

    def _till_charge(self, step: Step) -> None:
        if step.voucher in self._till:
            number = self.schedule.orders[step.order].number
            with suppress(RefusalError):
                self.remote.charge(self.now(), self._till[step.voucher], number, "till", None)

    def _clerk(self, step: Step) -> None:
        rows = self.remote.vouchers[f"v{step.voucher}"].rows
        charges = [row.id for row in rows if (row.type, row.client_id) == ("charge", "shop")]
        with suppress(RefusalError):
            for newest in charges[-1:]:
                self.remote.refund(self.now(), newest, step.cents or 0, "clerk", None)

    # What came of it

    def _operations(self, pk: int) -> list[Operation]:
        return [each for each in self.shop.rows.of_payment(pk) if each.kind in MONEY_KINDS]

    def _standing(self, pk: int) -> Standing:
        payment = self.shop.rows.payment(pk)
        operations = tuple((each.kind, each.state, each.attempts) for each in self._operations(pk))
        open_there = (each for each in self.shop.rows.open.values() if each.voucher_id == payment.voucher_id)
        return Standing(
            cents(payment.captured),
            cents(payment.refunded),
            operations,
            is_voucher_busy=any(each.payment_pk != pk for each in open_there),
        )

    def ledger(self) -> Ledger:
        ledger: Ledger = {}
        for place, pk in self.payments.items():
            payment, operations = self.shop.rows.payment(pk), self._operations(pk)
            order = self.schedule.orders[place].number
            ledger |= payment_line(
                order,
                status=payment.status,
                captured=payment.captured,
                refunded=payment.refunded,
                held=payment.held,
            )
            ledger |= operation_lines(
                order, ((each.kind, cents(each.amount), each.state, each.attempts) for each in operations)
            )
        for place, voucher in enumerate(self.remote.vouchers.values()):
            ledger[f"voucher {place}, cents"] = voucher.balance
            ledger[f"voucher {place}, bookings"] = [
                (row.type, row.cents, row.client_id) for row in voucher.rows
            ]
        return ledger


class ScriptedFaults(FaultInjector):
    """Gives every call the fate that its key has."""

    def __init__(self, engine: Simulated, remote: "NamedRemote") -> None:
        super().__init__(Random(0), Rates(), engine.fates.seen)
        self._engine, self._named = engine, remote

    def call(
        self,
        process: Callable[[float], Any],
        *,
        moving: bool = True,
        finish: Callable[[Any], Any] | None = None,
    ) -> Process:
        """Send a request; return its answer, or raise what the package makes of it."""
        fate = self._engine.fates.of(*self._named.name(process))
        if fate.worker == "crash_before":
            raise Crash
        kind, value = self._carry(process, fate)
        yield ANSWER_SECONDS
        if fate.worker == "crash_after":
            raise Crash
        if fate.worker == "sleep_after":
            self._engine.sleep()
        if kind:
            raise (WHEN_MOVING if moving else WHEN_READING)[kind](code=kind)
        return value

    def _carry(self, process: Callable[[float], Any], fate: Fate) -> tuple[str, Any]:
        if fate.fault == "late":
            at = self._engine.begun_at + fate.lands_after
            self.loop.at(at, lambda: self._processed(process))
        if fate.fault not in ARRIVES:
            return fate.fault, None
        refused, value = self._processed(process)
        return fate.fault or refused, value

    def _processed(self, process: Callable[[float], Any]) -> tuple[str, Any]:
        try:
            return "", process(self.loop.now)
        except RefusalError:
            return "refused", None


class NamedRemote(Remote):
    """A Voucher Cloud that can be asked, before a call is made, which one it is."""

    is_asked = False

    def name(self, call: Callable[[float], Any]) -> tuple[str, int]:
        """Return the kind of a call and the number of its voucher."""
        self.is_asked = True
        try:
            kind, voucher_id = call(0.0)
        finally:
            self.is_asked = False
        return kind, int(voucher_id[1:])

    def reserve(self, now: float, voucher_id: str, cents: int) -> Any:
        return ("reserve", voucher_id) if self.is_asked else super().reserve(now, voucher_id, cents)

    def release(self, now: float, hold_id: str) -> Any:
        """Release what is in force alone, as the local Voucher Cloud does."""
        hold = self._holds.get(hold_id)
        if self.is_asked:
            return "release", hold.voucher_id if hold else "v-1"
        if hold and (hold.charged_as or now >= hold.ends_at + self.behaviour.lapse_lag):
            raise RefusalError("closed")
        return super().release(now, hold_id)

    def charge(self, now: float, hold_id: str, number: str, client_id: str, by: Any) -> Any:
        if self.is_asked:
            return "charge", self._holds[hold_id].voucher_id
        return super().charge(now, hold_id, number, client_id, by)

    def refund(self, now: float, charge_id: str, cents: int, client_id: str, by: Any) -> Any:
        if self.is_asked:
            return "refund", self._voucher_of(self._rows[charge_id]).id
        return super().refund(now, charge_id, cents, client_id, by)

    def bookings(self, now: float, voucher_id: str, number: str | None = None) -> Any:
        return ("list", voucher_id) if self.is_asked else super().bookings(now, voucher_id, number)
