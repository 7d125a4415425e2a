"""Bookings: refund a charge, recharge a voucher, list and read bookings."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from voucher_payment_gateway.sandbox.documents import booking_document
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.paging import envelope, within
from voucher_payment_gateway.sandbox.problems import voucher_not_found
from voucher_payment_gateway.sandbox.records import Booking, Client, Voucher
from voucher_payment_gateway.sandbox.store import Store, fresh_id

__all__ = ["book", "list_page", "read", "recharge", "refund"]

_MAX_BALANCE_CENTS = 999_999_99
"""In cents: the maximum amount of nine characters."""


def book(
    store: Store,
    client: Client,
    voucher: Voucher,
    kind: str,
    cents: int,
    number: str | None,
    *,
    charge_id: str = "",
    resource: str = "CHARGE",
) -> Booking:
    """Change the balance of the voucher by ``cents`` and record the booking; the caller has checked the amount."""
    if store.behaviour.order_number_unique and kind != "refund":
        used = {other.order_number for other in store.bookings_of(voucher) if other.type != "refund"}
        if number in used:
            raise store.business_error(resource, "order_number")
    booking = Booking(fresh_id(), voucher.id, client.id, kind, cents, number, store.now(), charge_id)
    voucher.balance_cents += -cents if kind == "charge" else cents
    voucher.booking_ids.append(booking.id)
    store.state.bookings[booking.id] = booking
    store.ledger.booked(booking_document(store, booking), booking.created_at)
    store.mark_changed()
    return booking


def refund(store: Store, client: Client, charge_id: str, body: Mapping[str, Any]) -> Booking:
    """Refund a charge to its voucher, in full or in part. ``POST /charges/{id}/refund``.

    The amount is at least 0.01; its upper limit is a switch. Two equal refunds are two bookings: the
    request has no idempotency key.
    """
    fields = Fields("CHARGE.REFUND", body)
    cents, currency = fields.cents(minimum=1), fields.currency()
    fields.raise_errors()
    charge = store.state.bookings.get(charge_id)
    if charge is None or charge.type != "charge":
        raise store.business_error("CHARGE", "unknown_charge", missing=True)
    voucher, rules = store.state.vouchers[charge.voucher_id], store.behaviour
    if rules.refund_by_other_client == "refuse" and charge.client_id != client.id:
        raise store.business_error("CHARGE", "other_client")
    if voucher.currency != currency:
        raise store.business_error("CHARGE", "currency")
    if rules.refund_to_unusable_voucher == "refuse" and not store.is_usable(voucher):
        raise store.business_error("CHARGE", "unusable")
    earlier = sum(other.amount_cents for other in store.bookings_of(voucher) if other.charge_id == charge.id)
    limit = charge.amount_cents - (earlier if rules.refund_limit_shrinks else 0)
    if cents > limit or (cents == limit and rules.refund_limit == "less_than"):
        raise store.business_error("CHARGE", "limit")
    _check_room(store, voucher, cents, "CHARGE")
    number = charge.order_number if rules.refund_carries_order_number else None
    return book(store, client, voucher, "refund", cents, number, charge_id=charge.id)


def recharge(store: Store, client: Client, body: Mapping[str, Any]) -> Booking:
    """Add money to a voucher that is named by ``code`` or by ``id``. ``POST /vouchers/recharge``."""
    fields = Fields("VOUCHER.RECHARGE", body)
    cents = fields.cents(minimum=0 if store.behaviour.accepts_zero else 1)
    currency, number = fields.currency(), fields.text("order_number", required=True)
    voucher_id = fields.text("id", required=not body.get("code"))
    code = fields.text("code", required=not body.get("id"))
    fields.raise_errors()
    voucher = store.voucher_by_code(code) if code else store.voucher(voucher_id)
    if voucher is None:
        raise voucher_not_found()
    if voucher_id and voucher.id != voucher_id:
        raise store.business_error("VOUCHER", "code_and_id_differ")
    if voucher.currency != currency:
        raise store.business_error("VOUCHER", "currency")
    if store.behaviour.recharge_of_unusable_voucher == "refuse" and not store.is_usable(voucher):
        raise store.business_error("VOUCHER", "unusable")
    _check_room(store, voucher, cents, "VOUCHER")
    return book(store, client, voucher, "recharge", cents, number, resource="VOUCHER")


def list_page(store: Store, voucher_id: str, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return one page of a voucher's bookings. ``GET /vouchers/{id}/charges``."""
    voucher = store.voucher(voucher_id)
    in_time = within(store, query)
    newest = store.now() - timedelta(seconds=store.behaviour.list_lag_seconds)
    rows = [
        booking
        for booking in store.bookings_of(voucher)
        if booking.created_at <= newest
        and in_time(booking.created_at)
        and _number_matches(store, booking, query.get("filter[order_number]"))
    ]
    return envelope(store, query, path, rows, lambda booking: booking_document(store, booking))


def read(store: Store, voucher_id: str, charge_id: str) -> Booking:
    """Return one booking of a voucher. ``GET /vouchers/{id}/charges/{charge_id}``."""
    voucher = store.voucher(voucher_id)
    booking = store.state.bookings.get(charge_id)
    if booking is None or booking.voucher_id != voucher.id:
        raise store.business_error("CHARGE", "unknown_charge", missing=True)
    return booking


def _number_matches(store: Store, booking: Booking, wanted: str | None) -> bool:
    if wanted is None or store.behaviour.order_number_filter == "ignored":
        return True
    number = booking.order_number or ""
    if store.behaviour.order_number_filter == "prefix":
        return number.startswith(wanted)
    return number == wanted


def _check_room(store: Store, voucher: Voucher, cents: int, resource: str) -> None:
    if voucher.balance_cents + cents > _MAX_BALANCE_CENTS:
        raise store.business_error(resource, "balance_too_large")
