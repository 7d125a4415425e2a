from decimal import Decimal

from tests.hosts.oscar.records import sources, steps
from voucher_payment_gateway.models import VoucherPayment

TWENTY, THIRTY = Decimal("20.00"), Decimal("30.00")


def test_a_guest_pays_with_two_vouchers_and_a_card(oscar_shop):
    order, first, second = oscar_shop.ordered("20.00", "5.00", card="tok_1")

    assert order.guest_email == "mara@example.com"
    assert sources(order) == [(TWENTY, 0, 0), (5, 0, 0)]
    assert sources(order, "Card") == [(5, 0, 0)]
    assert steps(order) == [("Authorise", TWENTY), ("Authorise", 5)]
    assert oscar_shop.bookings(first) == oscar_shop.bookings(second) == []


def test_the_payment_is_confirmed_when_the_order_row_is_there(oscar_shop):
    order, _ = oscar_shop.ordered("30.00")

    payment = VoucherPayment.objects.get()
    assert (payment.order_number, payment.status) == (order.number, "authorized")
    assert payment.confirmed_at >= order.date_placed
    assert payment.has_order_row
    assert order.sources.get().reference == payment.reservation_id
