"""Query plans of the clerk's pages: none scans the payments, sales or operations, however long the ledger."""

import json
import re

import pytest
from django.db import connection
from django.utils import timezone

from tests.admin.test_lists import numbers, operation, payment
from tests.gateway.test_query_plans import OF_WHAT_IS_OPEN, RARE, Statements
from tests.ledger_rows import fill
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

TABLES = re.compile("voucher_payment_gateway_voucher(payment|operation|sale)$|U0$|V0$|U1$")
SHORT = OF_WHAT_IS_OPEN | RARE | {"vpg_sale_deliver", "vpg_operation_one_open_per_sale"}
MAX_READ = 60
"""Rows that one statement may read: a page of 50, the one after it, and what hardly ever is too many."""
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
    """Twenty thousand ended operations; the newest hundred are looked through where there is no index. Each sale stands
    in for one: PostgreSQL would scan the index of these sales as long as it is empty."""
    monkeypatch.setattr("voucher_payment_gateway.admin.window.WINDOW", 100)
    fill("default", 20_000)
    sales = VoucherSale.objects.bulk_create(
        VoucherSale(order_number=f"S-{number}", key="a", amount=10, currency="EUR", status="active",
                    voucher_id=f"s-{number}", delivered_at=timezone.now(), replaces_refund_id=replaced)
        for number, replaced in enumerate(VoucherOperation.objects.values_list("pk", flat=True)[:5_000])
    )  # fmt: skip
    VoucherOperation.objects.bulk_create(
        VoucherOperation(sale=sale, order_number=sale.order_number, number=1, voucher_id=sale.voucher_id, kind="issue",
                         amount=10, currency="EUR", state="succeeded", remote_id=sale.voucher_id)
        for sale in sales
    )  # fmt: skip
    failed = payment("failed", status="failed", amount_captured=0)
    now = timezone.now()
    operation(failed, state="refused", kind="refund", settled_at=now, concluded_by="ben", remote_id="")
    VoucherSale.objects.filter(order_number="S-1").update(recipient_email="Ada@example.org", origin="bulk")
    VoucherSale.objects.filter(order_number="S-2").update(status="failed")
    VoucherPayment.objects.filter(order_number="L-7").update(status="failed", amount_captured=0)  # an old one
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


def test_what_needs_attention_scans_nothing(ledger, desk):
    clerk = desk()
    with Statements() as statements:
        assert clerk.attention().status_code == 200
    assert scans(statements) == []
    used = {step[1] for steps in statements.plans.values() for step in steps}
    assert used >= {"vpg_payment_unpaid", "vpg_operation_refund_refused", "vpg_sale_failed"}


class RowsRead(Statements):
    """Records how many rows each statement reads from a table, those that it throws away included."""

    def _run(self, execute, sql, params, many, context):
        if sql.startswith(("SELECT", "(SELECT")) and TABLES_IN.search(sql):
            context["cursor"].execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            (found,) = context["cursor"].fetchone()
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            self.plans[sql] = sum(rows_of(plan))
        return execute(sql, params, many, context)


TABLES_IN = re.compile('FROM "voucher_payment_gateway_voucher(payment|operation|sale)"')


def rows_of(node):
    if "Relation Name" in node:
        thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        yield (node["Actual Rows"] + thrown) * node["Actual Loops"]
    for child in node.get("Plans", ()):
        yield from rows_of(child)


def test_what_is_rare_is_found_in_the_whole_ledger_by_a_page_of_rows(ledger, desk):
    """However old: the window of the newest rows does not apply to it."""
    clerk, folder = desk(), "/admin/voucher_payment_gateway/vouchersale/"
    looks = {
        "failed": (lambda: clerk.payments(status__exact="failed"), ["failed", "L-7"]),
        "decided": (lambda: clerk.payments(attention="decided"), ["failed"]),
        "unpaid": (lambda: clerk.payments(attention="unpaid"), ["failed"]),
        "failed sale": (lambda: clerk.client.get(folder, {"status__exact": "failed"}), ["S-2"]),
        "bulk": (lambda: clerk.client.get(folder, {"origin__exact": "bulk"}), ["S-1"]),
    }
    for name, (look, expected) in looks.items():
        with reading() as statements:
            page = look()
        assert numbers(page) == expected, name
        assert "were looked through" not in page.text
        assert [sql for sql, count in statements.plans.items() if count > MAX_READ] == [], name
    with reading() as statements:
        assert clerk.search("ADA@example.org").status_code == 302
    mails = {sql: count for sql, count in statements.plans.items() if "LOWER" in sql}
    assert len(mails) == 1
    assert max(mails.values()) <= MAX_READ


def reading():
    """Count the rows on PostgreSQL. SQLite tells no number: its plan must not scan."""
    return RowsRead() if connection.vendor == "postgresql" else NotScanned()


class NotScanned(Statements):
    def __exit__(self, *error):
        super().__exit__(*error)
        found = {sql for sql, _ in scans(self)}
        self.plans = {sql: MAX_READ + 1 if sql in found else 0 for sql in self.plans}
