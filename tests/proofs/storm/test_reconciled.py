"""The oracle of ``reconcile`` judges an order as ``reconcile`` itself does: without what a clerk refunded by hand."""

from decimal import Decimal as D

import pytest

from tests.proofs.storm.reconciled import reconcile_problems
from voucher_payment_gateway import gateway

CODE = "GIFT-2000-ABCD"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_hand", ["5.00", "3.00"], ids=["all that is too much", "a part of it"])
def test_what_a_clerk_refunded_does_not_count_as_overpaid(by_hand, shop):
    """Five are too much: reconcile tells the order only where it keeps more than it costs after the clerk's refund."""
    voucher, order = shop.voucher("20.00", code=CODE), shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    order.total = D("15.00")
    order.save()
    (charge,) = shop.cloud.bookings(voucher.id)
    shop.cloud.refund(charge.id, by_hand, client_id=shop.cloud.add_client(name="Clerk").id)
    shop.later(hours=3)
    assert reconcile_problems(shop.cloud, [voucher]) == []
