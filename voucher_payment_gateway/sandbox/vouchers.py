"""Vouchers: create, read, list, change, activate, delete."""

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from voucher_payment_gateway.sandbox.documents import amount_text, voucher_document
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.paging import envelope, within
from voucher_payment_gateway.sandbox.records import Voucher
from voucher_payment_gateway.sandbox.store import Books, fresh_word

__all__ = [
    "INTERVALS",
    "LONGEST_VALIDITY",
    "activate",
    "create",
    "delete",
    "list_page",
    "set_status",
    "update",
    "valid_from",
]

INTERVALS = ("days", "weeks", "months", "years")
LONGEST_VALIDITY = 7000
"""In units of any interval. The reference names no bound; the calendar ends with the year 9999."""
_LAST_YEAR = 9999


def create(books: Books, client_id: str, body: Mapping[str, Any], *, id_field: str = "") -> Voucher:
    """Create an inactive voucher. ``POST /vouchers``; the guide sends ``amount`` and ``currency`` alone.

    ``id`` and ``code`` are made up where they are missing, and unique for ever: also a deleted voucher keeps
    them. ``id_field`` overrides the switch of the same meaning.
    """
    fields = Fields("VOUCHER.CREATE", body)
    voucher_id = _own_id(books, fields, id_field or books.behaviour.create_id_field)
    code = fields.text("code")
    if code and books.code_is_taken(code):
        fields.wrong("code", "unique", "The code has already been taken.")
    cents, currency, taxable = fields.cents(smallest=0), fields.currency(), fields.flag("taxable")
    now = books.now()
    voucher = Voucher(
        id=voucher_id,
        code=code or fresh_word(16),
        pin=fields.text("pin"),
        amount_cents=cents,
        balance_cents=cents,
        currency=currency,
        client_id=client_id,
        created_at=now,
        updated_at=now,
        sku=fields.text("sku"),
        batch=fields.text("batch", largest=30),
        validity_value=fields.integer("validity_value", 36, smallest=1, largest=LONGEST_VALIDITY),
        validity_interval=fields.choice("validity_interval", INTERVALS, "months"),
        type=fields.text("type") or "digital",
        taxable=taxable,
        tax_rate=(fields.text("tax_rate") or None) if body.get("tax_rate") is not None else None,
        order_number=fields.text("order_number"),
        data=fields.text("data", largest=65535),
    )
    if valid_from(voucher, now) is None:
        fields.wrong("validity_value", "max", "The validity_value is too large.")
    fields.done()
    books.add_voucher(voucher, amount_text(cents))
    return voucher


def update(books: Books, voucher_id: str, body: Mapping[str, Any]) -> Voucher:
    """Change ``sku`` and ``batch`` of an inactive voucher. ``PATCH /vouchers/{id}``."""
    voucher = books.voucher(voucher_id)
    fields = Fields("VOUCHER.UPDATE", body)
    sku, batch = fields.text("sku"), fields.text("batch", largest=30)
    fields.done()
    if voucher.status != "inactive":
        raise books.refuse("VOUCHER", "not_inactive")
    voucher.sku = sku if "sku" in body else voucher.sku
    voucher.batch = batch if "batch" in body else voucher.batch
    _changed(books, voucher)
    return voucher


def set_status(books: Books, voucher_id: str, body: Mapping[str, Any]) -> Voucher:
    """Activate or deactivate a voucher. ``PATCH /vouchers/{id}/status``."""
    voucher = books.voucher(voucher_id)
    fields = Fields("VOUCHER.STATUS", body)
    status = fields.choice("status", ("active", "inactive"))
    fields.text("comment", required=books.behaviour.status_comment_required)
    fields.done()
    if status == voucher.status and books.behaviour.repeated_status == "refuse":
        raise books.refuse("VOUCHER", "status_unchanged")
    if status == "active":
        activate(books, voucher)
    voucher.status = status
    _changed(books, voucher)
    return voucher


def activate(books: Books, voucher: Voucher) -> None:
    """Make a voucher redeemable and compute until when, unless it is active already."""
    restart = voucher.status != "active" and books.behaviour.reactivation_restarts_validity
    if voucher.valid_until is None or restart:
        voucher.valid_until = valid_from(voucher, books.now())
        if voucher.valid_until is None:
            raise books.refuse("VOUCHER", "validity_too_long")
    voucher.status = "active"
    books.touch()


def delete(books: Books, voucher_id: str, body: Mapping[str, Any]) -> None:
    """Delete an inactive voucher without charges. ``DELETE /vouchers/{id}``, with a comment in its body."""
    voucher = books.voucher(voucher_id)
    fields = Fields("VOUCHER.DELETE", body)
    fields.text("comment", required=True)
    fields.done()
    if reason := books.keeps_from_deleting(voucher):
        raise books.refuse("VOUCHER", reason)
    voucher.deleted, voucher.balance_cents = True, 0
    books.ledger.withdrawn(voucher.id, books.now())
    _changed(books, voucher)


def list_page(books: Books, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return one page of vouchers with balances, without codes. ``GET /vouchers``."""
    in_time = within(books, query, "VOUCHER")
    number = query.get("filter[order_number]")
    rows = [
        voucher
        for voucher in books.state.vouchers.values()
        if not voucher.deleted and in_time(voucher.created_at) and number in (None, voucher.order_number)
    ]
    return envelope(books, query, path, rows, lambda voucher: voucher_document(books, voucher, balance=True))


def valid_from(voucher: Voucher, start: datetime) -> datetime | None:
    """Return until when a voucher activated at ``start`` is valid; None where the calendar ends before."""
    try:
        match voucher.validity_interval:
            case "days":
                return start + timedelta(days=voucher.validity_value)
            case "weeks":
                return start + timedelta(weeks=voucher.validity_value)
            case "months":
                return _months_later(start, voucher.validity_value)
            case _:
                return _months_later(start, 12 * voucher.validity_value)
    except OverflowError:
        return None


def _months_later(start: datetime, months: int) -> datetime | None:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > _LAST_YEAR - 1:
        return None
    last_day = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last_day))


def _own_id(books: Books, fields: Fields, id_field: str) -> str:
    # The errors speak of custom_id whichever name the body uses: so do the documented codes.
    names = ("id", "custom_id") if id_field == "both" else (id_field,)
    given = [text for name in names if (text := fields.text(name, called="custom_id"))]
    if not given:
        return fresh_word(16)
    if given[0] in books.state.vouchers:
        fields.wrong("custom_id", "unique", "The custom_id has already been taken.")
    return given[0]


def _changed(books: Books, voucher: Voucher) -> None:
    voucher.updated_at = books.now()
    books.touch()
