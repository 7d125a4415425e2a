"""The shop's own signals and status changes sell gift vouchers and take them back."""

import logging
from decimal import Decimal as D

import django.db
import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.gateway.sales import worth
from tests.shop import signals, sold
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError, RefusedError, WrongStateError
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherSale

ON_STATUS = {
    "field": "status",
    "issue": ["confirmed"],
    "activate": ["paid"],
    "take_back": ["returned"],
}
EVENTS = {
    "issue": "tests.shop.signals.confirmed",
    "activate": "tests.shop.signals.shipped",
    "take_back": ["tests.shop.signals.returned", "tests.shop.signals.aborted"],
}
STEPS = [("confirmed", "issued"), ("paid", "active"), ("returned", "taken_back")]
SIGNALS = {"confirmed": signals.confirmed, "paid": signals.shipped, "returned": signals.returned}


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", EVENTS={}, ON_STATUS=ON_STATUS)
    return shop


@pytest.fixture
def order(seller):
    return seller.order("50.00", note="a=50.00")


@pytest.fixture
def by_events(seller, gateway_settings):
    gateway_settings(EVENTS=EVENTS, ON_STATUS={})
    return seller


def sale():
    return VoucherSale.objects.get(end_reason__in=["", "returned", "unpaid"])


def spend(shop, amount="20.00"):
    """Pay another order with the sold voucher."""
    other = shop.order(amount, number="A-2")
    gateway.authorize(other, shop.cloud.voucher(sale().voucher_id).code)
    gateway.capture(other)


def save(order, status):
    order.status = status
    order.save()


def save_in_transaction(order, status):
    with transaction.atomic():
        save(order, status)
        assert not connection.in_atomic_block or VoucherSale.objects.exists()


def send(order, status):
    SIGNALS[status].send(sender=None, order=order, actor="clerk", reason="by hand")


def send_in_transaction(order, status):
    with transaction.atomic():
        send(order, status)


@pytest.mark.parametrize("step", [save, save_in_transaction])
def test_each_status_brings_the_sale_a_step_further(order, step):
    for status, expected in STEPS:
        for _ in range(2):  # each event may come twice
            step(order, status)
            assert sale().status == expected
    assert [each.kind for each in VoucherOperation.objects.order_by("pk")] == [
        "issue",
        "activate",
        "deactivate",
    ]
    assert (len(mail.outbox), VoucherSale.objects.count()) == (1, 1)


@pytest.mark.parametrize("step", [send, send_in_transaction])
def test_each_signal_brings_the_sale_a_step_further(by_events, order, step):
    for status, expected in STEPS:
        for _ in range(2):
            step(order, status)
            assert sale().status == expected
    assert (len(mail.outbox), sale().reason) == (1, "by hand")


@pytest.mark.parametrize("status", ["confirmed", "paid"])
def test_a_save_that_is_rolled_back_sells_nothing(seller, order, status):
    seller.calls()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        save(order, status)
        raise ZeroDivisionError
    gateway.settle()
    assert (VoucherSale.objects.count(), seller.calls()) == (0, [])


def test_paid_at_once_is_issued_and_activated(order):
    save(order, "paid")
    assert sale().status == "active"


def test_what_was_returned_is_not_sold_again(order):
    for status in ("paid", "returned", "paid"):
        save(order, status)
    assert (sale().status, len(mail.outbox)) == ("taken_back", 1)


@pytest.mark.parametrize("reopened", [["paid"], ["confirmed", "paid"]])
def test_an_order_that_is_cancelled_unpaid_and_paid_after_all_is_sold(seller, order, caplog, reopened):
    """A bank transfer that arrives after the shop has cancelled the order."""
    for status in ("confirmed", "returned", *reopened, "paid"):
        save(order, status)
    (standing,) = order.voucher_sales.standing()
    assert (standing.status, len(mail.outbox), worth(seller), caplog.messages) == ("active", 1, 5000, [])


# trouble at a save


def fails(order):
    raise ValueError("the shop's own")


def errors_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_a_spent_voucher_does_not_prevent_the_save_and_is_logged(seller, order, caplog):
    save(order, "paid")
    spend(seller)
    save(order, "returned")
    assert (Order.objects.get(pk=order.pk).status, sale().status) == ("returned", "active")
    (message,) = errors_of(caplog)
    assert message.startswith("gift vouchers: take_back by status was not possible: ")
    assert "20.00 EUR" in message


def test_inside_a_transaction_that_is_found_out_and_told_after_the_commit(seller, order, caplog):
    save(order, "paid")
    spend(seller)
    save_in_transaction(order, "returned")
    assert (Order.objects.get(pk=order.pk).status, sale().status, sale().target) == (
        *("returned", "active", "active"),
    )
    (message,) = errors_of(caplog)
    assert message.startswith("a gift voucher operation needs review: ")
    assert "20.00 EUR of the gift voucher" in caplog.text
    for _ in range(3):  # each save repeats the event; nothing is written or sent again
        save_in_transaction(order, "returned")
    assert VoucherOperation.objects.filter(kind="deactivate").count() == 1


@pytest.mark.parametrize("status", ["confirmed", "paid"])
def test_the_shops_own_error_does_not_prevent_the_save_and_is_logged(
    order, gateway_settings, caplog, monkeypatch, status
):
    verb = {"confirmed": "issue", "paid": "activate"}[status]
    monkeypatch.setattr(sold, "vouchers", fails)
    save(order, status)
    assert errors_of(caplog) == [f"gift vouchers: {verb} by status of order A-1001 failed: ValueError"]
    monkeypatch.undo()
    save(order, status)
    assert VoucherSale.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"SEALING_KEYS": []}, {"ORDER_IS_PAID": "tests.shop.sold.is_new"}])
def test_what_our_rules_forbid_does_not_prevent_the_save(order, gateway_settings, caplog, monkeypatch, wrong):
    monkeypatch.setattr(sold, "is_new", lambda order: False, raising=False)
    gateway_settings(**wrong)
    save(order, "paid")
    (message,) = errors_of(caplog)
    assert message.startswith("gift vouchers: activate by status was not possible: ")


def test_an_error_of_the_database_is_the_shops(order, monkeypatch):
    def broken(order):
        raise django.db.OperationalError("gone")

    monkeypatch.setattr(sold, "vouchers", broken)
    with pytest.raises(django.db.OperationalError):
        save(order, "paid")


def test_a_cloud_that_does_not_answer_is_left_to_settle(seller, order, caplog):
    seller.cloud.faults.next("before:503", times=None)
    save(order, "paid")
    assert sale().status == "ordered"
    seller.cloud.faults.clear()
    seller.later(hours=1)
    gateway.settle()
    assert (sale().status, len(mail.outbox), errors_of(caplog)) == ("active", 1, [])


# trouble at a signal


def test_a_spent_voucher_is_raised_to_whoever_sends_the_signal(by_events, order):
    send(order, "paid")
    spend(by_events)
    with pytest.raises(RefusedError, match=r"20\.00 EUR") as refused:
        send(order, "returned")
    assert (refused.value.code, sale().status) == ("voucher_spent", "active")


def test_a_voucher_in_use_and_an_unpaid_order_are_raised_too(by_events, order, gateway_settings):
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    with pytest.raises(WrongStateError, match="is not paid"):
        send(order, "paid")
    order.status = "paid"
    send(order, "paid")
    gateway.authorize(by_events.order("20.00", number="A-2"), by_events.cloud.voucher(sale().voucher_id).code)
    with pytest.raises(WrongStateError, match="pays for order A-2"):
        send(order, "returned")


def test_the_shops_own_error_is_raised_too(by_events, order, monkeypatch):
    monkeypatch.setattr(sold, "vouchers", fails)
    with pytest.raises(ValueError, match="the shop's own"):
        send(order, "paid")


def test_a_signal_without_an_order_is_told(by_events):
    with pytest.raises(PaymentStateError, match='was sent without "order"'):
        signals.shipped.send(sender=None)


# a status that was changed unnoticed


def unnoticed(status, **orders):
    assert Order.objects.filter(**orders).update(status=status)


@pytest.mark.parametrize(
    ("before", "status", "expected"),
    [
        (["confirmed"], "paid", "active"),
        (["confirmed"], "returned", "taken_back"),
        (["paid"], "returned", "taken_back"),
        (["confirmed"], "new", "issued"),
        (["paid", "returned"], "paid", "taken_back"),
    ],
)
def test_a_bulk_update_is_noticed_by_the_next_sweep(order, before, status, expected):
    for each in before:
        save(order, each)
    unnoticed(status)
    was_missing = expected != sale().status
    assert gateway.settle().by_status == was_missing
    assert sale().status == expected
    assert gateway.settle().by_status == 0


def test_an_order_without_any_sale_is_not_found(order):
    unnoticed("paid")
    assert gateway.settle().by_status == 0
    assert not VoucherSale.objects.exists()


def test_without_a_status_for_sales_nothing_is_read(order, gateway_settings):
    save(order, "confirmed")
    gateway_settings(ON_STATUS={"field": "status", "capture": ["shipped"]})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        gateway.settle()
    assert not any("sale_status_sweep" in query["sql"] for query in queries)


def test_a_sweep_reads_a_bounded_number_and_finds_all(seller):
    for number in range(5):
        save(seller.order("50.00", number=f"N-{number}", note="a=25.00 b=25.00"), "confirmed")
    unnoticed("paid")
    counts = [gateway.settle(limit=3).by_status for _ in range(5)]
    assert set(VoucherSale.objects.values_list("status", flat=True)) == {"active"}
    assert max(counts) <= 3
    assert sum(counts) == 5
    assert VoucherGatewayState.objects.filter(name="sale_status_sweep").exists()


def test_a_spent_voucher_is_read_and_logged_once_a_day(seller, order, caplog):
    save(order, "paid")
    spend(seller)
    unnoticed("returned", pk=order.pk)
    seller.calls()
    for _ in range(3):
        assert gateway.settle().by_status == 0
    reads = [path for method, path in seller.calls() if path.endswith("/charges")]
    assert (len(reads), len(errors_of(caplog)), sale().status) == (1, 1, "active")


def test_one_order_in_trouble_does_not_hold_up_the_others(seller, monkeypatch, caplog):
    for number in ("N-1", "N-2"):
        save(seller.order("50.00", number=number, note="a=50.00"), "confirmed")
    given = sold.vouchers
    monkeypatch.setattr(
        sold, "vouchers", lambda order: fails(order) if order.number == "N-1" else given(order)
    )
    unnoticed("paid")
    assert gateway.settle().by_status == 1
    assert list(VoucherSale.objects.order_by("order_number").values_list("status", flat=True)) == [
        "issued",
        "active",
    ]
    assert errors_of(caplog) == [
        "gift vouchers: activate by status of order N-1 was not possible: ValueError"
    ]


def test_what_was_given_for_an_order_stays_when_it_is_returned(seller, order):
    save(order, "paid")
    credit = VoucherSale.objects.create(
        order_number=order.number,
        key="credit-1",
        origin="credit",
        amount=D("5.00"),
        currency="EUR",
        status="active",
    )
    save(order, "returned")
    credit.refresh_from_db()
    assert (credit.status, credit.target) == ("active", "issued")
