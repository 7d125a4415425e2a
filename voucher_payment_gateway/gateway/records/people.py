"""What a sale knows of people, and the request to erase it: at once, or by the write that ends its delivery."""

from typing import Any

from django.db.models import Case, Exists, F, TextField, Value, When

from voucher_payment_gateway.gateway.records.idempotency import Call
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES

__all__ = ["ERASURE", "PEOPLE", "erased_with", "erasure_of", "is_to_be_erased"]

ERASURE = "erase_people"
"""The verb under which a request is stored: one row for each sale, which outlives the order."""

PEOPLE = ("recipient_email", "recipient_name", "message", "reason")
"""The fields of a sale that may name people. ``actor`` is the shop's own clerk."""


def erasure_of(sale: VoucherSale) -> Call:
    """Return the call that asks to erase what this sale knows of people."""
    return Call(ERASURE, sale.order_number, f"sale {sale.pk}")


def is_to_be_erased(sale: VoucherSale) -> bool:
    """Return whether that was asked for."""
    return erasure_of(sale).find() is not None


def erased_with(sale: VoucherSale, changes: dict[str, Any]) -> dict[str, Any]:
    """Return what else is written with ``changes`` that end the delivery of ``sale``, or the sale: its people are
    erased if that was asked for. The database looks, in the same statement: on SQLite a transaction that has read
    cannot wait for the lock to write."""
    is_over = changes.get("status") in ENDED_SALES or changes.get("target") == "taken_back"
    if not is_over and not changes.get("delivered_at"):
        return {}
    call = erasure_of(sale)
    asked = VoucherIdempotencyKey.objects.filter(order_number=call.order_number, verb=call.verb, key=call.key)
    erased = When(Exists(asked), then=Value(""))
    kept = {name: Value(changes[name]) if name in changes else F(name) for name in PEOPLE}
    return {name: Case(erased, default=kept[name], output_field=TextField()) for name in PEOPLE}
