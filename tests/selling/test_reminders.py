"""``REMIND_DAYS``: who has not spent a voucher is reminded once, some days before it expires."""

from datetime import timedelta

import pytest
from django.core import mail

from tests.gateway.test_simultaneous_calls import at_once
from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.records.sales import change_sale
from voucher_payment_gateway.models import VoucherSale


def move_ends(seller, delta):
    """Move the end of every voucher at the Voucher Cloud."""
    for voucher in seller.cloud.store.state.vouchers.values():
        voucher.valid_until += delta


@pytest.fixture
def seller(seller):
    """A shop that reminds. Its ``later`` moves the ends of the vouchers at the Voucher Cloud as well, instead of the
    clock there: both sides must name the same instant."""

    def later(**duration):
        seller.shop.later(**duration)
        delta = timedelta(**duration)
        seller.cloud.clock.advance(-delta.total_seconds())
        move_ends(seller, -delta)

    seller.later = later
    seller.settings(REMIND_DAYS=14)
    seller.details(validity_value=30, validity_interval="days", recipient_name="Ada")
    return seller


@pytest.fixture
def sale(seller):
    """A sale whose voucher expires in 13 days."""
    sale = seller.sell()
    mail.outbox.clear()
    seller.later(days=17)
    sale.refresh_from_db()
    return sale


def spend(seller, sale, amount):
    order = seller.shop.order(amount, number=f"S-{amount}")
    gateway.authorize(order, seller.code(sale))
    gateway.capture(order)


def test_the_recipient_is_reminded_once(seller, sale):
    spend(seller, sale, "20.00")
    assert gateway.settle().reminded == 1
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert "€30.00" in message.body
    assert message.subject.startswith("Your gift voucher is valid until ")
    assert seller.code(sale) not in message.body
    sale.refresh_from_db()
    assert sale.reminded_at
    assert not sale.pending
    for _ in range(3):
        seller.later(days=2)
        assert gateway.settle().reminded == 0
    assert len(mail.outbox) == 1


def test_not_before_and_not_after(seller):
    sale = seller.sell()
    mail.outbox.clear()
    seller.later(days=15)
    assert gateway.settle().reminded == 0
    seller.later(days=16)  # expired
    assert gateway.settle().reminded == 0
    sale.refresh_from_db()
    assert (mail.outbox, sale.reminded_at) == ([], None)


def test_without_the_setting_none_is_reminded(seller, sale):
    seller.settings(REMIND_DAYS=0)
    assert gateway.settle().reminded == 0


def test_a_spent_voucher_is_not_reminded_of_unless_it_is_filled_up_again(seller, sale):
    spend(seller, sale, "50.00")
    seller.shop.calls()
    assert [gateway.settle().reminded, gateway.settle().reminded] == [0, 0]
    reads = [path for _, path in seller.shop.calls() if path.endswith(sale.voucher_id)]
    assert len(reads) == 1  # the next one in a day
    order = seller.order.__class__.objects.get(number="S-50.00")
    gateway.refund(order, "10.00")
    seller.later(days=1, minutes=1)
    assert gateway.settle().reminded == 1
    assert "€10.00" in mail.outbox[-1].body


def test_an_inactive_voucher_is_not_reminded_of(seller, sale):
    seller.cloud.set_status(sale.voucher_id, "inactive")
    assert gateway.settle().reminded == 0
    assert mail.outbox == []


def test_a_voucher_that_cannot_be_read_is_tried_again(seller, sale):
    seller.cloud.faults.next("before:400", method="GET", path="*/vouchers/*")
    assert gateway.settle().reminded == 0
    sale.refresh_from_db()
    assert (sale.reminded_at, mail.outbox) == (None, [])
    assert gateway.settle().reminded == 0  # with backoff
    seller.later(hours=1, minutes=1)
    assert gateway.settle().reminded == 1


def test_a_mail_server_that_fails_is_tried_again_later(seller, sale, smtp):
    smtp.behaviour = "refuse"
    assert gateway.settle().reminded == 0
    smtp.behaviour = "accept"
    assert gateway.settle().reminded == 0
    seller.later(hours=1, minutes=1)
    assert gateway.settle().reminded == 1
    sale.refresh_from_db()
    assert (len(smtp.received), sale.deliver_due_at) == (1, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"delivery": "page"},
        {"recipient_email": ""},
        {"delivered_at": None},
        {"status": "taken_back"},
        {"target": "taken_back"},
    ],
)
def test_others_are_not_reminded(seller, sale, changes):
    VoucherSale.objects.update(**changes)
    assert gateway.settle().reminded == 0
    assert mail.outbox == []


def test_a_voucher_that_was_extended_at_the_voucher_cloud_is_reminded_of_at_its_new_end(seller, sale):
    move_ends(seller, timedelta(days=30))
    assert gateway.settle().reminded == 0
    sale.refresh_from_db()
    assert (sale.valid_until - sale.activated_at).days in (59, 60)
    seller.later(days=30)
    assert gateway.settle().reminded == 1


def test_after_an_extension_the_recipient_is_reminded_of_the_new_end(seller, sale):
    gateway.settle()
    sale.refresh_from_db()
    move_ends(seller, timedelta(days=30))
    change_sale(sale, valid_until=sale.valid_until + timedelta(days=30))
    assert gateway.settle().reminded == 0
    seller.later(days=30)
    assert gateway.settle().reminded == 1
    assert len(mail.outbox) == 2


def test_two_processes_at_once_send_one_reminder(seller, sale):
    reports = at_once(gateway.settle, gateway.settle)
    assert sum(report.reminded for report in reports) == 1
    assert len(mail.outbox) == 1


def test_a_reminder_that_failed_until_the_end_leaves_nothing_to_do(seller, sale, smtp):
    smtp.behaviour = "refuse"
    gateway.settle()
    seller.later(days=14)
    gateway.settle()
    sale.refresh_from_db()
    assert (sale.deliver_due_at, sale.reminded_at) == (None, None)
