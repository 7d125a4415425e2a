"""What the test shop does in the same way, whether it sends signals or changes a status."""

import secrets
from typing import ClassVar

from tests.shop.models import Order
from voucher_payment_gateway.testing import VoucherConformance

NO_CARD = "the test shop has no other payment method: what is due is collected on delivery"
NO_PARTS = "a status says nothing about an amount"


class ConformingShop(VoucherConformance):
    cannot: ClassVar = {"confirm_declined": NO_CARD, "paid_otherwise": NO_CARD}

    def make_order(self, total):
        return Order.objects.create(number=f"C-{secrets.token_hex(4)}", total=total)

    def change_total(self, order, total):
        Order.objects.filter(pk=order.pk).update(total=total)
