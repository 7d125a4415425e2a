"""Situations of a worker that is killed in the middle of a call: a process of its own that is ended from outside."""

import os
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.db import connections

from voucher_payment_gateway.testing.conformance.answers import CHARGE, REFUND, RESERVE
from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.database import needs_a_shared_database
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Crashes"]

PATIENCE_SECONDS = 60
POLL_SECONDS = 0.005


class Crashes(Books):
    """The call is on the way, the process is gone, and nothing but the rows that it committed is left of it."""

    @situation
    def test_killed_while_a_charge_is_on_the_way(self) -> None:
        """A deployment ends the worker, the charge never arrives, and the goods are sent for nothing."""
        self._killed_while_charging("before:hang")

    @situation
    def test_killed_after_a_charge_was_booked(self) -> None:
        """A deployment ends the worker, the job starts again, and the customer pays twice."""
        self._killed_while_charging("after:hang")

    def _killed_while_charging(self, fault: str) -> None:
        order, voucher = self.entered("30.00", "100.00")
        if self.charges_on == "ship":
            self.confirm(order)
        hook = self.ship if self.charges_on == "ship" else self.confirm
        self._killed(hook, order, CHARGE, fault)
        self.settle()
        self.attempt(self.confirm, order)
        self.attempt(self.ship, order)
        self.settle()
        self.expect_booked(voucher, "charge 30.00")
        self.expect_due(order, "0.00")

    @situation
    def test_killed_while_a_refund_is_on_the_way(self) -> None:
        """The worker dies while it gives the money back, and the customer never gets it."""
        self._killed_while_returning("before:hang")

    @situation
    def test_killed_after_a_refund_was_booked(self) -> None:
        """The worker dies after it gave the money back, and the next one gives it back again."""
        self._killed_while_returning("after:hang")

    def _killed_while_returning(self, fault: str) -> None:
        order, voucher = self.paid("30.00", "100.00")
        self._killed(self.return_goods, order, REFUND, fault)
        self.settle()
        self.attempt(self.return_goods, order)
        self.settle()
        self.expect_booked(voucher, "charge 30.00", "refund 30.00")

    @situation
    def test_killed_while_a_code_is_entered(self) -> None:
        """The worker dies after the voucher was held, and the customer cannot use it any more."""
        order, voucher = self.order("30.00"), self.voucher("30.00")
        self._killed(lambda found: self.enter_voucher(found, voucher.code), order, RESERVE, "after:hang")
        self.enter_voucher(order, voucher.code)
        self.expect_due(order, "0.00")
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    def _killed(self, hook: Callable[[Any], None], order: Any, path: str, fault: str) -> None:
        """Do a step in a child process, and kill it once its call to ``path`` has arrived."""
        needs_a_shared_database()
        if not hasattr(os, "fork"):
            pytest.skip("this operating system cannot copy a process")
        self.cloud.faults.next(fault, method="POST", path=path)
        connections.close_all()  # neither process may use a connection of the other
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of a copy that has threads: it uses none of them
            child = os.fork()
        if not child:
            _do_and_end(hook, order)
        has_come = self._wait_for_the_call(child)
        self.cloud.faults.clear()
        self.expect(has_come, "the shop never made the call that the situation is about")

    def _wait_for_the_call(self, child: int) -> bool:
        """Kill the child once its call has arrived; return whether it has."""
        over_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < over_at and not self.cloud.faults.log:
            if os.waitpid(child, os.WNOHANG)[0]:
                return bool(self.cloud.faults.log)
            time.sleep(POLL_SECONDS)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return bool(self.cloud.faults.log)


def _do_and_end(hook: Callable[[Any], None], order: Any) -> NoReturn:
    """Do the step in the child, and end it without any of the cleaning up that belongs to its parent."""
    try:
        hook(order)
    finally:
        os._exit(0)
