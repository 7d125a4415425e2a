"""A confirmed order is charged in full, whatever part of it an earlier capture had reserved."""

from decimal import Decimal as D

import pytest

from tests.shop import signals as events
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.models import VoucherPayment


def test_a_part_that_was_reserved_and_not_charged_does_not_limit_the_next_capture(
    shop, gateway_settings, monkeypatch
):
    gateway_settings(EVENTS={"capture": "tests.shop.signals.shipped"})
    voucher, order = shop.voucher("50.00"), shop.order("50.00")
    gateway.authorize(order, voucher.code)
    gateway.authorize_selected(order)

    def is_down():
        raise UnavailableError

    with monkeypatch.context() as patched:
        patched.setattr(voucher_cloud(), "authenticate", is_down)
        with pytest.raises(UnavailableError):
            gateway.capture(order, "20.00")
    assert VoucherPayment.objects.get().amount_authorized == D("20.00")
    order.total = D("0.00")
    order.save()
    shop.later(minutes=2)
    gateway.settle()  # withdraws the part
    order.total = D("50.00")
    order.save()
    events.shipped.send(sender=None, order=order)
    assert sum(amount for _, amount in shop.bookings(voucher)) == D("50.00")
