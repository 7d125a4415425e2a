"""Reservations: hold an amount, charge it, release it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from voucher_payment_gateway.sandbox.charges import book
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.problems import ApiError, voucher_not_found
from voucher_payment_gateway.sandbox.records import Booking, Client, Reservation, Voucher
from voucher_payment_gateway.sandbox.store import Store, fresh_id

__all__ = ["RESERVATION_LIFETIME", "cancel", "charge", "reserve"]

RESERVATION_LIFETIME = timedelta(minutes=30)
"""Documented: guide, step 6.1."""


def reserve(store: Store, client: Client, body: Mapping[str, Any]) -> Reservation:
    """Hold ``amount`` on the voucher with this code for 30 minutes; it replaces any earlier hold.

    ``POST /reservations``. Whether a refused request ends the earlier hold is a switch.
    """
    fields = Fields("RESERVATION.CREATE", body)
    cents = fields.cents(minimum=0 if store.behaviour.accepts_zero else 1)
    currency, code, pin = fields.currency(), fields.text("code", required=True), fields.text("pin")
    fields.raise_errors()
    voucher = store.voucher_by_code(code)
    if voucher is None:
        raise _unknown_code(store)
    try:
        _admit(store, client, voucher, pin, currency, cents)
    except ApiError:
        if store.behaviour.refused_reserve_kills_hold:
            _replace(store, voucher)
        raise
    _replace(store, voucher)
    now = store.now()
    reservation = Reservation(fresh_id(), voucher.id, client.id, cents, now, now + RESERVATION_LIFETIME)
    store.state.reservations[reservation.id] = reservation
    voucher.last_reservation_id = reservation.id
    store.mark_changed()
    return reservation


def charge(
    store: Store,
    client: Client,
    reservation_id: str,
    body: Mapping[str, Any],
    arrived_at: datetime | None = None,
) -> Booking:
    """Book the whole reserved amount. ``POST /reservations/{id}/charge``; the body contains no amount.

    ``arrived_at`` is when the request was received, if that was earlier than now.
    """
    fields = Fields("RESERVATION.CHARGE", body)
    number = fields.text("order_number", required=True)
    fields.raise_errors()
    reservation = _reservation(store, client, reservation_id)
    if reservation.charge_id and store.behaviour.second_charge == "same":
        return store.state.bookings[reservation.charge_id]
    if reservation.charge_id and store.behaviour.second_charge == "refuse":
        raise store.business_error("RESERVATION", "charged")
    if not store.is_in_force(reservation, arrived_at or store.now()):
        raise store.business_error(
            "RESERVATION", "closed", missing=store.behaviour.forgets_closed_reservations
        )
    voucher = store.state.vouchers[reservation.voucher_id]
    if not store.is_chargeable(voucher):
        raise store.business_error("RESERVATION", "unusable")
    if voucher.balance_cents < reservation.amount_cents:
        raise store.business_error("RESERVATION", "balance")
    booking = book(store, client, voucher, "charge", reservation.amount_cents, number, resource="RESERVATION")
    reservation.charge_id = booking.id
    return booking


def cancel(store: Store, client: Client, reservation_id: str) -> None:
    """Release a hold. ``DELETE /reservations/{id}``, an undocumented call."""
    reservation = _reservation(store, client, reservation_id)
    if reservation.charge_id or not store.is_in_force(reservation, store.now()):
        raise store.business_error(
            "RESERVATION", "closed", missing=store.behaviour.forgets_closed_reservations
        )
    reservation.cancelled_at = store.now()
    store.mark_changed()


def _admit(store: Store, client: Client, voucher: Voucher, pin: str, currency: str, cents: int) -> None:
    if not store.is_usable(voucher):
        raise store.business_error("RESERVATION", "unusable")
    if voucher.group_id not in ("", client.group_id):
        raise store.business_error("RESERVATION", "foreign_group")
    if voucher.pin and voucher.pin != pin:
        voucher.wrong_pins += 1
        store.mark_changed()
        raise store.business_error("RESERVATION", "pin")
    if voucher.currency != currency:
        raise store.business_error("RESERVATION", "currency")
    held = store.held_cents(voucher) if store.behaviour.reserve_checks == "balance_minus_hold" else 0
    if cents > voucher.balance_cents - held:
        raise store.business_error("RESERVATION", "balance")


def _replace(store: Store, voucher: Voucher) -> None:
    older = store.state.reservations.get(voucher.last_reservation_id)
    if older is not None and older.replaced_at is None:
        older.replaced_at = store.now()
        store.mark_changed()


def _reservation(store: Store, client: Client, reservation_id: str) -> Reservation:
    reservation = store.state.reservations.get(reservation_id)
    if reservation is None or reservation.client_id != client.id:
        raise store.business_error("RESERVATION", "unknown_reservation", missing=True)
    return reservation


def _unknown_code(store: Store) -> ApiError:
    if store.behaviour.error_codes == "opaque":
        return store.business_error("RESERVATION", "unknown_code")
    store.refusals.append("unknown_code")
    return voucher_not_found()
