"""One run of the probe: the vouchers it creates and the calls it makes on them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.utils import timezone

from voucher_payment_gateway.api import Charge, Reservation, VoucherCloud
from voucher_payment_gateway.api.diagnostics import RecordingTransport
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    RefusedError,
    ThrottledError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.probe.vouchers import ProbeVoucher, UnconfirmedBooking

__all__ = ["COMMENT", "CURRENCY", "Refusal", "Session", "TimeSource"]

T = TypeVar("T")

CURRENCY = "EUR"
COMMENT = "voucher_probe"
THROTTLED_ATTEMPTS = 3
THROTTLED_PAUSE_SECONDS = 5.0
MAX_THROTTLED_PAUSE_SECONDS = 60.0
LISTING_TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class TimeSource:
    """Reads the time and waits."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = timezone.now


@dataclass(frozen=True)
class Refusal:
    """The API said no."""

    status: int | None
    codes: frozenset[str]
    """The error codes of the answer and of its single fields."""

    def __str__(self) -> str:
        return " ".join([str(self.status), *sorted(self.codes)])


class Session:
    """The calls that experiments make. It records what ``cleanup`` has to undo."""

    def __init__(
        self, cloud: VoucherCloud, recorder: RecordingTransport, time_source: TimeSource, run: str
    ) -> None:
        self.cloud = cloud
        self.recorder = recorder
        self.batch = f"voucher_probe {run}"
        self.kept = 0
        self.left_behind: list[str] = []
        self.started_at = time_source.now()
        self._time = time_source
        self._run = run
        self._numbers = 0
        self.vouchers: list[ProbeVoucher] = []
        self.voucher_ids: set[str] = set()
        self.unconfirmed_vouchers = 0

    def new_order_number(self) -> str:
        """Return an unused order number."""
        self._numbers += 1
        return f"PROBE-{self._run}-{self._numbers:03}"

    def call(self, send: Callable[[], T]) -> T:
        """Call the API; retry while it is throttled, since a throttled call certainly did nothing."""
        for _ in range(THROTTLED_ATTEMPTS - 1):
            try:
                return send()
            except ThrottledError as error:
                wait = error.retry_after_seconds or THROTTLED_PAUSE_SECONDS
                self._time.sleep(min(wait, MAX_THROTTLED_PAUSE_SECONDS))
        return send()

    def attempt(self, send: Callable[[], T]) -> T | Refusal:
        """Call the API and return a refusal instead of raising it. A 403 counts as one: prove the right beforehand."""
        try:
            return self.call(send)
        except (RefusedError, CredentialsError) as error:
            if isinstance(error, CredentialsError) and error.http_status != 403:
                raise
            return Refusal(error.http_status, frozenset({error.api_code} - {""}) | self.recorder.field_codes)

    def create_voucher(self, *, amount: str = "1.00", pin: str = "") -> ProbeVoucher:
        """Create an inactive voucher."""
        self.unconfirmed_vouchers += 1
        try:
            made = self.call(
                lambda: self.cloud.create_voucher(
                    amount=Decimal(amount), currency=CURRENCY, pin=pin or None, batch=self.batch
                )
            )
        except (VoucherGatewayError, ValueError) as error:
            self.unconfirmed_vouchers -= getattr(error, "money_moved", "no") == "no"
            raise
        voucher = ProbeVoucher(made.id, made.code or "", pin)
        self.vouchers.append(voucher)
        self.voucher_ids.add(voucher.id)
        self.unconfirmed_vouchers -= 1
        return voucher

    def new_voucher(self, *, amount: str = "1.00", pin: str = "", active: bool = True) -> ProbeVoucher:
        """Create a voucher whose code is known, and activate it."""
        voucher = self.create_voucher(amount=amount, pin=pin)
        if not voucher.code:
            voucher.code = self.call(lambda: self.cloud.get_complete_voucher(voucher.id)).code or ""
        if active:
            self.activate(voucher)
        return voucher

    def activate(self, voucher: ProbeVoucher) -> None:
        """Make a voucher redeemable."""
        voucher.is_active = True  # also without a clear answer
        self.call(lambda: self.cloud.set_voucher_status(voucher.id, "active", COMMENT))

    def deactivate(self, voucher: ProbeVoucher) -> None:
        """Make a voucher unusable."""
        self.call(lambda: self.cloud.set_voucher_status(voucher.id, "inactive", COMMENT))
        voucher.is_active = False

    def reserve(
        self, voucher: ProbeVoucher, amount: str = "0.10", *, currency: str = CURRENCY, pin: str | None = None
    ) -> Reservation:
        """Reserve; ``pin`` defaults to the voucher's own."""
        sent_pin = voucher.pin if pin is None else pin
        held = self.call(
            lambda: self.cloud.reserve(
                code=voucher.code, amount=Decimal(amount), currency=currency, pin=sent_pin
            )
        )
        voucher.reservation_id = held.id
        return held

    def charge(self, voucher: ProbeVoucher, reservation_id: str, number: str) -> Charge:
        """Charge a reservation."""
        booking = UnconfirmedBooking("charge", reservation_id=reservation_id, number=number)
        with voucher.awaiting(booking):
            booked = self.call(lambda: self.cloud.charge(reservation_id, number))
        voucher.confirm(booking, booked)
        return booked

    def reserve_and_charge(self, voucher: ProbeVoucher, amount: str = "0.10", number: str = "") -> Charge:
        """Reserve and charge."""
        return self.charge(voucher, self.reserve(voucher, amount).id, number or self.new_order_number())

    def refund(self, voucher: ProbeVoucher, charge_id: str, amount: str) -> Charge:
        """Refund a charge, or a part of it."""
        booking = UnconfirmedBooking("refund", charge_id=charge_id, amount=Decimal(amount))
        with voucher.awaiting(booking):
            booked = self.call(lambda: self.cloud.refund(charge_id, Decimal(amount), CURRENCY))
        voucher.confirm(booking, booked)
        return booked

    def bookings(self, voucher: ProbeVoucher, number: str | None = None) -> list[Charge]:
        """Return the bookings of a voucher, all pages of them."""
        return self.call(lambda: list(self.cloud.list_voucher_charges(voucher.id, order_number=number)))

    def seconds_until_listed(self, voucher: ProbeVoucher, *ids: str) -> int | None:
        """Wait until the list shows the bookings. Return how long that took, in whole seconds, rounded up.

        0: the first read showed them. None: not within two minutes.
        """
        start, waited = self._time.monotonic(), 0.0
        while not {row.id for row in self.bookings(voucher)}.issuperset(ids):
            if waited + POLL_SECONDS > LISTING_TIMEOUT_SECONDS:
                return None
            self._time.sleep(POLL_SECONDS)
            waited = self._time.monotonic() - start
        return math.ceil(waited)

    def wait(self, seconds: float) -> None:
        """Wait."""
        self._time.sleep(seconds)
