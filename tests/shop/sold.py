"""What the orders of the test shop sell: their ``note`` names keys and amounts, such as ``"a=50.00 b=20.00"``."""

from decimal import Decimal

from voucher_payment_gateway.orders import SoldVoucher

RECIPIENT = "ada@example.org"

DETAILS = {}
"""By key: the fields of a sold voucher that differ from those of the others. Tests change it."""


def vouchers(order):
    pairs = [pair.partition("=") for pair in order.note.split()]
    return [voucher(key, amount) for key, _, amount in pairs]


def voucher(key, amount):
    return SoldVoucher(key, Decimal(amount), **{"recipient_email": RECIPIENT, **DETAILS.get(key, {})})


def is_paid(order):
    return order.status == "paid"
