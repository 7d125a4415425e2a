"""What django-payments leaves open, and its rows nevertheless get right."""

from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction
from django.urls import reverse
from payments import PaymentError
from payments.signals import status_changed

from tests.hosts.django_payments.models import Payment
from voucher_payment_gateway.hosts.django_payments import PaymentAdapter, VoucherProvider, rows

CHARGED = ("charge", Decimal("20.00"))


def at_once(*calls):
    """Make the calls at the same moment, each in a thread with its own connection; return their errors."""
    start, errors = Barrier(len(calls)), []

    def run(call):
        try:
            start.wait()
            call()
        except (PaymentError, ValueError) as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# refunds at the same moment


def test_of_two_refunds_at_once_that_are_too_much_one_is_refused_by_the_ledger(shop):
    payment, voucher = shop.captured("10.00")
    first, second = (Payment.objects.get(pk=payment.pk) for _ in range(2))
    (error,) = at_once(lambda: first.refund(Decimal("8.00")), lambda: second.refund(Decimal("8.00")))
    assert "Nothing was sent" in str(error) or "No money moved" in str(error)
    assert shop.bookings(voucher)[1:] == [("refund", Decimal("8.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("2.00"))


def test_a_refund_by_a_stale_row_is_refused_by_the_ledger(shop):
    payment, voucher = shop.captured("10.00")
    first, second = (Payment.objects.get(pk=payment.pk) for _ in range(2))
    first.refund(Decimal("8.00"))
    with pytest.raises(PaymentError, match="Nothing was sent"):
        second.refund(Decimal("8.00"))
    assert shop.bookings(voucher)[1:] == [("refund", Decimal("8.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("2.00"))


def test_two_refunds_by_stale_rows_are_both_taken_off_the_row(shop):
    payment, voucher = shop.captured("10.00")
    first, second = (Payment.objects.get(pk=payment.pk) for _ in range(2))
    first.refund(Decimal("3.00"))
    second.refund(Decimal("4.00"))
    assert shop.row(payment) == ("confirmed", Decimal("3.00"))
    first.save()  # the whole row, as it was read before the second refund
    assert shop.row(payment) == ("confirmed", Decimal("3.00"))
    assert shop.cloud.balance(voucher.id) == Decimal("7.00")


# the host's transaction


class RollbackError(Exception):
    pass


def refuse(instance, **_):
    raise RollbackError


def test_process_data_that_is_rolled_back_moves_no_money(shop):
    """A receiver of the shop fails inside of the transaction of the host's own view."""
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant="voucher-at-once")
    status_changed.connect(refuse)
    try:
        with pytest.raises(RollbackError):
            shop.post(payment)
    finally:
        status_changed.disconnect(refuse)
    shop.settle()
    assert shop.bookings(voucher) == []
    assert shop.row(payment) == ("waiting", Decimal("0.00"))
    assert not rows.has_vouchers(payment)
    assert shop.post(payment).headers["Location"] == payment.get_success_url()
    assert shop.bookings(voucher) == [CHARGED]


@pytest.mark.parametrize("verb", ["capture", "release"])
def test_a_verb_that_is_rolled_back_changes_nothing(shop, verb):
    payment, voucher = shop.preauthorized("20.00")
    with pytest.raises(RollbackError), transaction.atomic():
        getattr(Payment.objects.get(pk=payment.pk), verb)()
        raise RollbackError
    shop.settle()
    assert shop.bookings(voucher) == []
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.staff(payment, "capture").text == "confirmed"


def test_a_refund_that_is_rolled_back_changes_nothing(shop):
    payment, voucher = shop.captured("20.00")
    with pytest.raises(RollbackError), transaction.atomic():
        Payment.objects.get(pk=payment.pk).refund(Decimal("5.00"))
        raise RollbackError
    shop.settle()
    assert shop.bookings(voucher) == [CHARGED]
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))


def test_in_a_transaction_the_row_is_confirmed_once_the_money_has_moved(shop):
    payment, voucher = shop.preauthorized("20.00")
    with transaction.atomic():
        Payment.objects.get(pk=payment.pk).capture()
        assert shop.row(payment) == ("preauth", Decimal("0.00"))
        assert shop.bookings(voucher) == []
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [CHARGED]
    assert shop.statuses == ["preauth", "confirmed"]
    with transaction.atomic():
        Payment.objects.get(pk=payment.pk).refund()
        assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.row(payment) == ("refunded", Decimal("0.00"))
    assert shop.statuses == ["preauth", "confirmed", "refunded"]


def test_a_capture_returns_the_amount_or_raises(shop):
    """The host takes nothing, or zero, for "not captured yet" and leaves the row as it was, without a word."""
    payment, _ = shop.preauthorized("20.00")
    assert VoucherProvider(capture=False).capture(payment) == Decimal("20.00")
    untouched = shop.payment("20.00")
    untouched.status = "preauth"
    untouched.save()
    with pytest.raises(PaymentError, match="Nothing is held"):
        untouched.capture()


def test_a_page_in_a_transaction_pays_after_the_commit(shop):
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant="voucher-at-once")
    assert shop.enter(payment, page="pay-in-a-transaction").status_code == 302
    assert shop.bookings(voucher) == [CHARGED]
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))


# clicked twice


@pytest.mark.parametrize("variant", ["voucher", "voucher-at-once"])
def test_a_form_posted_twice_pays_once(shop, variant):
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant=variant)
    for _ in range(2):
        assert shop.enter(payment).headers["Location"] == payment.get_success_url()
    assert shop.post(payment).headers["Location"] == payment.get_success_url()
    assert len(shop.bookings(voucher)) == (variant == "voucher-at-once")
    assert rows.vouchers_of(payment).count() == 1


def test_a_form_posted_twice_at_once_pays_once(shop):
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant="voucher-at-once")
    at_once(*[lambda: shop.enter(payment)] * 2)
    shop.enter(payment)
    assert shop.bookings(voucher) == [CHARGED]
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.statuses.count("confirmed") == 1


def test_a_capture_clicked_twice_at_once_charges_once(shop):
    payment, voucher = shop.preauthorized("20.00")
    first, second = (Payment.objects.get(pk=payment.pk) for _ in range(2))
    at_once(lambda: first.capture(Decimal("8.00")), lambda: second.capture(Decimal("8.00")))
    assert shop.bookings(voucher) == [("charge", Decimal("8.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("8.00"))


# addresses


def test_the_static_address_takes_the_name_of_the_variant_and_refuses_whoever_calls(shop):
    answer = shop.client.post(reverse("static_process_payment", args=["voucher"]), {"code": "GIFT-2000-ABCD"})
    assert (answer.status_code, answer.json()["variant"]) == (400, "voucher")
    assert shop.calls() == []


def test_opening_the_address_of_a_payment_changes_nothing(shop):
    shop.voucher("20.00")
    payment = shop.payment("20.00")
    assert shop.client.get(payment.get_process_url()).headers["Location"] == payment.get_failure_url()
    assert shop.row(payment) == ("waiting", Decimal("0.00"))
    assert shop.calls() == []


def test_the_order_number_leads_back_to_the_row_and_holds_no_secret(shop):
    payment = shop.payment("20.00")
    number = PaymentAdapter().number(payment)
    assert rows.find(number) == payment
    assert payment.token not in number
    assert rows.find("A-1001") is None
    assert rows.find("payment-") is None


# guesses


def test_refused_codes_are_counted_by_the_address_of_the_row(shop, gateway_settings):
    gateway_settings(THROTTLE={"address": "3/h", "session": None, "refusal_seconds": 0})
    shop.voucher("20.00")
    guessed = shop.payment("20.00", customer_ip_address="203.0.113.7")
    elsewhere = shop.payment("20.00", customer_ip_address="203.0.113.8")
    for _ in range(3):
        shop.enter(guessed, code="WRONG-CODE-9999")
    shop.calls()
    assert "Too many attempts" in shop.enter(guessed).text
    assert "Too many attempts" in shop.enter(shop.payment(customer_ip_address="203.0.113.7")).text
    assert shop.calls() == []
    assert shop.enter(elsewhere).status_code == 302


def test_rows_without_an_address_are_counted_together(shop, gateway_settings):
    gateway_settings(THROTTLE={"address": "3/h", "session": None, "refusal_seconds": 0})
    for _ in range(3):
        shop.enter(shop.payment("20.00"), code="WRONG-CODE-9999")
    assert "Too many attempts" in shop.enter(shop.payment("20.00")).text
