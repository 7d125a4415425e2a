"""Bookings: refund a charge, recharge a voucher, list and read what was booked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from voucher_payment_gateway.sandbox.documents import booking_document
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.paging import envelope, within
from voucher_payment_gateway.sandbox.problems import voucher_not_found
from voucher_payment_gateway.sandbox.records import Booking, Client, Voucher
from voucher_payment_gateway.sandbox.store import Books, fresh_id

__all__ = ["book", "list_page", "read", "recharge", "refund"]

_LARGEST_BALANCE = 999_999_99
"""In cents: the most that nine characters of an amount can say."""


def book(
    books: Books,
    client: Client,
    voucher: Voucher,
    kind: str,
    cents: int,
    number: str | None,
    *,
    charge_id: str = "",
    resource: str = "CHARGE",
) -> Booking:
    """Move ``cents`` on the voucher and write it down; the caller has checked that it may be."""
    if books.behaviour.order_number_unique and kind != "refund":
        used = {other.order_number for other in books.bookings_of(voucher) if other.type != "refund"}
        if number in used:
            raise books.refuse(resource, "order_number")
    booking = Booking(fresh_id(), voucher.id, client.id, kind, cents, number, books.now(), charge_id)
    voucher.balance_cents += -cents if kind == "charge" else cents
    voucher.booking_ids.append(booking.id)
    books.state.bookings[booking.id] = booking
    books.ledger.booked(booking_document(books, booking), booking.created_at)
    books.touch()
    return booking


def refund(books: Books, client: Client, charge_id: str, body: Mapping[str, Any]) -> Booking:
    """Give a charge back to its voucher, in whole or in part. ``POST /charges/{id}/refund``.

    The amount is at least 0.01; its upper limit is a switch. Two equal refunds are two bookings: nothing in
    the request tells them apart.
    """
    fields = Fields("CHARGE.REFUND", body)
    cents, currency = fields.cents(smallest=1), fields.currency()
    fields.done()
    charge = books.state.bookings.get(charge_id)
    if charge is None or charge.type != "charge":
        raise books.refuse("CHARGE", "unknown_charge", missing=True)
    voucher, rules = books.state.vouchers[charge.voucher_id], books.behaviour
    if rules.refund_by_other_client == "refuse" and charge.client_id != client.id:
        raise books.refuse("CHARGE", "other_client")
    if voucher.currency != currency:
        raise books.refuse("CHARGE", "currency")
    if rules.refund_to_unusable_voucher == "refuse" and not books.usable(voucher):
        raise books.refuse("CHARGE", "unusable")
    earlier = sum(other.amount_cents for other in books.bookings_of(voucher) if other.charge_id == charge.id)
    limit = charge.amount_cents - (earlier if rules.refund_limit_shrinks else 0)
    if cents > limit or (cents == limit and rules.refund_limit == "less_than"):
        raise books.refuse("CHARGE", "limit")
    _check_room(books, voucher, cents, "CHARGE")
    number = charge.order_number if rules.refund_carries_order_number else None
    return book(books, client, voucher, "refund", cents, number, charge_id=charge.id)


def recharge(books: Books, client: Client, body: Mapping[str, Any]) -> Booking:
    """Put money on a voucher that is named by ``code`` or by ``id``. ``POST /vouchers/recharge``."""
    fields = Fields("VOUCHER.RECHARGE", body)
    cents = fields.cents(smallest=0 if books.behaviour.accepts_zero else 1)
    currency, number = fields.currency(), fields.text("order_number", required=True)
    voucher_id = fields.text("id", required=not body.get("code"))
    code = fields.text("code", required=not body.get("id"))
    fields.done()
    voucher = books.voucher_by_code(code) if code else books.voucher(voucher_id)
    if voucher is None:
        raise voucher_not_found()
    if voucher_id and voucher.id != voucher_id:
        raise books.refuse("VOUCHER", "code_and_id_differ")
    if voucher.currency != currency:
        raise books.refuse("VOUCHER", "currency")
    if books.behaviour.recharge_of_unusable_voucher == "refuse" and not books.usable(voucher):
        raise books.refuse("VOUCHER", "unusable")
    _check_room(books, voucher, cents, "VOUCHER")
    return book(books, client, voucher, "recharge", cents, number, resource="VOUCHER")


def list_page(books: Books, voucher_id: str, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return one page of a voucher's bookings. ``GET /vouchers/{id}/charges``."""
    voucher = books.voucher(voucher_id)
    in_time = within(books, query, "VOUCHER")
    newest = books.now() - timedelta(seconds=books.behaviour.list_lag_seconds)
    rows = [
        booking
        for booking in books.bookings_of(voucher)
        if booking.created_at <= newest
        and in_time(booking.created_at)
        and _number_matches(books, booking, query.get("filter[order_number]"))
    ]
    return envelope(books, query, path, rows, lambda booking: booking_document(books, booking))


def read(books: Books, voucher_id: str, charge_id: str) -> Booking:
    """Return one booking of a voucher. ``GET /vouchers/{id}/charges/{charge_id}``."""
    voucher = books.voucher(voucher_id)
    booking = books.state.bookings.get(charge_id)
    if booking is None or booking.voucher_id != voucher.id:
        raise books.refuse("CHARGE", "unknown_charge", missing=True)
    return booking


def _number_matches(books: Books, booking: Booking, wanted: str | None) -> bool:
    if wanted is None or books.behaviour.order_number_filter == "ignored":
        return True
    number = booking.order_number or ""
    if books.behaviour.order_number_filter == "prefix":
        return number.startswith(wanted)
    return number == wanted


def _check_room(books: Books, voucher: Voucher, cents: int, resource: str) -> None:
    if voucher.balance_cents + cents > _LARGEST_BALANCE:
        raise books.refuse(resource, "balance_too_large")
