"""The probe's workbench: vouchers of its own, and what is done with them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.utils import timezone

from voucher_payment_gateway.api import Charge, Reservation, VoucherCloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    RefusedError,
    ThrottledError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.probe.cleanup import COMMENT, PuttingAway
from voucher_payment_gateway.management.probe.recording_transport import Observer
from voucher_payment_gateway.management.probe.vouchers import Asked, Sample

__all__ = ["CURRENCY", "Bench", "Refusal", "Watch"]

T = TypeVar("T")

CURRENCY = "EUR"
THROTTLED_TRIES = 3
THROTTLED_SECONDS = 5.0
LONGEST_THROTTLED_SECONDS = 60.0
LISTED_WITHIN_SECONDS = 120.0
LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class Watch:
    """How time is told and waited for."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = timezone.now


@dataclass(frozen=True)
class Refusal:
    """The API said no."""

    status: int | None
    codes: frozenset[str]
    """The codes of the answer and of its fields."""

    def __str__(self) -> str:
        return " ".join([str(self.status), *sorted(self.codes)])


class Bench:
    """Where experiments are made. Whatever they leave is put away by ``put_all_away``."""

    def __init__(self, cloud: VoucherCloud, observer: Observer, watch: Watch, run: str) -> None:
        self.cloud = cloud
        self.observer = observer
        self.batch = f"voucher_probe {run}"
        self.kept = 0
        self.left_behind: list[str] = []
        self.started_at = watch.now()
        self._watch = watch
        self._run = run
        self._numbers = 0
        self._samples: list[Sample] = []
        self._ids: set[str] = set()
        self._unclear_vouchers = 0

    def number(self) -> str:
        """Return an order number that was never used."""
        self._numbers += 1
        return f"PROBE-{self._run}-{self._numbers:03}"

    def ask(self, call: Callable[[], T]) -> T:
        """Call the API, and again where it asked us to slow down: then it surely did nothing."""
        for _ in range(THROTTLED_TRIES - 1):
            try:
                return call()
            except ThrottledError as error:
                wait = error.retry_after_seconds or THROTTLED_SECONDS
                self._watch.sleep(min(wait, LONGEST_THROTTLED_SECONDS))
        return call()

    def attempt(self, call: Callable[[], T]) -> T | Refusal:
        """The same, where a refusal is an answer. A 403 is one too: call it where the right is proved already."""
        try:
            return self.ask(call)
        except (RefusedError, CredentialsError) as error:
            if isinstance(error, CredentialsError) and error.http_status != 403:
                raise
            return Refusal(error.http_status, frozenset({error.api_code} - {""}) | self.observer.field_codes)

    def create(self, *, amount: str = "1.00", pin: str = "") -> Sample:
        """Create a voucher. It is inactive."""
        self._unclear_vouchers += 1
        try:
            made = self.ask(
                lambda: self.cloud.create_voucher(
                    amount=Decimal(amount), currency=CURRENCY, pin=pin or None, batch=self.batch
                )
            )
        except (VoucherGatewayError, ValueError) as error:
            self._unclear_vouchers -= getattr(error, "money_moved", "no") == "no"
            raise
        sample = Sample(made.id, made.code or "", pin)
        self._samples.append(sample)
        self._ids.add(sample.id)
        self._unclear_vouchers -= 1
        return sample

    def voucher(self, *, amount: str = "1.00", pin: str = "", active: bool = True) -> Sample:
        """Create a voucher whose code is known, and activate it."""
        sample = self.create(amount=amount, pin=pin)
        if not sample.code:
            sample.code = self.ask(lambda: self.cloud.get_complete_voucher(sample.id)).code or ""
        if active:
            self.activate(sample)
        return sample

    def activate(self, sample: Sample) -> None:
        """Make a voucher redeemable."""
        sample.is_active = True  # also after an unclear answer
        self.ask(lambda: self.cloud.set_voucher_status(sample.id, "active", COMMENT))

    def deactivate(self, sample: Sample) -> None:
        """Make a voucher unusable."""
        self.ask(lambda: self.cloud.set_voucher_status(sample.id, "inactive", COMMENT))
        sample.is_active = False

    def reserve(
        self, sample: Sample, amount: str = "0.10", *, currency: str = CURRENCY, pin: str | None = None
    ) -> Reservation:
        """Reserve; ``pin`` defaults to the voucher's own."""
        given = sample.pin if pin is None else pin
        held = self.ask(
            lambda: self.cloud.reserve(code=sample.code, amount=Decimal(amount), currency=currency, pin=given)
        )
        sample.hold = held.id
        return held

    def charge(self, sample: Sample, reservation_id: str, number: str) -> Charge:
        """Charge a reservation."""
        asked = Asked("charge", reservation_id=reservation_id, number=number)
        with sample.asking(asked):
            booked = self.ask(lambda: self.cloud.charge(reservation_id, number))
        sample.take_in(asked, booked)
        return booked

    def charged(self, sample: Sample, amount: str = "0.10", number: str = "") -> Charge:
        """Reserve and charge."""
        return self.charge(sample, self.reserve(sample, amount).id, number or self.number())

    def refund(self, sample: Sample, charge_id: str, amount: str) -> Charge:
        """Refund a charge, or a part of it."""
        asked = Asked("refund", charge_id=charge_id, amount=Decimal(amount))
        with sample.asking(asked):
            booked = self.ask(lambda: self.cloud.refund(charge_id, Decimal(amount), CURRENCY))
        sample.take_in(asked, booked)
        return booked

    def rows(self, sample: Sample, number: str | None = None) -> list[Charge]:
        """Return the bookings of a voucher, all pages of them."""
        return self.ask(lambda: list(self.cloud.list_voucher_charges(sample.id, order_number=number)))

    def seconds_until_listed(self, sample: Sample, *ids: str) -> int | None:
        """Wait until the bookings stand in the list. Return how long that took, in whole seconds, rounded up.

        0: they stood in the first look. None: not within two minutes.
        """
        start, waited = self._watch.monotonic(), 0.0
        while not {row.id for row in self.rows(sample)}.issuperset(ids):
            if waited + LOOK_EVERY_SECONDS > LISTED_WITHIN_SECONDS:
                return None
            self._watch.sleep(LOOK_EVERY_SECONDS)
            waited = self._watch.monotonic() - start
        return math.ceil(waited)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._watch.sleep(seconds)

    def put_all_away(self) -> None:
        """Take back what the last experiment left: holds, charges, vouchers. Raises nothing of the API."""
        putting_away = PuttingAway(self)
        if self._unclear_vouchers:
            self._samples += putting_away.unclear_vouchers(self._unclear_vouchers, self._ids)
            self._unclear_vouchers = 0
        while self._samples:
            sample = self._samples.pop()
            self._ids.add(sample.id)
            putting_away.put_away(sample)
