"""Vouchers of orders that are cancelled unpaid: who says so, what is sold when the payment comes, and what is told."""

import pytest
from django.core import mail
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from tests.gateway.sales import check, remote, remote_of, settle_all, status_by_key, worth
from tests.gateway.test_late_events import BEFORE_IT_WRITES, EVENTS, give_back, pay, with_status
from tests.shop import signals, sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import RefusedError, UnavailableError, WrongStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.orders import OrderFacts

IS_PAID = "tests.shop.sold.is_paid"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(
        SOLD_VOUCHERS="tests.shop.sold.vouchers", EVENTS=EVENTS, ON_STATUS={}, ORDER_IS_PAID=IS_PAID
    )
    yield shop
    sold.DETAILS.clear()


@pytest.fixture
def order(seller):
    return seller.order("50.00", note="a=50.00")


def ends():
    return [sale.end_reason for sale in VoucherSale.objects.all()]


@pytest.mark.parametrize("first", [None, gateway.issue])
@pytest.mark.parametrize("status", ["cancelled", "paid"])
def test_the_order_as_it_is_stored_says_whether_it_is_paid(order, first, status):
    """Also where its facts alone are given, or an object that was read before."""
    for verb in [first] if first else []:
        verb(order)
    with_status(order, status)
    order.status = {"cancelled": "paid", "paid": "cancelled"}[status]
    facts = OrderFacts(order.number, order.total, order.currency)
    gateway.take_back(facts if first else order)
    assert ends() == [{"cancelled": "unpaid" if first else "", "paid": "returned"}[status]]


def test_an_error_of_the_database_is_no_answer(order, monkeypatch):
    def fail(order):
        raise DatabaseError

    gateway.issue(order)
    monkeypatch.setattr(sold, "is_paid", fail)
    with pytest.raises(DatabaseError):
        gateway.take_back(order)
    assert VoucherSale.objects.get().target == "issued"


def test_what_a_clerk_takes_back_alone_stays_so(seller, caplog):
    order = seller.order("100.00", note="a=50.00 b=50.00")
    gateway.issue(order)
    gateway.take_back(VoucherSale.objects.get(key="a"), actor="clerk")
    gateway.issue(order)
    pay(with_status(order, "paid"))
    assert status_by_key(order) == {"a": "taken_back", "b": "active"}
    assert any("is not sold again" in text for text in caplog.messages)


def test_an_issue_that_comes_late_creates_no_second_voucher(seller, order):
    gateway.issue(order)
    give_back(with_status(order, "cancelled"))
    signals.confirmed.send(sender=None, order=order)
    assert [each.deleted for each in remote_of(seller, order.number)] == [True]
    order.note = "a=50.00 b=50.00"
    order.save()
    gateway.issue(order)  # a new line is none that was given up
    assert status_by_key(order) == {"b": "issued"}
    pay(with_status(order, "paid"))
    assert (status_by_key(order), len(mail.outbox)) == ({"a": "active", "b": "active"}, 2)


def test_an_order_that_is_cancelled_again_and_again_has_one_row(order):
    gateway.issue(order)
    for _ in range(3):
        give_back(with_status(order, "cancelled"))
        gateway.issue(with_status(order, "new"))
    assert ends() == ["unpaid"]


def test_a_frozen_worker_sells_none_of_an_order_that_is_cancelled_again(seller, order, frozen):
    gateway.issue(order)
    give_back(with_status(order, "cancelled"))
    paid = with_status(order, "paid")
    frozen(*BEFORE_IT_WRITES, lambda: give_back(with_status(order, "cancelled")))
    pay(paid)
    settle_all(seller)
    assert (ends(), worth(seller), mail.outbox) == (["unpaid"], 0, [])


def test_by_status_settle_sells_it_once_the_order_is_paid_unnoticed(shop, gateway_settings):
    statuses = {"issue": ["new"], "activate": ["paid"], "take_back": ["cancelled"]}
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", ON_STATUS={"field": "status", **statuses})
    order = shop.order("50.00", note="a=50.00", status="new")
    order.status = "cancelled"
    order.save()
    assert gateway.settle().by_status == 0
    with_status(order, "paid")
    assert [gateway.settle().by_status for _ in range(2)] == [1, 0]
    assert (status_by_key(order), len(mail.outbox)) == ({"a": "active"}, 1)


def test_where_only_signals_sell_a_person_is_told_once_a_day(seller, order, caplog):
    gateway.issue(order)
    give_back(with_status(order, "cancelled"))
    gateway.settle()
    assert caplog.messages == []
    with_status(order, "paid")
    for _ in range(2):
        gateway.settle()
    assert ["it is paid, and its gift vouchers were given up" in text for text in caplog.messages] == [True]
    pay(with_status(order, "paid"))
    assert status_by_key(order) == {"a": "active"}
    seller.later(days=2)
    gateway.settle()
    assert len(caplog.messages) == 1


def test_of_a_line_that_was_given_up_and_is_gone_nothing_is_told(order, caplog):
    gateway.issue(order)
    give_back(with_status(order, "cancelled"))
    type(order).objects.update(status="paid", note="")
    gateway.settle()
    assert caplog.messages == []


# what was never written


def test_a_voucher_that_was_never_created_is_told_once_as_taken_back(order, record_signal, caplog):
    told = record_signal("voucher_taken_back")
    for _ in range(2):
        give_back(order)
    assert told == [("A-1001", order.total)]


def test_the_log_of_one_that_was_never_created_names_no_code(order, gateway_settings, caplog):
    gateway_settings(ORDER_IS_PAID="")
    give_back(order)
    pay(order)
    (message,) = caplog.messages
    assert message == (
        "order A-1001: it was taken back and is not sold again, before its gift voucher was created. If the order was "
        "paid again, give its line a new key"
    )


@pytest.fixture
def restored(seller, order):
    """A backup was put back that does not know the sale of an active voucher."""
    pay(with_status(order, "paid"))
    lost = VoucherSale.objects.get()
    with connection.cursor() as cursor:
        for model in (VoucherOperation, VoucherSale):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    return lost


def test_after_a_restored_backup_the_voucher_that_is_there_is_taken_back(seller, order, restored):
    give_back(with_status(order, "returned"))
    sale = VoucherSale.objects.get()
    assert (sale.status, sale.voucher_id, worth(seller)) == ("taken_back", restored.voucher_id, 0)


def test_after_a_restored_backup_one_that_was_spent_stays_valid(seller, order, restored):
    seller.cloud.charge(seller.cloud.reserve(remote(seller, restored).code, "20.00"), "T-1")
    with pytest.raises(RefusedError) as refused:
        give_back(with_status(order, "returned"))
    assert (refused.value.code, VoucherSale.objects.get().status, worth(seller)) == (
        "voucher_spent",
        "active",
        5000,
    )


def test_where_that_cannot_be_read_settle_goes_on_with_it(seller, order, restored):
    seller.cloud.faults.next("before:503", times=None)
    with pytest.raises(UnavailableError):
        gateway.take_back(with_status(order, "returned"))
    assert VoucherSale.objects.get().target == "taken_back"
    seller.cloud.faults.clear()
    settle_all(seller)
    check(seller, VoucherSale.objects.get(), "taken_back")


@pytest.mark.parametrize("verb", [gateway.issue, gateway.take_back])
def test_a_key_that_another_sale_has_is_named(seller, order, verb):
    fields = {
        "amount": "50.00",
        "currency": "EUR",
        "status": "active",
        "target": "active",
        "delivery": "none",
    }
    VoucherSale(order_number=order.number, key="a", origin="imported", **fields).save(force_insert=True)
    if verb is gateway.take_back:
        assert gateway.take_back(order) == []
        return
    with pytest.raises(
        WrongStateError, match="the key 'a' is that of a gift voucher that it did not sell"
    ) as refused:
        verb(order)
    assert (refused.value.code, seller.calls()) == ("key_reused", [])


def test_twenty_that_were_never_written_cost_few_statements(seller, order):
    def statements(quantity, number):
        sold.DETAILS["a"] = {"quantity": quantity}
        with CaptureQueriesContext(connection) as captured:
            give_back(seller.order("50.00", number=number, note="a=50.00"))
        return len(captured)

    statements(1, "A-1")
    one, twenty = statements(1, "A-2"), statements(20, "A-3")
    assert (twenty - one) / 19 <= 4
