"""Query plans of the clerk's pages: none scans the payments, sales or operations, however long the ledger.

Without an index of their own are the payments that are confirmed and not paid: they are read from all, since one that
is missed is not paid.
"""

import re

import pytest
from django.db import connection
from django.utils import timezone

from tests.admin.test_lists import payment
from tests.gateway.test_query_plans import OF_WHAT_IS_OPEN, Statements
from tests.ledger_rows import fill
from voucher_payment_gateway.models import VoucherOperation, VoucherSale

TABLES = re.compile("voucher_payment_gateway_voucher(payment|operation|sale)$|U0$|V0$|U1$")
SHORT = OF_WHAT_IS_OPEN | {"vpg_sale_deliver", "vpg_operation_one_open_per_sale"}
NEWEST_FIRST = re.compile(r'ORDER BY ([\w".]*"id"|1) DESC LIMIT \d+$')
PAGES = {
    "the list": {},
    "by status": {"status__exact": "failed"},
    "the last days": {"created": "7"},
    "unknown": {"attention": "unknown"},
    "decided": {"attention": "decided"},
    "lapsing": {"attention": "lapsing"},
    "unconfirmed": {"attention": "unconfirmed"},
    "gone": {"attention": "gone"},
}


@pytest.fixture
def ledger(transactional_db, monkeypatch):
    """Twenty thousand ended operations; the newest hundred are looked through where there is no index."""
    monkeypatch.setattr("voucher_payment_gateway.admin.window.WINDOW", 100)
    fill("default", 20_000)
    sales = VoucherSale.objects.bulk_create(
        VoucherSale(order_number=f"S-{number}", key="a", amount=10, currency="EUR", status="active",
                    voucher_id=f"s-{number}", delivered_at=timezone.now())
        for number in range(5_000)
    )  # fmt: skip
    VoucherOperation.objects.bulk_create(
        VoucherOperation(sale=sale, order_number=sale.order_number, number=1, voucher_id=sale.voucher_id, kind="issue",
                         amount=10, currency="EUR", state="succeeded", remote_id=sale.voucher_id)
        for sale in sales
    )  # fmt: skip
    payment("failed", status="failed", amount_captured=0)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def scans(statements):
    """The statements that read a whole table, or one of its indexes from end to end, and are not those of a list that
    stops after the newest rows."""
    return [
        (sql, step)
        for sql, steps in statements.plans.items()
        for step in steps
        if TABLES.search(step[0]) and not step[2] and step[1] not in SHORT
        if " WHERE " in sql or not NEWEST_FIRST.search(sql)
    ]


def test_no_list_and_no_search_scans_a_table(ledger, desk):
    clerk = desk()
    for name, query in PAGES.items():
        with Statements() as statements:
            assert clerk.payments(**query).status_code == 200
        assert scans(statements) == [], name
    for query in ({}, {"origin__exact": "bulk"}, {"delivered": "failed"}, {"delivered": "done"}):
        with Statements() as statements:
            clerk.client.get("/admin/voucher_payment_gateway/vouchersale/", query)
        assert scans(statements) == [], query
    for term in ("GIFT-2000-ABCD", "A-1001-1.abc", "ABCD", "ada@example.org"):
        with Statements() as statements:
            clerk.search(term)
        assert scans(statements) == [], term


def test_what_needs_attention_scans_for_orders_that_are_not_paid_alone(ledger, desk):
    if connection.vendor == "postgresql":
        pytest.skip("all operations of this ledger are recent: PostgreSQL rightly reads them all")
    clerk = desk()
    with Statements() as statements:
        assert clerk.attention().status_code == 200
    found = {sql for sql, _step in scans(statements)}
    assert [sql for sql in found if '"amount_agreed" >' not in sql] == [], found
