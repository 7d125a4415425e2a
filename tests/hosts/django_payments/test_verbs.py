"""The verbs of django-payments on the variant ``voucher``, through the views of the shop."""

from decimal import Decimal

import pytest
from django.urls import reverse
from payments import PaymentError

from tests.hosts.django_payments.models import Payment
from voucher_payment_gateway.hosts.django_payments import rows


def test_the_form_asks_for_a_code_and_a_pin(shop):
    page = shop.client.get(reverse("pay", args=[shop.payment().pk])).text
    assert 'name="code"' in page
    assert 'name="pin"' in page
    assert 'action="" method="post"' in page


def test_a_voucher_that_covers_the_row_preauthorizes_it(shop):
    voucher, payment = shop.voucher("20.00"), shop.payment("12.50")
    answer = shop.enter(payment)
    assert answer.headers["Location"] == payment.get_success_url()
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.statuses == ["preauth"]
    (held,) = rows.vouchers_of(payment)
    assert (held.amount_authorized, held.amount_agreed) == (Decimal("12.50"), Decimal("12.50"))
    assert held.confirmed_at is not None
    assert shop.bookings(voucher) == []


def test_capture_charges_and_saves_the_captured_amount(shop):
    payment, voucher = shop.preauthorized("20.00")
    assert shop.staff(payment, "capture").text == "confirmed"
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.statuses == ["preauth", "confirmed"]
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_a_partial_capture_lets_the_rest_go(shop):
    payment, voucher = shop.preauthorized("20.00")
    assert shop.staff(payment, "capture", amount="8.00").text == "confirmed"
    assert shop.row(payment) == ("confirmed", Decimal("8.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("8.00"))]
    assert shop.cloud.balance(voucher.id) == Decimal("12.00")
    (charged,) = rows.vouchers_of(payment)
    assert (charged.amount_agreed, charged.amount_authorized) == (Decimal("8.00"), Decimal("0.00"))


def test_a_capture_of_more_than_is_held_charges_nothing(shop):
    payment, voucher = shop.preauthorized("20.00")
    answer = shop.staff(payment, "capture", amount="20.01")
    assert (answer.status_code, "Nothing was sent" in answer.text) == (400, True)
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.bookings(voucher) == []


def test_a_second_capture_charges_nothing(shop):
    payment, voucher = shop.preauthorized("20.00")
    stale = Payment.objects.get(pk=payment.pk)
    shop.staff(payment, "capture", amount="8.00")
    assert shop.staff(payment, "capture", amount="8.00").status_code == 400
    with pytest.raises(PaymentError, match=r"is confirmed now\. Nothing was sent"):
        stale.capture(Decimal("8.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("8.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("8.00"))


def test_refunds_in_parts_and_then_the_rest(shop):
    payment, voucher = shop.captured("20.00")
    assert shop.staff(payment, "refund", amount="5.00").text == "confirmed"
    assert shop.row(payment) == ("confirmed", Decimal("15.00"))
    assert shop.staff(payment, "refund").text == "refunded"
    assert shop.row(payment) == ("refunded", Decimal("0.00"))
    assert shop.bookings(voucher)[1:] == [("refund", Decimal("5.00")), ("refund", Decimal("15.00"))]
    assert shop.statuses == ["preauth", "confirmed", "refunded"]


def test_release_lets_go_and_ends_as_refunded_as_the_host_defines_it(shop):
    payment, voucher = shop.preauthorized("20.00")
    assert shop.staff(payment, "release").text == "refunded"
    assert shop.row(payment) == ("refunded", Decimal("0.00"))
    assert shop.statuses == ["preauth", "refunded"]
    (released,) = rows.vouchers_of(payment)
    assert (released.status, released.amount_authorized) == ("cancelled", Decimal("0.00"))
    assert shop.bookings(voucher) == []
    assert shop.enter(shop.payment("20.00")).status_code == 302  # another order has the money


def test_release_after_a_capture_elsewhere_gives_nothing_back(shop):
    payment, voucher = shop.preauthorized("20.00")
    stale = Payment.objects.get(pk=payment.pk)
    shop.staff(payment, "capture")
    with pytest.raises(PaymentError, match="Nothing was sent"):
        stale.release()
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_cancel_ends_a_row_that_was_never_paid(shop):
    payment = shop.payment("20.00")
    assert shop.staff(payment, "cancel").text == "cancelled"
    assert shop.enter(payment).headers["Location"] == payment.get_failure_url()
    assert shop.calls() == []


def test_cancel_of_a_paid_row_is_refused(shop):
    payment, voucher = shop.captured("20.00")
    stale = Payment.objects.get(pk=payment.pk)
    stale.status = "waiting"
    with pytest.raises(PaymentError, match="Nothing was sent"):
        stale.cancel()
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert len(shop.bookings(voucher)) == 1


def test_a_variant_that_captures_at_once(shop):
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant="voucher-at-once")
    assert shop.enter(payment).headers["Location"] == payment.get_success_url()
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_a_small_voucher_is_refused_without_lower_total(shop):
    voucher, payment = shop.voucher("20.00"), shop.payment("50.00", variant="voucher-at-once")
    page = shop.enter(payment).text
    assert "This gift voucher holds €20.00, and €50.00 is to pay. Nothing was taken from it." in page
    assert shop.row(payment) == ("waiting", Decimal("0.00"))
    assert Payment.objects.get(pk=payment.pk).total == Decimal("50.00")
    assert shop.bookings(voucher) == []
    assert shop.enter(shop.payment("20.00")).status_code == 302  # nothing is held any more


def test_a_small_voucher_lowers_the_total_where_the_shop_asked_for_it(shop):
    shop.voucher("20.00")
    payment = shop.payment("50.00")
    assert shop.enter(payment).status_code == 302
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert Payment.objects.get(pk=payment.pk).total == Decimal("20.00")
    assert payment.order.due == Decimal("30.00")


def test_a_refused_code_is_told_at_its_field_and_can_be_corrected(shop):
    shop.voucher("20.00")
    payment = shop.payment("20.00")
    assert "cannot be redeemed" in shop.enter(payment, code="WRONG-CODE-9999").text
    assert shop.row(payment) == ("waiting", Decimal("0.00"))
    assert shop.enter(payment).status_code == 302


def test_an_empty_code_is_no_call(shop):
    payment = shop.payment("20.00")
    assert "This field is required" in shop.enter(payment, code=" ", pin="123").text
    assert shop.calls() == []


def test_a_voucher_with_a_pin(shop):
    shop.voucher("20.00", pin="4711")
    payment = shop.payment("20.00")
    assert "cannot be redeemed" in shop.enter(payment).text
    assert shop.enter(payment, pin="4711").status_code == 302
