"""The reference of a new charge or recharge, by which a lost answer is found again."""

import secrets

from voucher_payment_gateway.rules.evidence import charge_reference

__all__ = ["new_reference"]

TOKEN_BYTES = 5


def new_reference(order_number: str, number: int) -> str:
    """Return the order number to send with the ``number``-th booking of an order, with a new random token."""
    return charge_reference(order_number, number, secrets.token_hex(TOKEN_BYTES))
