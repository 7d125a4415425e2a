"""Reservations: hold an amount, charge it, let it go."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from voucher_payment_gateway.sandbox.charges import book
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.problems import ApiError, voucher_not_found
from voucher_payment_gateway.sandbox.records import Booking, Client, Reservation, Voucher
from voucher_payment_gateway.sandbox.store import Books, fresh_id

__all__ = ["RESERVATION_LIFE", "cancel", "charge", "reserve"]

RESERVATION_LIFE = timedelta(minutes=30)
"""Documented: guide, step 6.1."""


def reserve(books: Books, client: Client, body: Mapping[str, Any]) -> Reservation:
    """Hold ``amount`` on the voucher with this code for 30 minutes, in place of any older hold.

    ``POST /reservations``. What happens to the older hold when the new one is refused is a switch.
    """
    fields = Fields("RESERVATION.CREATE", body)
    cents = fields.cents(smallest=0 if books.behaviour.accepts_zero else 1)
    currency, code, pin = fields.currency(), fields.text("code", required=True), fields.text("pin")
    fields.done()
    voucher = books.voucher_by_code(code)
    if voucher is None:
        raise _unknown_code(books)
    try:
        _admit(books, client, voucher, pin, currency, cents)
    except ApiError:
        if books.behaviour.refused_reserve_kills_hold:
            _replace(books, voucher)
        raise
    _replace(books, voucher)
    now = books.now()
    reservation = Reservation(fresh_id(), voucher.id, client.id, cents, now, now + RESERVATION_LIFE)
    books.state.reservations[reservation.id] = reservation
    voucher.last_reservation_id = reservation.id
    books.touch()
    return reservation


def charge(
    books: Books,
    client: Client,
    reservation_id: str,
    body: Mapping[str, Any],
    arrived_at: datetime | None = None,
) -> Booking:
    """Book the whole reserved amount. ``POST /reservations/{id}/charge``; the body names no amount.

    ``arrived_at`` is when the request came in, where that was earlier than now.
    """
    fields = Fields("RESERVATION.CHARGE", body)
    number = fields.text("order_number", required=True)
    fields.done()
    reservation = _reservation(books, client, reservation_id)
    if reservation.charge_id and books.behaviour.second_charge == "same":
        return books.state.bookings[reservation.charge_id]
    if reservation.charge_id and books.behaviour.second_charge == "refuse":
        raise books.refuse("RESERVATION", "charged")
    if not books.in_force(reservation, arrived_at or books.now()):
        raise books.refuse("RESERVATION", "closed", missing=books.behaviour.forgets_closed_reservations)
    voucher = books.state.vouchers[reservation.voucher_id]
    if not books.usable(voucher):
        raise books.refuse("RESERVATION", "unusable")
    if voucher.balance_cents < reservation.amount_cents:
        raise books.refuse("RESERVATION", "balance")
    booking = book(books, client, voucher, "charge", reservation.amount_cents, number, resource="RESERVATION")
    reservation.charge_id = booking.id
    return booking


def cancel(books: Books, client: Client, reservation_id: str) -> None:
    """Let a hold go. ``DELETE /reservations/{id}``, a call that no page documents."""
    reservation = _reservation(books, client, reservation_id)
    if reservation.charge_id or not books.in_force(reservation, books.now()):
        raise books.refuse("RESERVATION", "closed", missing=books.behaviour.forgets_closed_reservations)
    reservation.cancelled_at = books.now()
    books.touch()


def _admit(books: Books, client: Client, voucher: Voucher, pin: str, currency: str, cents: int) -> None:
    if not books.usable(voucher):
        raise books.refuse("RESERVATION", "unusable")
    if voucher.group_id not in ("", client.group_id):
        raise books.refuse("RESERVATION", "foreign_group")
    if voucher.pin and voucher.pin != pin:
        voucher.wrong_pins += 1
        books.touch()
        raise books.refuse("RESERVATION", "pin")
    if voucher.currency != currency:
        raise books.refuse("RESERVATION", "currency")
    held = books.held_cents(voucher) if books.behaviour.reserve_checks == "balance_minus_hold" else 0
    if cents > voucher.balance_cents - held:
        raise books.refuse("RESERVATION", "balance")


def _replace(books: Books, voucher: Voucher) -> None:
    older = books.state.reservations.get(voucher.last_reservation_id)
    if older is not None and older.replaced_at is None:
        older.replaced_at = books.now()
        books.touch()


def _reservation(books: Books, client: Client, reservation_id: str) -> Reservation:
    reservation = books.state.reservations.get(reservation_id)
    if reservation is None or reservation.client_id != client.id:
        raise books.refuse("RESERVATION", "unknown_reservation", missing=True)
    return reservation


def _unknown_code(books: Books) -> ApiError:
    if books.behaviour.error_codes == "opaque":
        return books.refuse("RESERVATION", "unknown_code")
    books.refusals.append("unknown_code")
    return voucher_not_found()
