"""The end of a proof on a shop of a host: nothing is open any more."""

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation

__all__ = ["settle_to_the_end"]

MAX_ROUNDS = 80


def settle_to_the_end(later):
    """Settle until nothing is open, and once more for the trailing reads."""
    for _ in range(MAX_ROUNDS):
        if not VoucherOperation.objects.filter(state__in=("due", "sending", "unknown")).exists():
            break
        later(minutes=4)
        gateway.settle()
    later(hours=3)
    gateway.settle()
