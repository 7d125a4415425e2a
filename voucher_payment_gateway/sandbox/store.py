"""The store that every operation works on: the state with its indexes, clock, behaviour and ledger."""

import random
import secrets
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from voucher_payment_gateway.sandbox.behaviour import Behaviour
from voucher_payment_gateway.sandbox.clock import Clock
from voucher_payment_gateway.sandbox.ledger import BookingFacts, Facts, Ledger, VoucherFacts
from voucher_payment_gateway.sandbox.problems import ApiError, voucher_not_found
from voucher_payment_gateway.sandbox.records import Booking, Reservation, State, Voucher

__all__ = ["CODE_LETTERS", "Store", "fresh_id", "fresh_word"]

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_OPAQUE_CODES = ("E{}", "error.{}", "{}", "VC-{}", "GENERAL.{}", "")


def fresh_id() -> str:
    """Return an opaque id like the examples of the reference: 21 hexadecimal characters."""
    return secrets.token_hex(11)[:21]


def fresh_word(length: int) -> str:
    """Return random capitals and digits, for codes, PINs and voucher ids."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


class Store:
    """State, clock, behaviour and ledger; hold ``lock`` while reading or changing them."""

    def __init__(self, state: State, clock: Clock, behaviour: Behaviour) -> None:
        self.lock = threading.RLock()
        self.state = state
        self.clock = clock
        self.behaviour = behaviour
        self.ledger = Ledger(self.lock, state.entries, self._facts)
        self.refusals: list[str] = []
        """The reason of each business error, oldest first; the answers do not show it."""
        self.changed = False
        self._random = random.Random(0)  # noqa: S311  varies error codes, nothing secret
        self._by_code: dict[str, list[str]] = {}
        for voucher in state.vouchers.values():
            self._index(voucher)

    def now(self) -> datetime:
        return self.clock.now()

    def mark_changed(self) -> None:
        """Mark the state as changed, so that it is saved."""
        self.changed = True

    def add_voucher(self, voucher: Voucher, answered_amount: str) -> None:
        """Add a new voucher."""
        self.state.vouchers[voucher.id] = voucher
        self._index(voucher)
        self.ledger.issued(voucher.id, answered_amount, voucher.currency, self.now(), voucher.client_id)
        self.mark_changed()

    def voucher(self, voucher_id: str) -> Voucher:
        """Return a voucher by its id. Raises the documented 404."""
        voucher = self.state.vouchers.get(voucher_id)
        if voucher is None or voucher.deleted:
            raise voucher_not_found()
        return voucher

    def voucher_by_code(self, code: str) -> Voucher | None:
        """Return the voucher with this code, or None."""
        for voucher_id in self._by_code.get(code.casefold(), ()):
            voucher = self.state.vouchers[voucher_id]
            if not voucher.deleted and (voucher.code == code or not self.behaviour.code_case_sensitive):
                return voucher
        return None

    def code_is_taken(self, code: str) -> bool:
        """Return whether a code was ever used; deleted vouchers keep theirs."""
        others = [self.state.vouchers[voucher_id] for voucher_id in self._by_code.get(code.casefold(), ())]
        return any(other.code == code or not self.behaviour.code_case_sensitive for other in others)

    def bookings_of(self, voucher: Voucher) -> Iterator[Booking]:
        """Yield the bookings of a voucher, oldest first."""
        return (self.state.bookings[booking_id] for booking_id in voucher.booking_ids)

    def is_usable(self, voucher: Voucher) -> bool:
        """Return whether a voucher is active, not expired and not locked."""
        return voucher.status == "active" and self._is_in_time(voucher)

    def is_chargeable(self, voucher: Voucher) -> bool:
        """Return whether an open hold of a voucher can be charged: one that was set inactive is a switch."""
        outlives = self.behaviour.charge_of_inactive_voucher == "accept"
        return self._is_in_time(voucher) if outlives else self.is_usable(voucher)

    def _is_in_time(self, voucher: Voucher) -> bool:
        locked = 0 < self.behaviour.wrong_pins_until_locked <= voucher.wrong_pins
        expired = voucher.valid_until is not None and voucher.valid_until <= self.now()
        return not expired and not locked and not voucher.deleted

    def is_in_force(self, reservation: Reservation, arrived_at: datetime) -> bool:
        """Return whether a request received at ``arrived_at`` may still charge a reservation."""
        now = self.now()
        if reservation.cancelled_at is not None:
            return False
        if now >= reservation.valid_until + timedelta(seconds=self.behaviour.lapse_lag_seconds):
            return False
        if reservation.replaced_at is None:
            return True
        grace = timedelta(seconds=self.behaviour.late_charge_after_replace_seconds)
        return arrived_at < reservation.replaced_at and now - reservation.replaced_at <= grace

    def undeletable_reason(self, voucher: Voucher) -> str:
        """Return the reason why a voucher cannot be deleted, empty if it can."""
        if voucher.booking_ids:
            return "has_charges"
        if voucher.status == "active" and self.behaviour.delete_of_active_voucher == "refuse":
            return "active"
        return ""

    def held_cents(self, voucher: Voucher) -> int:
        """Return the amount of the open reservation of a voucher, 0 if there is none."""
        reservation = self.state.reservations.get(voucher.last_reservation_id)
        if reservation is None or reservation.charge_id or not self.is_in_force(reservation, self.now()):
            return 0
        return reservation.amount_cents

    def remaining_cents(self, voucher: Voucher) -> int:
        """Return the value of ``remaining_amount``."""
        hold = self.held_cents(voucher) if self.behaviour.open_reservation_lowers_balance else 0
        return max(0, voucher.balance_cents - hold)

    def business_error(self, resource: str, reason: str, *, missing: bool = False) -> ApiError:
        """Return the business error for ``reason``, which is recorded for tests and not answered."""
        self.refusals.append(reason)
        status = 404 if missing else self.behaviour.refusal_status
        code = self.behaviour.code_names.get(reason, f"{resource}.REFUSED")  # the vague name is invented here
        if self.behaviour.error_codes == "opaque" and reason not in self.behaviour.code_names:
            code = self._random.choice(_OPAQUE_CODES).format(self._random.randrange(1000, 9999))
        return ApiError(status, code, "The request was refused.", reason=reason)

    def _index(self, voucher: Voucher) -> None:
        self._by_code.setdefault(voucher.code.casefold(), []).append(voucher.id)

    def _facts(self) -> Facts:
        return Facts(
            {
                voucher_id: VoucherFacts(
                    voucher.amount_cents,
                    voucher.balance_cents,
                    voucher.currency,
                    voucher.deleted,
                    tuple(voucher.booking_ids),
                )
                for voucher_id, voucher in self.state.vouchers.items()
            },
            {
                booking_id: BookingFacts(
                    booking.voucher_id,
                    booking.type,
                    booking.amount_cents,
                    booking.order_number,
                    booking.client_id,
                )
                for booking_id, booking in self.state.bookings.items()
            },
        )
