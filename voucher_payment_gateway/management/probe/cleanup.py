"""How all that an experiment did is taken back: what no answer told of is looked for in the lists first."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.probe.vouchers import Sample
from voucher_payment_gateway.money import CENT, ZERO

if TYPE_CHECKING:
    from voucher_payment_gateway.management.probe.session import Bench

__all__ = ["PuttingAway"]

COMMENT = "voucher_probe"
LOOKED_FOR_SECONDS = 120.0
FIRST_PAUSE_SECONDS = 1.0
OLDEST = timedelta(days=2)
"""So far back the list of vouchers is read: more than any two clocks differ."""


class PuttingAway:
    """Takes back holds, charges and vouchers of a bench. Raises nothing of the API."""

    def __init__(self, bench: "Bench") -> None:
        self._bench = bench

    def put_away(self, sample: Sample) -> None:
        """Take back what was done with one voucher, and the voucher. Names on the bench what stays."""
        was_active = sample.is_active
        # A voucher with bookings cannot be deleted: once it is gone, nothing unclear was ever booked on it.
        if not sample.charges and self._is_deactivated(sample) and self._is_deleted(sample):
            return
        if was_active and not sample.is_active:  # an inactive one may take neither charge nor refund
            self._tried(lambda: self._bench.activate(sample))
        self._clear_up(sample)
        if sample.hold:
            self._end_hold(sample)
        for charge_id in list(sample.charges):
            self._give_back(sample, charge_id)
        if not self._is_deactivated(sample):
            self._bench.left_behind.append(f"voucher {sample.id} may still be active")
        elif sample.charges or not self._is_deleted(sample):
            self._bench.kept += 1

    def unclear_vouchers(self, count: int, known: set[str]) -> list[Sample]:
        """Return the vouchers that were perhaps created ``count`` times; tell of those that cannot be found."""
        found: dict[str, Sample] = {}

        def look() -> bool:
            for voucher in self._bench.cloud.list_vouchers(created_from=_long_ago(self._bench.started_at)):
                if voucher.batch == self._bench.batch and voucher.id not in known:
                    found.setdefault(voucher.id, Sample(voucher.id, is_active=voucher.status != "inactive"))
            return len(found) >= count

        if why := self._until(look):
            self._bench.left_behind += [
                f"perhaps an inactive voucher of the batch {self._bench.batch!r}: no clear answer came, and {why}"
            ] * (count - len(found))
        return list(found.values())

    def _clear_up(self, sample: Sample) -> None:
        if not sample.unclear:
            return
        why = self._until(lambda: sample.look_for_unclear(self._bench.rows(sample)))
        for asked in sample.unclear:
            self._bench.left_behind.append(
                f"perhaps {asked} of the voucher {sample.id}: no clear answer came, and {why}"
            )
            if asked.kind == "refund":
                sample.charges[asked.charge_id] -= asked.amount  # it is not sent again: it may be booked
        sample.unclear.clear()

    def _until(self, found: Callable[[], bool]) -> str:
        """Look with growing pauses until it is found. Return why it is not; empty: it is."""
        waited, pause, answers = 0.0, FIRST_PAUSE_SECONDS, list[bool]()
        while True:
            error = self._tried(lambda: answers.append(found()))
            if any(answers):
                return ""
            if isinstance(error, CredentialsError):
                return "the list cannot be read"
            if waited >= LOOKED_FOR_SECONDS:
                return "it did not appear in the list within two minutes"
            self._bench.wait(pause)
            waited, pause = waited + pause, min(2 * pause, LOOKED_FOR_SECONDS - waited - pause)

    def _end_hold(self, sample: Sample) -> None:
        # A charge ends a hold for certain; that a cancel call does is what nobody knows.
        bench = self._bench
        if self._tried(lambda: bench.charge(sample, sample.hold, bench.number())) is None:
            return
        self._clear_up(sample)
        if sample.hold:
            self._tried(lambda: bench.cloud.cancel_reservation(sample.hold))

    def _give_back(self, sample: Sample, charge_id: str) -> None:
        left = sample.charges[charge_id]
        for amount in (left, left - CENT):
            if amount <= ZERO:
                return
            # Only a refusal says that less may be tried; after no clear answer it may have been refunded.
            error = self._tried(lambda amount=amount: self._bench.refund(sample, charge_id, str(amount)))  # type: ignore[misc]
            if not isinstance(error, RefusedError | CredentialsError):
                self._clear_up(sample)
                break
        if (left := sample.charges[charge_id]) > CENT:
            self._bench.left_behind.append(
                f"{left} of the charge {charge_id} of the voucher {sample.id}: the refund was not accepted"
            )

    def _is_deactivated(self, sample: Sample) -> bool:
        if sample.is_active and self._tried(lambda: self._bench.deactivate(sample)) is not None:
            self._tried(lambda: self._read_status(sample))
        return not sample.is_active

    def _read_status(self, sample: Sample) -> None:
        sample.is_active = self._bench.cloud.get_voucher(sample.id).status == "active"

    def _is_deleted(self, sample: Sample) -> bool:
        error = self._tried(lambda: self._bench.cloud.delete_voucher(sample.id, COMMENT))
        if isinstance(error, OutcomeUnknownError):
            error = self._tried(lambda: self._bench.cloud.get_voucher(sample.id))
            return isinstance(error, RefusedError) and error.http_status == 404
        return error is None

    def _tried(self, call: Callable[[], object]) -> Exception | None:
        try:
            self._bench.ask(call)
        except (VoucherGatewayError, ValueError) as error:
            return error
        return None


def _long_ago(at: datetime) -> datetime:
    return at - OLDEST
