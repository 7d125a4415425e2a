"""Limits on guessing codes: what fails is counted, and refused before it is sent.

with throttle.attempt(request):
    payment = gateway.authorize(order, code, pin=pin)
"""

from voucher_payment_gateway.throttle._attempt import attempt
from voucher_payment_gateway.throttle._counts import counts_exactly, is_shared

__all__ = ["attempt", "counts_exactly", "is_shared"]
