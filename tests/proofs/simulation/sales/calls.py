"""A shop's calls about vouchers, and what it reads of them."""

from datetime import datetime
from typing import Any

from tests.proofs.simulation.faults import OUTCOMES, WHEN_READING, FaultInjector, Reply
from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import euros
from tests.proofs.simulation.sales.remote import SaleRemote
from tests.proofs.simulation.sales.rows import SaleRows
from tests.proofs.simulation.shop import Shop
from voucher_payment_gateway.api._steps import Answer
from voucher_payment_gateway.exceptions import (
    ContractError,
    CredentialsError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.rules import resolution, timing

__all__ = ["NOT_READABLE", "SaleCalls", "StatedFaults"]

NOT_READABLE = (UnavailableError, CredentialsError, ContractError)
STATUSES = {kind: outcome.status for kind, outcome in OUTCOMES.items() if isinstance(outcome, Answer)}
TRUNCATED, DOUBLED = 0.01, 0.02
"""Rates: of reads whose answer is cut, of requests that an intermediary delivers twice."""


class StatedFaults(FaultInjector):
    """A fault injector whose errors have the HTTP status of their answer: a "no" that was answered is verified.

    It cuts answers to reads, duplicates requests that book nothing, and sends none after ``send_before``.
    """

    send_before = float("inf")
    _may_double = False

    def call(
        self, process: Any, *, moving: bool = True, may_double: bool = False, finish: Any = None
    ) -> Process:
        """Send a request. ``may_double``: an intermediary may deliver it twice."""
        if not timing.may_begin(self.loop.now, self.send_before):
            raise UnavailableError(code="send_window_passed")
        if not moving and self.random.random() < TRUNCATED:
            self.seen["truncated"] += 1
            yield 0.3
            raise WHEN_READING["truncated"](code="truncated", http_status=200)
        self._may_double = may_double
        try:
            return (yield from super().call(process, moving=moving, finish=finish))
        except VoucherGatewayError as error:
            error.http_status = STATUSES.get(error.code)
            raise

    def _deliver(self, process: Any, finish: Any, reply: Reply, *, late: bool) -> None:
        super()._deliver(process, finish, reply, late=late)
        if self._may_double and self.random.random() < DOUBLED:
            self.seen["doubled"] += 1
            again = self.loop.now + self.random.uniform(0.2, self.rates.latest)
            self.loop.at(again, lambda: self._arrive(process, finish, Reply()))

    def within(self, send_before: float, process: Process) -> Process:
        """Run a process that sends nothing after ``send_before``."""
        while True:
            self.send_before = send_before
            try:
                pause = next(process)
            except StopIteration as done:
                return done.value
            finally:
                self.send_before = float("inf")
            yield pause


class SaleCalls(Shop):
    """A shop with its rows of sales, and its calls about vouchers."""

    injector: StatedFaults
    remote: SaleRemote
    rows: SaleRows
    rungs: tuple[str, ...] = ("manual",)
    """``REFUND_FALLBACK``."""
    has_sealing_keys = True

    def __init__(self, remote: SaleRemote, injector: FaultInjector, figures: resolution.Tolerances) -> None:
        super().__init__(remote, injector, figures)
        self.rows = SaleRows()
        self.forbidden: dict[int, datetime | None] = {}
        """Since when an operation is forbidden, by its key."""
        self.unreadable: set[int] = set()
        """The operations of which the shop was told that nothing can be decided while nothing can be read."""

    def read_voucher(self, voucher_id: str) -> Process:
        """Read a voucher: its status, what remains of it, its worth and its code; None where there is none."""
        found = yield from self.injector.call(lambda now: self.remote.read(now, voucher_id), moving=False)
        return found and (found[0], euros(found[1]), euros(found[2]), found[3])

    def is_gone(self, voucher_id: str) -> Process:
        """Return whether the Voucher Cloud certainly has no such voucher."""
        try:
            return (yield from self.read_voucher(voucher_id)) is None
        except NOT_READABLE:
            return False

    def create_remotely(self, voucher_id: str, cents: int, by: int) -> Process:
        return self.injector.call(lambda now: self.remote.create(now, voucher_id, cents, by), may_double=True)

    def set_status(self, voucher_id: str, status: str) -> Process:
        return self.injector.call(
            lambda now: self.remote.set_status(now, voucher_id, status), may_double=True
        )

    def delete_remotely(self, voucher_id: str) -> Process:
        return self.injector.call(lambda now: self.remote.delete(now, voucher_id), may_double=True)

    def recharge_remotely(self, voucher_id: str, cents: int, number: str, by: int) -> Process:
        return self.injector.call(
            lambda now: self.remote.recharge(now, voucher_id, cents, number, "shop", by)
        )
