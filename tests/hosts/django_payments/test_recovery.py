"""Lost answers, refusals and killed processes: the row follows the ledger, and the shop gets an error."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import ProtectedError

from tests.hosts.django_payments.models import Payment
from voucher_payment_gateway import gateway
from voucher_payment_gateway.hosts.django_payments import rows
from voucher_payment_gateway.models import VoucherOperation

CHARGE, REFUND = "*/charge", "*/refund"


def settle_until_nothing_is_open(shop):
    for _ in range(40):
        if not VoucherOperation.objects.filter(state__in=("due", "sending", "unknown")).exists():
            return
        shop.later(minutes=3)
        gateway.settle()
    raise AssertionError("still open")


@pytest.mark.parametrize("fault", ["before:drop", "after:drop", "after:500", "late:drop"])
def test_a_capture_without_an_answer_ends_with_settle(shop, fault):
    payment, voucher = shop.preauthorized("20.00")
    shop.cloud.faults.next(fault, path=CHARGE, lands_after_seconds=60)
    answer = shop.staff(payment, "capture")
    assert (answer.status_code, shop.row(payment)) == (400, ("preauth", Decimal("0.00")))
    assert shop.staff(payment, "capture").status_code == 400, "the outcome is still open"
    settle_until_nothing_is_open(shop)
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.statuses == ["preauth", "confirmed"]


def test_a_partial_capture_without_an_answer_lets_the_rest_go_later(shop):
    payment, _ = shop.preauthorized("20.00")
    shop.cloud.faults.next("after:drop", path=CHARGE)
    shop.staff(payment, "capture", amount="8.00")
    settle_until_nothing_is_open(shop)
    assert shop.row(payment) == ("confirmed", Decimal("8.00"))
    (charged,) = rows.vouchers_of(Payment.objects.get())
    assert charged.amount_agreed == Decimal("8.00")


def test_a_release_while_a_charge_is_open_is_refused(shop):
    payment, voucher = shop.preauthorized("20.00")
    shop.cloud.faults.next("after:drop", path=CHARGE)
    shop.staff(payment, "capture")
    assert shop.staff(payment, "release").status_code == 400
    settle_until_nothing_is_open(shop)
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_a_refund_without_an_answer_ends_with_settle(shop):
    payment, voucher = shop.captured("20.00")
    shop.cloud.faults.next("after:drop", path=REFUND)
    assert shop.staff(payment, "refund", amount="5.00").status_code == 400
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    settle_until_nothing_is_open(shop)
    assert shop.bookings(voucher)[1:] == [("refund", Decimal("5.00"))]
    assert shop.row(payment) == ("confirmed", Decimal("15.00"))


def test_a_voucher_that_can_no_longer_be_charged_rejects_the_row(shop):
    payment, voucher = shop.preauthorized("20.00")
    shop.later(minutes=40)
    shop.cloud.set_status(voucher.id, "inactive")
    answer = shop.staff(payment, "capture")
    assert answer.status_code == 400
    assert shop.row(payment) == ("rejected", Decimal("0.00"))
    assert shop.statuses == ["preauth", "rejected"]
    assert shop.enter(payment).headers["Location"] == payment.get_failure_url()
    assert shop.bookings(voucher) == []


def test_a_voucher_charged_late_is_held_again(shop):
    payment, voucher = shop.preauthorized("20.00")
    shop.later(hours=30)
    gateway.settle()
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.staff(payment, "capture").text == "confirmed"
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_a_charge_at_once_without_an_answer_shows_the_success_page(shop):
    """The charge is written down, so it is made: only a refusal shows the failure page."""
    voucher, payment = shop.voucher("20.00"), shop.payment("20.00", variant="voucher-at-once")
    shop.cloud.faults.next("after:drop", path=CHARGE)
    assert shop.enter(payment).headers["Location"] == payment.get_success_url()
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    settle_until_nothing_is_open(shop)
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.bookings(voucher) == [("charge", Decimal("20.00"))]


def test_no_service_is_told_on_the_form(shop):
    shop.voucher("20.00")
    payment = shop.payment("20.00")
    shop.cloud.faults.next("before:503", path="*/reservations", times=None)
    assert "cannot be checked just now" in shop.enter(payment).text
    shop.cloud.faults.clear()
    assert shop.enter(payment).status_code == 302


def test_what_staff_does_in_the_gateway_reaches_the_row(shop):
    payment, _ = shop.captured("20.00")
    gateway.refund(payment, "7.00")
    assert shop.row(payment) == ("confirmed", Decimal("13.00"))
    gateway.cancel(payment)
    assert shop.row(payment) == ("refunded", Decimal("0.00"))
    held, _ = shop.preauthorized("10.00")
    gateway.cancel(held)
    assert shop.row(held) == ("refunded", Decimal("0.00"))


def test_the_command_finds_rows_that_a_killed_process_left_behind(shop):
    payment, _ = shop.captured("20.00")
    untouched, _ = shop.captured("10.00")
    Payment.objects.filter(pk=payment.pk).update(status="preauth", captured_amount=0)
    shop.statuses.clear()
    out = StringIO()
    call_command("voucher_payment_rows", stdout=out)
    assert out.getvalue() == "changed 1\n"
    assert shop.row(payment) == ("confirmed", Decimal("20.00"))
    assert shop.row(untouched) == ("confirmed", Decimal("10.00"))
    assert shop.statuses == ["confirmed"]
    call_command("voucher_payment_rows", stdout=out)
    assert out.getvalue() == "changed 1\nchanged 0\n"


def test_the_command_refuses_a_time_that_looks_at_nothing(db):
    with pytest.raises(CommandError):
        call_command("voucher_payment_rows", hours=0)


def test_a_row_with_money_cannot_be_deleted(shop):
    payment, _ = shop.captured("20.00")
    with pytest.raises(ProtectedError, match="gift voucher"):
        payment.delete()
