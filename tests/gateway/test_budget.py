"""The exact number of HTTP calls, SQL statements and commits of each verb."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.utils import timezone

from tests.shop import sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.gateway.records import instance
from voucher_payment_gateway.models import VoucherSale

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Cost:
    """Counts HTTP calls, SQL statements and commits while it is entered."""

    def __init__(self, shop):
        self.shop = shop
        self.statements, self.commits, self.savepoints = [], 0, 0

    def __enter__(self):
        self.shop.cloud.forget_requests()
        self.wrapper = connection.execute_wrapper(self._statement)
        self.wrapper.__enter__()
        self.commit = connection._commit
        connection._commit = self._count_commit
        return self

    def __exit__(self, *error):
        self.wrapper.__exit__(*error)
        connection._commit = self.commit
        self.http = [(call.method, call.path.rsplit("/", 1)[-1]) for call in self.shop.cloud.requests]

    def _statement(self, execute, sql, params, many, context):
        self.savepoints += sql.startswith("SAVEPOINT")
        if not sql.lstrip().upper().startswith(CONTROL):
            self.statements.append(sql)
            if not connection.in_atomic_block and not sql.lstrip().upper().startswith("SELECT"):
                self.commits += 1
        return execute(sql, params, many, context)

    def _count_commit(self):
        self.commits += 1
        return self.commit()


@pytest.fixture
def order(shop):
    shop.voucher("20.00")
    voucher_cloud().authenticate()
    instance._agreed.clear()
    instance.refuse_other_instance()  # read once a minute
    return shop.order("20.00")


def test_authorize_with_balance_enough(shop, order):
    with Cost(shop) as cost:
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert cost.http == [("POST", "reservations")]
    assert (len(cost.statements), cost.commits) == (5, 1)
    assert cost.savepoints == 0


def test_authorize_with_balance_smaller_than_due(shop, order):
    order.total = D("50.00")
    with Cost(shop) as cost:
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert len(cost.http) == 4
    assert (len(cost.statements), cost.commits) == (5, 1)


def test_capture(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    with Cost(shop) as cost:
        gateway.capture(order)
    assert cost.http == [("POST", "charge")]
    assert (len(cost.statements), cost.commits) == (4, 2)


def test_capture_with_a_key(shop, order):
    """More than without: the key is read and written, and the charge is written down before it is prepared."""
    gateway.authorize(order, "GIFT-2000-ABCD")
    with Cost(shop) as cost:
        gateway.capture(order, key="job-1")
    assert cost.http == [("POST", "charge")]
    assert (len(cost.statements), cost.commits) == (9, 3)
    with Cost(shop) as cost:
        gateway.capture(order, key="job-1")
    assert cost.http == []
    assert (len(cost.statements), cost.commits) == (3, 0)


def test_refund(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    with Cost(shop) as cost:
        gateway.refund(order, "5.00")
    assert cost.http == [("GET", "charges"), ("POST", "refund")]
    assert (len(cost.statements), cost.commits) == (5, 2)


def test_cancel_of_a_reservation(shop, order):
    gateway.authorize(order, "GIFT-2000-ABCD")
    with Cost(shop) as cost:
        gateway.cancel(order)
    assert [method for method, _ in cost.http] == ["DELETE"]
    assert (len(cost.statements), cost.commits) == (4, 2)


def test_an_order_that_sells_vouchers_costs_no_statement_more(shop, order, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    voucher_cloud().authenticate()
    instance.refuse_other_instance()
    order.note, order.total = "a=50.00", D("70.00")
    order.save()
    with Cost(shop) as cost:
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert cost.http == [("POST", "reservations")]
    assert (len(cost.statements), cost.commits) == (5, 1)
    with Cost(shop) as cost:
        gateway.capture(order)
    assert (cost.http, len(cost.statements), cost.commits) == ([("POST", "charge")], 4, 2)


@pytest.fixture
def seller(shop, order, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    yield shop
    sold.DETAILS.clear()


def test_a_code_that_is_handed_over_at_the_activation_costs_no_read(seller):
    with Cost(seller) as cost:
        gateway.activate(seller.order("50.00", number="A-2", note="a=50.00"))
    assert [method for method, _ in cost.http] == ["POST", "PATCH"]


def test_one_that_is_handed_over_later_costs_one_read_by_id(seller):
    sold.DETAILS["a"] = {"deliver_at": timezone.now() + timedelta(days=3)}
    (sale,) = gateway.activate(seller.order("50.00", number="A-2", note="a=50.00"))
    an_hour_ago = timezone.now() - timedelta(hours=1)
    VoucherSale.objects.update(activated_at=an_hour_ago, deliver_due_at=an_hour_ago)
    with Cost(seller) as cost:
        assert gateway.settle().delivered == 1
    assert cost.http == [("GET", sale.voucher_id)]


def test_take_back_of_an_active_voucher(seller):
    order = seller.order("50.00", number="A-2", note="a=50.00")
    gateway.activate(order)
    with Cost(seller) as cost:
        gateway.take_back(order)
    assert [method for method, _ in cost.http] == ["GET", "GET", "GET", "PATCH", "DELETE"]
