"""The probe's workbench: vouchers of its own, what was done with them, and how all of it is taken back."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from voucher_payment_gateway.api import Charge, Reservation, VoucherCloud
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.probe.observing import Observer
from voucher_payment_gateway.money import CENT, ZERO

__all__ = ["CURRENCY", "Bench", "Refusal", "Sample", "Watch"]

T = TypeVar("T")

CURRENCY = "EUR"
COMMENT = "voucher_probe"
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


@dataclass(frozen=True)
class Refusal:
    """The API said no."""

    status: int | None
    codes: frozenset[str]
    """The codes of the answer and of its fields."""

    def __str__(self) -> str:
        return " ".join([str(self.status), *sorted(self.codes)])


@dataclass
class Sample:
    """A voucher of the probe, with what there is to take back."""

    id: str
    code: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    is_active: bool = False
    hold: str = ""
    """The reservation that is open; a newer one replaces it."""
    charges: dict[str, Decimal] = field(default_factory=dict)
    """What of each charge has not gone back."""


class Bench:
    """Where experiments are made. Whatever they leave is put away by ``put_all_away``."""

    def __init__(self, cloud: VoucherCloud, observer: Observer, watch: Watch, run: str) -> None:
        self.cloud = cloud
        self.observer = observer
        self.batch = f"voucher_probe {run}"
        self.kept = 0
        self.left_behind: list[str] = []
        self._watch = watch
        self._run = run
        self._numbers = 0
        self._samples: list[Sample] = []

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
        try:
            made = self.ask(
                lambda: self.cloud.create_voucher(
                    amount=Decimal(amount), currency=CURRENCY, pin=pin or None, batch=self.batch
                )
            )
        except OutcomeUnknownError:
            self.left_behind.append(
                f"perhaps an inactive voucher of the batch {self.batch!r}: no clear answer came"
            )
            raise
        sample = Sample(made.id, made.code or "", pin)
        self._samples.append(sample)
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
        booked = self.ask(lambda: self.cloud.charge(reservation_id, number))
        sample.charges.setdefault(booked.id, booked.amount)
        if sample.hold == reservation_id:
            sample.hold = ""
        return booked

    def charged(self, sample: Sample, amount: str = "0.10", number: str = "") -> Charge:
        """Reserve and charge."""
        return self.charge(sample, self.reserve(sample, amount).id, number or self.number())

    def refund(self, sample: Sample, charge_id: str, amount: str) -> Charge:
        """Refund a charge, or a part of it."""
        booked = self.ask(lambda: self.cloud.refund(charge_id, Decimal(amount), CURRENCY))
        sample.charges[charge_id] -= booked.amount
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

    def put_all_away(self) -> None:
        """Take back what the last experiment left: holds, charges, vouchers. Raises nothing of the API."""
        while self._samples:
            self._put_away(self._samples.pop())

    def _put_away(self, sample: Sample) -> None:
        if not sample.charges and self._is_deleted(sample):
            return
        # A charge ends a hold for certain; that a cancel call does is what nobody knows.
        if sample.hold and self._tried(lambda: self.charge(sample, sample.hold, self.number())) is not None:
            self._tried(lambda: self.cloud.cancel_reservation(sample.hold))
        for charge_id in sample.charges:
            self._give_back(sample, charge_id)
        if sample.is_active and not self._is_deactivated(sample):
            self.left_behind.append(f"voucher {sample.id} may still be active")
        elif sample.charges or not self._is_deleted(sample):
            self.kept += 1

    def _is_deactivated(self, sample: Sample) -> bool:
        if self._tried(lambda: self.deactivate(sample)) is not None:
            self._tried(lambda: self._read_status(sample))
        return not sample.is_active

    def _read_status(self, sample: Sample) -> None:
        sample.is_active = self.cloud.get_voucher(sample.id).status == "active"

    def _is_deleted(self, sample: Sample) -> bool:
        return self._tried(lambda: self.cloud.delete_voucher(sample.id, COMMENT)) is None

    def _give_back(self, sample: Sample, charge_id: str) -> None:
        left = sample.charges[charge_id]
        for amount in (left, left - CENT):
            if amount <= ZERO:
                return
            # Only a refusal says that less may be tried; after no clear answer it may have been refunded.
            error = self._tried(lambda amount=amount: self.refund(sample, charge_id, str(amount)))  # type: ignore[misc]
            if not isinstance(error, RefusedError | CredentialsError):
                return

    def _tried(self, call: Callable[[], object]) -> Exception | None:
        try:
            self.ask(call)
        except (VoucherGatewayError, ValueError) as error:
            return error
        return None
