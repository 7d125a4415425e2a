"""Orders that sell vouchers, as a shop lives with them: what customers, clerks and months do to them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from tests.gateway.sales import check, remote, remote_of, settle_all, worth
from tests.gateway.test_sales import DatedAdapter
from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.orders import SoldVoucher

RECIPIENT = "ada@example.org"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def sells(seller, monkeypatch):
    """Let every order sell what the call says."""

    def change(*vouchers):
        monkeypatch.setattr(sold, "vouchers", lambda order: list(vouchers))

    return change


def line(quantity=1, key="a", amount="50.00", **fields):
    return SoldVoucher(key, D(amount), quantity=quantity, **{"recipient_email": RECIPIENT, **fields})


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
@pytest.mark.parametrize("quantities", [(1, 2), (1, 2, 1, 2), (2, 1, 2), (1, 3), (3, 1, 3)])
def test_a_quantity_that_changes_sells_only_the_difference(seller, sells, verb, quantities):
    order = seller.order("150.00")
    for quantity in quantities:
        sells(line(quantity))
        verb(order)
    gateway.activate(order)
    assert worth(seller) == max(quantities) * 5000
    assert len(mail.outbox) == max(quantities)


def test_a_quantity_that_a_partial_return_lowers_sells_none_again(seller, sells):
    """A clerk takes one of two back and corrects the line; the order is saved, and with it its event comes again."""
    sells(line(2))
    order = seller.order("100.00")
    first, second = gateway.activate(order)
    gateway.take_back(first, actor="clerk")
    sells(line(1))
    gateway.activate(order)
    check_status = [(sale.key, sale.status) for sale in order.voucher_sales]
    assert check_status == [("a-1", "taken_back"), ("a-2", "active")]
    assert (worth(seller), remote(seller, second).status) == (5000, "active")


def test_lines_whose_own_keys_look_like_a_quantity_are_two_lines(seller, sells):
    order = seller.order("80.00")
    sells(line(key="7"), line(key="7-1", amount="30.00"))
    gateway.activate(order)
    gateway.activate(order)
    assert [(sale.key, sale.amount) for sale in order.voucher_sales] == [("7", D(50)), ("7-1", D(30))]


def test_an_order_with_the_number_of_an_earlier_one_takes_none_of_its_vouchers_back(seller, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.gateway.test_sales.DatedAdapter")
    order = seller.order("50.00", note="a=50.00")
    (sale,) = gateway.activate(order)
    DatedAdapter.created = timezone.now() + timedelta(days=1)
    try:
        assert gateway.take_back(order) == []
    finally:
        DatedAdapter.created = None
    check(seller, sale, "active")


@pytest.mark.parametrize("answer", [True, ZeroDivisionError])
def test_orders_that_are_paid_and_not_activated_keep_no_unpaid_ones(
    seller, gateway_settings, monkeypatch, caplog, answer
):
    """A hundred of them, or a mistake in the shop's code, would otherwise be all that each sweep looks at."""

    def is_paid(order):
        if order.number.startswith("P") and answer is not True:
            raise answer
        return order.number.startswith("P")

    monkeypatch.setattr(sold, "is_paid", is_paid)
    for number in ("P-1", "P-2", "P-3", "U-1"):
        gateway.issue(seller.order("50.00", number=number, note="a=50.00"))
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    seller.later(days=15)
    for _ in range(4):
        gateway.settle(limit=2)
    ended = VoucherSale.objects.filter(end_reason="unpaid")
    assert [sale.order_number for sale in ended] == ["U-1"]
    assert len([each for each in caplog.messages if "never activated" in each]) == 3
    assert not [each for each in caplog.messages if "settle:" in each]


@pytest.fixture
def by_status(gateway_settings):
    """Return a function that moves an order to a status, as a shop without payment code does."""
    statuses = {"capture": ["paid"], "activate": ["paid"], "take_back": ["returned"], "refund": ["returned"]}
    gateway_settings(ON_STATUS={"field": "status", **statuses})

    def move(order, status):
        order.status = status
        order.save()

    return move


@pytest.fixture
def bought_by_voucher(seller, by_status, gateway_settings):
    """A voucher of 50.00 that was bought with another one, and is active."""
    gateway_settings(VOUCHERS_PAY_FOR_VOUCHERS=True)
    seller.voucher("50.00")
    order = seller.order("50.00", note="a=50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    by_status(order, "paid")
    assert order.voucher_sales.get().status == "active"
    return order


def test_what_paid_for_a_spent_voucher_is_not_refunded_by_the_same_status(
    seller, bought_by_voucher, by_status, caplog
):
    other = seller.order("50.00", number="A-2")
    gateway.authorize(other, remote(seller, bought_by_voucher.voucher_sales.get()).code)
    gateway.capture(other)
    by_status(bought_by_voucher, "returned")
    gateway.settle()
    by_status(bought_by_voucher, "returned")
    assert bought_by_voucher.voucher_refunded == D("0.00")
    assert len([text for text in caplog.messages if "still valid, take them back first" in text]) == 1


def test_what_paid_for_an_unspent_voucher_is_refunded_once_that_is_taken_back(
    seller, bought_by_voucher, by_status
):
    """At the return nothing can be read, so it waits for the sweep."""
    seller.cloud.faults.next("before:503", path="*/charges", times=None)
    by_status(bought_by_voucher, "returned")
    assert bought_by_voucher.voucher_refunded == D("0.00")
    seller.cloud.faults.clear()
    seller.later(minutes=30)
    gateway.settle()
    gateway.settle()
    check(seller, bought_by_voucher.voucher_sales.get(), "taken_back")
    assert bought_by_voucher.voucher_refunded == D("50.00")


def test_goods_are_refunded_although_the_voucher_beside_them_was_spent(seller, by_status):
    seller.voucher("20.00")
    order = seller.order("70.00", note="a=50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    by_status(order, "paid")
    other = seller.order("50.00", number="A-2")
    gateway.authorize(other, remote(seller, order.voucher_sales.get()).code)
    gateway.capture(other)
    by_status(order, "returned")
    assert order.voucher_refunded == D("20.00")


def test_a_returned_voucher_that_was_topped_up_is_read_once_a_day(seller, by_status):
    order = seller.order("50.00", note="a=50.00")
    by_status(order, "paid")
    gateway.top_up(order.voucher_sales.get(), "10.00", key="k")
    by_status(order, "returned")
    gateway.settle()
    seller.calls()
    gateway.settle()
    assert seller.calls() == []


def test_a_voucher_that_has_expired_before_its_day_is_not_sent_and_the_clerk_hears_of_it_in_time(
    seller, sells, caplog
):
    in_60_days = timezone.now() + timedelta(days=60)
    sells(line(validity_value=1, validity_interval="months", deliver_at=in_60_days))
    order = seller.order("50.00")
    (sale,) = gateway.activate(order)
    assert "order A-1001: its gift voucher expires before it is to be delivered" in caplog.text
    seller.later(days=61)
    remote(seller, sale).valid_until -= timedelta(days=61)  # as our own rows: it is read before the mail
    gateway.settle()
    sale.refresh_from_db()
    assert (sale.delivery_error, sale.delivered_at, mail.outbox) == ("voucher_expired", None, [])
    remote(seller, sale).valid_until += timedelta(days=365)
    sale = gateway.resend(sale, actor="mia")
    assert (sale.valid_until > timezone.now(), sale.delivery_error, len(mail.outbox)) == (True, "", 1)


def test_a_delivery_that_is_moved_before_the_end_is_made(seller, sells):
    validity = {"validity_value": 1, "validity_interval": "months"}
    sells(line(**validity, deliver_at=timezone.now() + timedelta(days=60)))
    order = seller.order("50.00")
    (sale,) = gateway.activate(order)
    sells(line(**validity, deliver_at=timezone.now() + timedelta(days=20)))
    gateway.activate(order)
    seller.later(days=21)
    gateway.settle()
    check(seller, sale, "active")


@pytest.mark.parametrize("before", [gateway.issue, gateway.activate])
def test_an_order_that_is_cancelled_and_paid_again_is_told_and_sold_under_a_new_key(seller, caplog, before):
    """Or the payment's webhook came after that of the cancellation: only a person knows which."""
    order = seller.order("50.00", note="a=50.00")
    before(order)
    gateway.take_back(order)
    settle_all(seller)
    for _ in range(3):
        (sale,) = gateway.activate(order)
        assert sale.status == "taken_back"
    assert len([text for text in caplog.messages if "is not sold again" in text]) == 1
    order.note = "a2=50.00"
    order.save()
    (sold_again,) = gateway.activate(order)
    assert (sold_again.status, worth(seller)) == ("active", 5000)


@pytest.mark.parametrize(("status", "ends"), [("placed", "unpaid"), ("paid", "returned")])
def test_one_that_was_taken_back_before_the_payment_is_sold_once_it_is_paid(
    seller, gateway_settings, caplog, status, ends
):
    """By ``ORDER_IS_PAID`` the shop knows what no late webhook can tell."""
    order = seller.order("50.00", note="a=50.00", status=status)
    gateway.issue(order)
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    (taken,) = gateway.take_back(order)
    settle_all(seller)
    order.status = "paid"
    order.save()
    gateway.activate(order)
    taken.refresh_from_db()
    assert (taken.status, taken.end_reason) == ("taken_back", ends)
    is_told = any("is not sold again" in text for text in caplog.messages)
    assert (worth(seller), is_told) == ((5000, False) if ends == "unpaid" else (0, True))


def test_an_order_that_is_not_paid_any_more_at_the_commit_waits_for_its_payment(seller, gateway_settings):
    """The webhook marks it as paid and sends the event; a check for fraud in the same transaction takes that back."""
    gateway_settings(ORDER_IS_PAID="tests.shop.sold.is_paid")
    order = seller.order("50.00", note="a=50.00", status="paid")
    with transaction.atomic():
        gateway.activate(order)
        order.status = "in doubt"
        order.save()
    (sale,) = order.voucher_sales
    check(seller, sale, "issued")
    assert mail.outbox == []
    order.status = "paid"
    order.save()
    gateway.activate(order)
    check(seller, sale, "active")


def test_the_number_of_a_deleted_order_sells_again(seller):
    for _ in range(3):
        order = seller.order("50.00", note="a=50.00")
        (sale,) = gateway.activate(order)
        assert sale.status == "active"
        gateway.take_back(sale)
        settle_all(seller)
        order.delete()
    assert len(remote_of(seller, "A-1001")) == 3
    assert worth(seller) == 0
