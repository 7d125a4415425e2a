"""Situations of codes: refused ones hold nothing, guesses end, and a code is kept nowhere in clear."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, TextField

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.testing.conformance.books import Books
from voucher_payment_gateway.testing.conformance.situation import situation

__all__ = ["Codes"]

MAX_GUESSES = 60
PIN = "48151623"


class Codes(Books):
    """Codes that cannot be used, and codes that can."""

    def _refused(self, code: str, pin: str = "") -> None:
        """Play an order for which a code is refused: it is paid otherwise, and no voucher has to do with it."""
        order = self.order("30.00")
        refusal = self.attempt(self.enter_voucher, order, code, pin)
        self.expect(refusal is not None, "the shop accepted a code that pays nothing")
        self.expect_due(order, "30.00")
        self.confirm(order)
        self.ship(order)
        self.expect_due(order, "30.00")
        for voucher in self.vouchers:
            self.expect_booked(voucher)

    @situation
    def test_a_wrong_code_holds_nothing(self) -> None:
        """A typing error pays the order, or stops the customer from paying in another way."""
        self._refused("NO-SUCH-VOUCHER-1234")

    @situation
    def test_an_inactive_voucher_holds_nothing(self) -> None:
        """A voucher that was never sold, or was blocked as stolen, pays an order."""
        self._refused(self.voucher("30.00", status="inactive").code)

    @situation
    def test_a_wrong_pin_holds_nothing(self) -> None:
        """Whoever has seen the code, and not the PIN, spends the voucher of another customer."""
        self._refused(self.voucher("30.00", pin=PIN).code, "11111111")

    @situation
    def test_a_voucher_in_another_currency_holds_nothing(self) -> None:
        """A voucher of 30 units pays 30 units of a currency that is worth more."""
        other = "USD" if self.currency != "USD" else "EUR"
        self._refused(self.voucher("30.00", currency=other).code)

    @situation
    def test_a_voucher_with_a_pin_pays(self) -> None:
        """The customer has the PIN, and the shop does not pass it on."""
        order, voucher = self.order("30.00"), self.voucher("30.00", pin=PIN)
        self.enter_voucher(order, voucher.code, PIN)
        self.confirm(order)
        self.ship(order)
        self.expect_booked(voucher, "charge 30.00")

    @situation
    def test_guessing_ends(self) -> None:
        """Whoever tries codes for long enough finds one, and spends what a customer was given."""
        if gateway_settings().THROTTLE is None:
            pytest.skip("THROTTLE is None in the settings of these tests: guesses are not counted")
        order, calls = self.order("30.00"), -1
        for guess in range(MAX_GUESSES):
            before, calls = calls, len(self.cloud.requests)
            if before == calls:
                break
            self.attempt(self.enter_voucher, order, f"GUESS-{guess:04}-ABCD")
        self.expect(before == calls, f"{MAX_GUESSES} wrong codes were all sent to the Voucher Cloud")
        voucher = self.voucher("30.00")
        self.attempt(self.enter_voucher, order, voucher.code)
        self.expect_due(order, "30.00")

    @situation
    def test_a_code_is_kept_nowhere_in_clear(self) -> None:
        """Whoever reads a backup, a log or a session spends the vouchers of all customers."""
        with self.log.at_level("DEBUG"):
            order, voucher = self.order("30.00"), self.voucher("20.00", pin=PIN)
            self.enter_voucher(order, voucher.code, PIN)
            entered = [*self._stored(order)]
            self.confirm(order)
            self.ship(order)
            refused = self.voucher("20.00", status="inactive")
            refusal = self.attempt(self.enter_voucher, order, refused.code)
        places = [*entered, *self._stored(order), ("the log", self.log.text), ("the refusal", repr(refusal))]
        for secret in (voucher.code, PIN, refused.code):
            found = sorted({place for place, text in places if secret in text})
            self.expect(not found, f"a code or a PIN stands in clear in {', '.join(found)}")

    def _stored(self, order: Any) -> Iterator[tuple[str, str]]:
        """Yield each place where something is stored, with what stands there."""
        for name, value in self.voucher_fields(order).items():
            yield f"the order's {name}", str(value)
        for model in (VoucherPayment, VoucherOperation):
            texts = [field.name for field in model._meta.fields if isinstance(field, CharField | TextField)]
            for row in model._base_manager.values(*texts):
                yield from ((f"{model.__name__}.{name}", str(value)) for name, value in row.items())
        if apps.is_installed("django.contrib.sessions"):
            for session in apps.get_model("sessions.Session")._base_manager.all():
                yield "a session", json.dumps(session.get_decoded(), default=repr)
