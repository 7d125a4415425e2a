"""The JSON of the customer's own pages, for storefronts that draw their own. Amounts are strings with two decimals."""

from typing import Any

from voucher_payment_gateway.api import Charge
from voucher_payment_gateway.checkout.problems import Problem
from voucher_payment_gateway.customer.own_vouchers import OwnVoucher
from voucher_payment_gateway.gateway.verbs.check_balance import VoucherBalance
from voucher_payment_gateway.money import ZERO

__all__ = ["balance_document", "history_document", "voucher_document"]


def voucher_document(own: OwnVoucher) -> dict[str, Any]:
    """Return one voucher of the customer; ``balance`` is null where it could not be read."""
    sale = own.sale
    return {
        "key": own.key,
        "hint": own.hint,
        "currency": own.currency,
        "balance": None if own.balance is None else f"{own.balance:.2f}",
        "valid_until": own.valid_until.isoformat() if own.valid_until else None,
        "status": own.state,
        "bought_with": sale.order_number if sale else None,
        "amount": f"{sale.amount + sale.amount_topped_up:.2f}" if sale else None,
        "used_for": [
            {"order": use.order_number, "amount": f"{use.amount:.2f}", "refunded": f"{use.refunded:.2f}"}
            for use in own.uses
        ],
    }


def history_document(bookings: list[Charge] | None) -> list[dict[str, Any]] | None:
    """Return the bookings of a voucher, newest first; null where they could not be read."""
    if bookings is None:
        return None
    return [
        {
            "type": booking.type,
            "amount": f"{booking.amount:.2f}",
            "at": booking.created_at.isoformat() if booking.created_at else None,
        }
        for booking in bookings
    ]


def balance_document(balance: VoucherBalance | None, problem: Problem | None) -> dict[str, Any]:
    """Return the answer of the balance check."""
    return {
        "balance": None if balance is None else f"{max(balance.amount, ZERO):.2f}",
        "currency": None if balance is None else balance.currency,
        "valid_until": balance.valid_until.isoformat() if balance and balance.valid_until else None,
        "error": None
        if problem is None
        else {"code": problem.code, "message": problem.message, "field": problem.field or None},
    }
