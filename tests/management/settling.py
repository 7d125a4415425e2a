"""A process that settles every minute: ``python -m tests.management.settling BASE_URL [SECONDS]``.

It has a database of its own, and in it an order whose charge is unknown if the Voucher Cloud loses the answer.
"""

import sys
from datetime import timedelta

from tests.proofs.storm.bench import database

__all__ = ["CODE"]

CODE = "GIFT-2000-ABCD"


def main(base_url: str, every: str = "60") -> None:
    with database():
        from django.conf import settings
        from django.core.management import call_command
        from django.test import override_settings
        from django.utils import timezone

        known = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": base_url}
        with override_settings(VOUCHER_PAYMENT_GATEWAY=known):
            _lose_a_charge(timezone.now() - timedelta(minutes=5))
            call_command("voucher_settle", "--every", every)
            print("ended in good order", flush=True)


def _lose_a_charge(long_ago) -> None:
    from tests.shop.models import Order
    from voucher_payment_gateway import gateway
    from voucher_payment_gateway.exceptions import OutcomeUnknownError
    from voucher_payment_gateway.models import VoucherOperation

    order = Order.objects.create(number="A-1001", total="20.00")
    gateway.authorize(order, CODE)
    try:
        gateway.capture(order)
    except OutcomeUnknownError:
        VoucherOperation.objects.filter(state="unknown").update(due_at=long_ago)


if __name__ == "__main__":
    main(*sys.argv[1:])
