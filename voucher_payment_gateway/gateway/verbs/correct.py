"""Correct a sale that is not delivered yet: to whom, when, and with which words."""

from typing import Any

from django.utils import timezone

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.gateway.records.people import PEOPLE, is_to_be_erased
from voucher_payment_gateway.gateway.verbs.hand_over import LEASE
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.rules.sales import ENDED_SALES
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["corrections", "delivery_of"]

DETAILS = ("recipient_email", "recipient_name", "message", "deliver_at", "language")


def delivery_of(voucher: SoldVoucher) -> str:
    """Return how the code is handed over: by mail only where there is a recipient, else on a page."""
    delivery = gateway_settings().VOUCHER_DELIVERY
    return "page" if delivery == "mail" and not voucher.recipient_email else delivery


def corrections(sale: VoucherSale, voucher: SoldVoucher) -> dict[str, Any]:
    """Return the changes that the shop has made since the sale was written; none after the delivery, nor for a voucher
    that was taken back. Whose people are to be erased is sent to whom it was, with the words that it had."""
    if sale.delivered_at is not None or sale.status in ENDED_SALES or sale.target == "taken_back":
        return {}
    wanted = {name: getattr(voucher, name) for name in DETAILS}
    changes = {name: value for name, value in wanted.items() if value != getattr(sale, name)}
    if changes.keys() & set(PEOPLE) and is_to_be_erased(sale):
        changes = {name: value for name, value in changes.items() if name not in PEOPLE}
    if "recipient_email" in changes:
        changes["delivery"] = delivery_of(voucher)
    if sale.status == "active" and changes.keys() & {"recipient_email", "deliver_at"}:
        changes["deliver_due_at"] = _due_at(sale, voucher, changes.get("delivery", sale.delivery))
    return changes


def _due_at(sale: VoucherSale, voucher: SoldVoucher, delivery: str) -> Any:
    """Return when to deliver it now. An attempt may be under way: then not before its lease has ended for certain."""
    if delivery == "page":
        return None
    now = timezone.now()
    free_at = now if sale.delivery_attempts == 0 else min(sale.deliver_due_at or now + LEASE, now + LEASE)
    return max(voucher.deliver_at or now, free_at, now)
