"""Trouble of our own side: crashes, a database that fails, workers that freeze and requests that dawdle.

What goes wrong at the remote side is drawn by the faults of the local Voucher Cloud itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import django.db
import httpx

from voucher_payment_gateway.api import VoucherCloud

__all__ = ["Crash", "Weather", "client"]


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Weather:
    """How often what goes wrong. ``meanwhile`` is what others do while a worker is frozen."""

    random: Random
    crash_rate: float
    locked_rate: float
    freeze_rate: float
    meanwhile: Callable[[float], None]
    seen: Counter[str]

    def calm_down(self) -> None:
        """Let nothing go wrong any more."""
        self.crash_rate = self.locked_rate = self.freeze_rate = 0.0

    def strikes(self, what: str, rate: float) -> bool:
        """Say whether it happens now, and count it."""
        if not rate or self.random.random() >= rate:
            return False
        self.seen[what] += 1
        return True

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run a statement of the shop's database, or fail: before, or after it was done."""
        writes = sql.startswith(("INSERT", "UPDATE"))
        if not writes and not sql.startswith("SELECT"):
            return execute(sql, params, many, context)
        if self.strikes("locked", self.locked_rate if writes else self.locked_rate / 8):
            raise django.db.OperationalError("database is locked")
        if writes:
            self.may_crash()
        result = execute(sql, params, many, context)
        if writes:
            self.may_crash()
            atomic = context["connection"].in_atomic_block
            if not atomic and self.strikes("commit unanswered", self.locked_rate / 2):
                raise django.db.OperationalError("server closed the connection unexpectedly")
        return result

    def may_crash(self) -> None:
        """End the process, perhaps."""
        if self.strikes("crash", self.crash_rate):
            raise Crash

    def may_freeze(self, choices: tuple[float, ...]) -> None:
        """Be frozen for one of so many seconds, perhaps."""
        if self.strikes("freeze", self.freeze_rate):
            self.meanwhile(self.random.choice(choices))


ASLEEP = (1, 15, 70, 70, 130, 130, 700, 1900, 3600)
"""Seconds for which a worker may be frozen between two of its steps."""

UNDER_WAY = (1, 10, 70, 130)
"""Seconds for which a request may dawdle, ahead of what the cloud's own late faults add (600 at most)."""


def client(cloud, weather: Weather) -> VoucherCloud:
    """Return the real client of one worker, on a network where requests dawdle and processes end."""
    inner = cloud.transport()

    def carry(request: httpx.Request) -> httpx.Response:
        weather.may_crash()
        cloud.clock.advance(0.05)
        if request.method == "POST":
            weather.may_freeze(UNDER_WAY)
        response = inner.handle_request(request)
        cloud.clock.advance(0.05)
        weather.may_freeze(UNDER_WAY)
        weather.may_crash()
        return response

    made = FreezingClient(
        client_id="local-shop",
        client_secret="local-shop-secret",
        base_url="https://storm.invalid/v1",
        transport=httpx.MockTransport(carry),
    )
    made.weather = weather
    return made


class FreezingClient(VoucherCloud):
    """The client of a worker that may be frozen just before a call and just after it."""

    weather: Weather

    def reserve(self, **fields: Any) -> Any:
        return self._frozen(lambda: super(FreezingClient, self).reserve(**fields))

    def charge(self, *fields: Any) -> Any:
        return self._frozen(lambda: super(FreezingClient, self).charge(*fields))

    def refund(self, *fields: Any) -> Any:
        return self._frozen(lambda: super(FreezingClient, self).refund(*fields))

    def list_voucher_charges(self, *fields: Any, **filters: Any) -> Any:
        return self._frozen(
            lambda: list(super(FreezingClient, self).list_voucher_charges(*fields, **filters))
        )

    def _frozen(self, call: Callable[[], Any]) -> Any:
        self.weather.may_freeze(ASLEEP)
        answer = call()
        self.weather.may_freeze(ASLEEP)
        return answer
