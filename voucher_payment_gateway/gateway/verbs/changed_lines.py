"""Log where a paid order and its vouchers differ that an event changes no more: only a person knows what was meant."""

from collections.abc import Sequence

from voucher_payment_gateway.gateway.records.line_keys import SoldLines
from voucher_payment_gateway.log_events import SaleEvents
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.short_memory import is_first
from voucher_payment_gateway.sold import SoldVoucher

__all__ = ["report_changed_lines", "report_returned"]

QUIET_SECONDS = 24 * 3600
"""How often the same difference is logged."""


def report_returned(sales: Sequence[VoucherSale]) -> None:
    """Log which vouchers of an order were taken back before: an event that comes twice, or late, is no second payment,
    but only a person knows whether this one was."""
    for sale in sales:
        if sale.end_reason == "returned" and is_first(f"returned.{sale.pk}", QUIET_SECONDS):
            was_taken_back = f"its gift voucher …{sale.code_hint} was taken back and is not sold again"
            never_was = "it was taken back and is not sold again, before its gift voucher was created"
            SaleEvents.line_sold_before.log(
                was_taken_back if sale.code_hint else never_was,
                order_number=sale.order_number,
                sale=sale.pk,
                code_hint=sale.code_hint,
            )


def report_changed_lines(sales: Sequence[VoucherSale], sold: Sequence[SoldVoucher], currency: str) -> None:
    """Log which active vouchers of an order, whose ``sales`` these are, have another amount or ``currency`` than their
    line has now, or no line any more."""
    known = SoldLines(sales, sold)
    lines = {sale.pk: voucher for voucher in sold if (sale := known.sale_of(voucher))}
    for sale in sales:
        line = lines.get(sale.pk)
        if (
            sale.origin != "sold"
            or sale.status != "active"
            or sale.target != "active"
            or _is_as_sold(sale, line, currency)
        ):
            continue
        if is_first(f"line.{sale.pk}.{line.amount if line else ''}.{currency}", QUIET_SECONDS):
            SaleEvents.line_changed.log(
                _change(sale, line, currency),
                order_number=sale.order_number,
                sale=sale.pk,
                code_hint=sale.code_hint,
                amount=sale.amount,
                currency=sale.currency,
                line_amount=line.amount if line else None,
                line_currency=currency,
            )


def _is_as_sold(sale: VoucherSale, line: SoldVoucher | None, currency: str) -> bool:
    """Return whether the voucher has what its line says: as it was sold, or with what it was topped up by since."""
    worth = (sale.amount, sale.amount + sale.amount_topped_up)
    return line is not None and currency == sale.currency and line.amount in worth


def _change(sale: VoucherSale, line: SoldVoucher | None, currency: str) -> str:
    """Return how the line of the voucher has changed, and what to do about it."""
    if line is None:
        return f"no line has the key {sale.key!r} any more. If it was returned, take it back"
    return (
        f"its line says {line.amount} {currency} now. Top it up, or take it back and give the line a new key"
    )
