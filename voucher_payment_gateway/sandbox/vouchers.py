"""Vouchers: create, read, list, change, activate, delete."""

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from voucher_payment_gateway.sandbox.documents import amount_text, voucher_document
from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.paging import envelope, within
from voucher_payment_gateway.sandbox.records import Voucher
from voucher_payment_gateway.sandbox.store import Store, fresh_word

__all__ = [
    "INTERVALS",
    "MAX_VALIDITY",
    "activate",
    "create",
    "delete",
    "list_page",
    "set_status",
    "update",
    "valid_from",
]

INTERVALS = ("days", "weeks", "months", "years")
MAX_VALIDITY = 7000
"""In units of any interval. The reference names no maximum; the calendar ends with the year 9999."""
_LAST_YEAR = 9999


def create(store: Store, client_id: str, body: Mapping[str, Any], *, id_field: str = "") -> Voucher:
    """Create an inactive voucher. ``POST /vouchers``; the guide sends ``amount`` and ``currency`` alone.

    ``amount`` may be 0.00, for a voucher that is recharged later (changelog, 1.1). Missing ``id`` and ``code`` are
    generated; they stay unique, since a deleted voucher keeps them. ``id_field`` overrides ``create_id_field``.
    """
    fields = Fields("VOUCHER.CREATE", body)
    voucher_id = _own_id(store, fields, id_field or store.behaviour.create_id_field)
    code = fields.text("code")
    if code and store.code_is_taken(code):
        fields.add_error("code", "unique", "The code has already been taken.")
    cents, currency, taxable = fields.cents(minimum=0), fields.currency(), fields.flag("taxable")
    now = store.now()
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
        batch=fields.text("batch", max_length=30),
        validity_value=fields.integer("validity_value", 36, minimum=1, maximum=MAX_VALIDITY),
        validity_interval=fields.choice("validity_interval", INTERVALS, "months"),
        type=fields.text("type") or "digital",
        taxable=taxable,
        tax_rate=(fields.text("tax_rate") or None) if body.get("tax_rate") is not None else None,
        order_number=fields.text("order_number"),
        data=fields.text("data", max_length=65535),
    )
    if valid_from(voucher, now) is None:
        fields.add_error("validity_value", "max", "The validity_value is too large.")
    fields.raise_errors()
    store.add_voucher(voucher, amount_text(cents))
    return voucher


def update(store: Store, voucher_id: str, body: Mapping[str, Any]) -> Voucher:
    """Change ``sku`` and ``batch`` of an inactive voucher. ``PATCH /vouchers/{id}``."""
    voucher = store.voucher(voucher_id)
    fields = Fields("VOUCHER.UPDATE", body)
    sku, batch = fields.text("sku"), fields.text("batch", max_length=30)
    fields.raise_errors()
    if voucher.status != "inactive":
        raise store.business_error("VOUCHER", "not_inactive")
    voucher.sku = sku if "sku" in body else voucher.sku
    voucher.batch = batch if "batch" in body else voucher.batch
    _changed(store, voucher)
    return voucher


def set_status(store: Store, voucher_id: str, body: Mapping[str, Any]) -> Voucher:
    """Activate or deactivate a voucher. ``PATCH /vouchers/{id}/status``."""
    voucher = store.voucher(voucher_id)
    fields = Fields("VOUCHER.STATUS", body)
    status = fields.choice("status", ("active", "inactive"))
    fields.text("comment", required=store.behaviour.status_comment_required)
    fields.raise_errors()
    if status == voucher.status and store.behaviour.repeated_status == "refuse":
        raise store.business_error("VOUCHER", "status_unchanged")
    if status == "active":
        activate(store, voucher)
    voucher.status = status
    _changed(store, voucher)
    return voucher


def activate(store: Store, voucher: Voucher) -> None:
    """Make a voucher redeemable and compute its ``valid_until``, unless it is active already."""
    restart = voucher.status != "active" and store.behaviour.reactivation_restarts_validity
    if voucher.valid_until is None or restart:
        voucher.valid_until = valid_from(voucher, store.now())
        if voucher.valid_until is None:
            raise store.business_error("VOUCHER", "validity_too_long")
    voucher.status = "active"
    store.mark_changed()


def delete(store: Store, voucher_id: str, body: Mapping[str, Any]) -> None:
    """Delete an inactive voucher without charges. ``DELETE /vouchers/{id}``, with a comment in its body."""
    voucher = store.voucher(voucher_id)
    fields = Fields("VOUCHER.DELETE", body)
    fields.text("comment", required=True)
    fields.raise_errors()
    if reason := store.undeletable_reason(voucher):
        raise store.business_error("VOUCHER", reason)
    voucher.deleted, voucher.balance_cents = True, 0
    store.ledger.withdrawn(voucher.id, store.now())
    _changed(store, voucher)


def list_page(store: Store, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """Return one page of vouchers with balances, without codes. ``GET /vouchers``."""
    in_time = within(store, query)
    number = query.get("filter[order_number]")
    rows = [
        voucher
        for voucher in store.state.vouchers.values()
        if not voucher.deleted and in_time(voucher.created_at) and number in (None, voucher.order_number)
    ]
    return envelope(store, query, path, rows, lambda voucher: voucher_document(store, voucher, balance=True))


def valid_from(voucher: Voucher, start: datetime) -> datetime | None:
    """Return the ``valid_until`` of a voucher activated at ``start``; None if it is beyond the calendar."""
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


def _own_id(store: Store, fields: Fields, id_field: str) -> str:
    # Errors name custom_id whichever field the body uses, as the documented codes do.
    names = ("id", "custom_id") if id_field == "both" else (id_field,)
    given = [text for name in names if (text := fields.text(name, called="custom_id"))]
    if not given:
        return fresh_word(16)
    if given[0] in store.state.vouchers:
        fields.add_error("custom_id", "unique", "The custom_id has already been taken.")
    return given[0]


def _changed(store: Store, voucher: Voucher) -> None:
    voucher.updated_at = store.now()
    store.mark_changed()
