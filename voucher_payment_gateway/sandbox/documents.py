"""The API's objects as JSON documents (API 1.8, reference pages of vouchers, reservations and charges)."""

from datetime import datetime, timedelta
from typing import Any

from voucher_payment_gateway.sandbox.records import Booking, Client, Reservation, Voucher
from voucher_payment_gateway.sandbox.store import Store

__all__ = [
    "amount_text",
    "booking_document",
    "client_document",
    "instant",
    "reservation_document",
    "voucher_document",
]


def amount_text(cents: int) -> str:
    """Return cents as the API writes an amount: ``"10.53"``."""
    return f"{cents // 100}.{cents % 100:02d}"


def instant(store: Store, at: datetime) -> str:
    """Return an instant in RFC 3339, as shown by the server's own clock."""
    shown = at + timedelta(seconds=store.behaviour.clock_offset_seconds)
    return shown.isoformat(timespec="seconds")


def voucher_document(
    store: Store, voucher: Voucher, *, balance: bool = False, code: bool = False, pin: bool = False
) -> dict[str, Any]:
    """Return a voucher: ``balance`` adds remaining_amount and deletable, ``code`` and ``pin`` the secrets."""
    active = voucher.status == "active" and voucher.valid_until is not None
    document: dict[str, Any] = {
        "id": voucher.id,
        "client_id": voucher.client_id,
        "sku": voucher.sku,
        "batch": voucher.batch,
        "amount": amount_text(voucher.amount_cents),
        "currency": voucher.currency,
        "valid_until": instant(store, voucher.valid_until) if active and voucher.valid_until else None,
        "validity_value": voucher.validity_value,
        "validity_interval": voucher.validity_interval,
        "status": voucher.status,
        "type": voucher.type,
        "taxable": voucher.taxable,
        "tax_rate": voucher.tax_rate,
        "order_number": voucher.order_number,
        "data": voucher.data,
        "created_at": instant(store, voucher.created_at),
        "updated_at": instant(store, voucher.updated_at),
    }
    if balance:
        document["remaining_amount"] = amount_text(store.remaining_cents(voucher))
        document["deletable"] = not store.undeletable_reason(voucher)
    if code:
        document["code"] = voucher.code
    if pin:
        document["pin"] = voucher.pin
    return document


def reservation_document(store: Store, reservation: Reservation) -> dict[str, Any]:
    """Return a reservation; it contains no currency and no balance."""
    voucher = store.state.vouchers[reservation.voucher_id]
    return {
        "id": reservation.id,
        "voucher_id": reservation.voucher_id,
        "voucher_taxable": voucher.taxable,
        "voucher_tax_rate": voucher.tax_rate,
        "client_id": reservation.client_id,
        "amount": amount_text(reservation.amount_cents),
        "valid_until": instant(store, reservation.valid_until),
        "created_at": instant(store, reservation.created_at),
        "updated_at": instant(store, reservation.created_at),
    }


def booking_document(store: Store, booking: Booking) -> dict[str, Any]:
    """Return a charge, refund or recharge; a refund does not name its charge."""
    return {
        "id": booking.id,
        "voucher_id": booking.voucher_id,
        "client_id": booking.client_id,
        "type": booking.type,
        "amount": amount_text(booking.amount_cents),
        "order_number": booking.order_number,
        "created_at": instant(store, booking.created_at),
        "updated_at": instant(store, booking.created_at),
    }


def client_document(store: Store, client: Client) -> dict[str, Any]:
    """Return a client with its credentials, under the field names of the switch ``connect_fields``."""
    named: dict[str, Any] = {}
    if store.behaviour.connect_fields in ("reference", "both"):
        named |= {"id": client.id, "secret": client.secret}
    if store.behaviour.connect_fields in ("guide", "both"):
        named |= {"client_id": client.id, "client_secret": client.secret}
    return named | {
        "client_group_id": client.group_id,
        "name": client.name,
        # The reference shows the rights of an older model here, not the OAuth scopes.
        "scopes": [],
        "created_at": instant(store, client.created_at),
        "updated_at": instant(store, client.connected_at or client.created_at),
        "connected_at": instant(store, client.connected_at or client.created_at),
        "type": client.type,
    }
