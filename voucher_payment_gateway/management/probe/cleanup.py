"""Undo everything that an experiment did, including calls whose answer was lost."""

from collections.abc import Callable
from datetime import datetime, timedelta

from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    RefusedError,
    VoucherGatewayError,
)
from voucher_payment_gateway.management.probe.session import COMMENT, Session
from voucher_payment_gateway.management.probe.vouchers import ProbeVoucher
from voucher_payment_gateway.money import CENT, ZERO

__all__ = ["Cleanup"]

POLL_TIMEOUT_SECONDS = 120.0
FIRST_PAUSE_SECONDS = 1.0
MAX_CLOCK_SKEW = timedelta(days=2)
"""The list of vouchers is read from this long before the run, in case the server's clock is behind."""


class Cleanup:
    """Undoes reservations and charges of a session and removes its vouchers. Raises no error of the API."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self) -> None:
        """Clean up everything that was done since the last call."""
        session = self._session
        if session.unconfirmed_vouchers:
            session.vouchers += self._find_unconfirmed(session.unconfirmed_vouchers, session.voucher_ids)
            session.unconfirmed_vouchers = 0
        while session.vouchers:
            voucher = session.vouchers.pop()
            session.voucher_ids.add(voucher.id)
            self._clean_up(voucher)

    def _clean_up(self, voucher: ProbeVoucher) -> None:
        # Only an inactive voucher without charges can be deleted: a deletion proves that no charge was booked.
        if not voucher.charges and self._is_withdrawn(voucher):
            return
        self._resolve_unconfirmed(voucher)
        if not voucher.is_active and (voucher.reservation_id or any(voucher.charges.values())):
            self._attempt(lambda: self._session.activate(voucher))  # an inactive voucher may take no refund
        if voucher.reservation_id:
            self._end_reservation(voucher)
        for charge_id in list(voucher.charges):
            self._refund_rest(voucher, charge_id)
        if not self._is_deactivated(voucher):
            self._session.left_behind.append(f"voucher {voucher.id} may still be active")
        elif voucher.charges or not self._is_deleted(voucher):
            self._session.kept += 1

    def _is_withdrawn(self, voucher: ProbeVoucher) -> bool:
        return self._is_deactivated(voucher) and self._is_deleted(voucher)

    def _find_unconfirmed(self, count: int, known: set[str]) -> list[ProbeVoucher]:
        """Return the vouchers that up to ``count`` calls with a lost answer created; report those not found."""
        found: dict[str, ProbeVoucher] = {}

        def all_found() -> bool:
            for voucher in self._session.cloud.list_vouchers(
                created_from=_oldest_creation(self._session.started_at)
            ):
                if voucher.batch == self._session.batch and voucher.id not in known:
                    found.setdefault(
                        voucher.id, ProbeVoucher(voucher.id, is_active=voucher.status != "inactive")
                    )
            return len(found) >= count

        if why := self._poll(all_found):
            self._session.left_behind += [
                f"perhaps an inactive voucher of the batch {self._session.batch!r}: no clear answer came, and {why}"
            ] * (count - len(found))
        return list(found.values())

    def _resolve_unconfirmed(self, voucher: ProbeVoucher) -> None:
        if not voucher.unconfirmed:
            return
        why = self._poll(lambda: voucher.confirm_from(self._session.bookings(voucher)))
        for booking in voucher.unconfirmed:
            self._session.left_behind.append(
                f"perhaps {booking} of the voucher {voucher.id}: no clear answer came, and {why}"
            )
            if booking.kind == "refund":
                voucher.charges[booking.charge_id] -= booking.amount  # not sent again, as it may be booked
        voucher.unconfirmed.clear()

    def _poll(self, found: Callable[[], bool]) -> str:
        """Call ``found`` with backoff until it is true. Return the reason if it never is, else an empty string."""
        waited, pause, answers = 0.0, FIRST_PAUSE_SECONDS, list[bool]()
        while True:
            error = self._attempt(lambda: answers.append(found()))
            if any(answers):
                return ""
            if isinstance(error, CredentialsError):
                return "the list cannot be read"
            if waited >= POLL_TIMEOUT_SECONDS:
                return "it did not appear in the list within two minutes"
            self._session.wait(pause)
            waited, pause = waited + pause, min(2 * pause, POLL_TIMEOUT_SECONDS - waited - pause)

    def _end_reservation(self, voucher: ProbeVoucher) -> None:
        # A charge ends a reservation for certain; whether a cancel call does is not documented.
        session = self._session
        if (
            self._attempt(lambda: session.charge(voucher, voucher.reservation_id, session.new_order_number()))
            is None
        ):
            return
        self._resolve_unconfirmed(voucher)
        if voucher.reservation_id:
            self._attempt(lambda: session.cloud.cancel_reservation(voucher.reservation_id))

    def _refund_rest(self, voucher: ProbeVoucher, charge_id: str) -> None:
        left = voucher.charges[charge_id]
        for amount in (left, left - CENT):
            if amount <= ZERO:
                return
            # Less is tried only after a refusal: without a clear answer the first refund may be booked.
            error = self._attempt(lambda amount=amount: self._session.refund(voucher, charge_id, str(amount)))  # type: ignore[misc]
            if not isinstance(error, RefusedError | CredentialsError):
                self._resolve_unconfirmed(voucher)
                break
        if (left := voucher.charges[charge_id]) > CENT:
            self._session.left_behind.append(
                f"{left} of the charge {charge_id} of the voucher {voucher.id}: the refund was not accepted"
            )

    def _is_deactivated(self, voucher: ProbeVoucher) -> bool:
        if voucher.is_active and self._attempt(lambda: self._session.deactivate(voucher)) is not None:
            self._attempt(lambda: self._read_status(voucher))
        return not voucher.is_active

    def _read_status(self, voucher: ProbeVoucher) -> None:
        voucher.is_active = self._session.cloud.get_voucher(voucher.id).status == "active"

    def _is_deleted(self, voucher: ProbeVoucher) -> bool:
        error = self._attempt(lambda: self._session.cloud.delete_voucher(voucher.id, COMMENT))
        if isinstance(error, OutcomeUnknownError):
            error = self._attempt(lambda: self._session.cloud.get_voucher(voucher.id))
            return isinstance(error, RefusedError) and error.http_status == 404
        return error is None

    def _attempt(self, call: Callable[[], object]) -> Exception | None:
        try:
            self._session.call(call)
        except (VoucherGatewayError, ValueError) as error:
            return error
        return None


def _oldest_creation(at: datetime) -> datetime:
    return at - MAX_CLOCK_SKEW
