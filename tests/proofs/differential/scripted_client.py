"""The real client of the shipped gateway, whose calls have the fates that their keys have."""

from collections.abc import Callable
from contextvars import Context
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from tests.proofs.differential.fates import Crash, Fate
from tests.proofs.differential.player import Engine
from voucher_payment_gateway.api import VoucherCloud
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.sandbox import LocalVoucherCloud, VoucherView, mock_transport

__all__ = ["MEANINGS", "REFUSED", "scripted_client"]

FAULTS = {
    "not_sent": "before:refused",
    "lost": "before:hang",
    "late": "late:hang",
    "answer_lost": "after:reset",
    "broken_before": "before:500",
    "broken_after": "after:html502",
    "redirected": "after:redirect",
    "throttled": "before:429=3",
    "refused": "before:422",
}
REFUSED = HTTPStatus(422).name
MEANINGS = {REFUSED: "currency_mismatch"}
"""A refusal that no smaller amount would change: else the shipped gateway asks what the voucher holds, and reserves
that; the simulation authorizes all or nothing."""


def scripted_client(
    engine: Engine, cloud: LocalVoucherCloud, vouchers: list[VoucherView]
) -> "ScriptedClient":
    """Return the client of a shop."""
    made = ScriptedClient(
        client_id="local-shop",
        client_secret="local-shop-secret",
        base_url="https://differential.invalid/v1",
        transport=mock_transport(cloud),
        error_meanings=MEANINGS,
    )
    made.engine, made.cloud, made.armed = engine, cloud, 0
    made.places = {name: place for place, each in enumerate(vouchers) for name in (each.code, each.id)}
    return made


class ScriptedClient(VoucherCloud):
    """Asks for the fate of each call, and lets the worker crash or sleep."""

    engine: Engine
    cloud: LocalVoucherCloud
    places: dict[str, int]
    """The places in the schedule of the vouchers with these codes, ids, reservations and charges."""
    armed: int
    """How many statements away a worker's crash is; 0 where none is to come."""

    def reserve(self, **fields: Any) -> Any:
        call, place = super().reserve, self.places[fields["code"]]
        return self._noted(place, self._scripted("reserve", place, lambda: call(**fields)))

    def charge(self, reservation_id: str, order_number: str) -> Any:
        call, place = super().charge, self.places[reservation_id]
        return self._noted(place, self._scripted("charge", place, lambda: call(reservation_id, order_number)))

    def refund(self, charge_id: str, amount: Decimal, currency: str) -> Any:
        call, place = super().refund, self.places[charge_id]
        return self._scripted("refund", place, lambda: call(charge_id, amount, currency))

    def cancel_reservation(self, reservation_id: str) -> None:
        call, place = super().cancel_reservation, self.places[reservation_id]
        self._scripted("release", place, lambda: call(reservation_id))

    def list_voucher_charges(self, voucher_id: str, **filters: Any) -> Any:
        call, place = super().list_voucher_charges, self.places[voucher_id]
        rows = self._scripted("list", place, lambda: list(call(voucher_id, **filters)))
        return [self._noted(place, row) for row in rows]

    def _noted(self, place: int, answer: Any) -> Any:
        """Remember the voucher of what was answered."""
        self.places[answer.id] = place
        return answer

    def _scripted(self, kind: str, voucher: int, call: Callable[[], Any]) -> Any:
        fate = self.engine.fates.of(kind, voucher)
        if fate.worker == "crash_before":
            raise Crash
        try:
            answer = self._met(fate, call)
        except VoucherGatewayError:
            if fate.worker == "crash_after":
                raise Crash from None
            self._perhaps_asleep(fate)
            raise
        self._perhaps_asleep(fate)
        if fate.worker == "crash_after":
            if kind in ("list", "release"):
                raise Crash
            self.armed = fate.write
        return answer

    def _perhaps_asleep(self, fate: Fate) -> None:
        if fate.worker == "sleep_after":
            Context().run(self.engine.sleep)

    def _met(self, fate: Fate, call: Callable[[], Any]) -> Any:
        """Make a call, however many requests it takes, and have all of them meet the same fault."""
        faults, clock = self.cloud.faults, self.cloud.clock
        if fate.fault:
            lands_after = self.engine.begun_at + fate.lands_after - self.engine.now()
            faults.next(FAULTS[fate.fault], times=None, lands_after_seconds=lands_after)
        try:
            return call()
        finally:
            faults.clear()
            clock.advance(0.3)

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Run a statement of the shop's database, or crash ahead of it."""
        if self.armed and sql.startswith(("INSERT", "UPDATE")):
            self.armed -= 1
            if not self.armed:
                raise Crash
        return execute(sql, params, many, context)

    def must_have_crashed(self) -> None:
        """Make sure that no crash is left for a later step."""
        assert not self.armed, "fewer statements were written than was thought"
