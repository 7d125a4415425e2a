"""What the orders of the test shop sell: their ``note`` names keys and amounts, such as ``"a=50.00 b=20.00"``."""

from decimal import Decimal

from voucher_payment_gateway.orders import SoldVoucher

RECIPIENT = "ada@example.org"


def vouchers(order):
    pairs = [pair.partition("=") for pair in order.note.split()]
    return [SoldVoucher(key, Decimal(amount), recipient_email=RECIPIENT) for key, _, amount in pairs]


def is_paid(order):
    return order.status == "paid"
