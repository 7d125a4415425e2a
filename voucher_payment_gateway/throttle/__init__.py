"""Rate limits against guessing codes: failed attempts are counted, and beyond a limit refused before they are sent.

with throttle.attempt(request):
    payment = gateway.authorize(order, code, pin=pin)
"""

from voucher_payment_gateway.throttle._attempt import Attempt, attempt
from voucher_payment_gateway.throttle._counts import counts_exactly, is_shared

__all__ = ["Attempt", "attempt", "counts_exactly", "is_shared"]
