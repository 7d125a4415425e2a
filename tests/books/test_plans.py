"""Query plans of the books: what is read of a period is found by an index, however long the ledger."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.books.old_orders import YEAR
from tests.gateway.test_query_plans import Statements
from tests.ledger_rows import fill
from voucher_payment_gateway.books.archive import archive
from voucher_payment_gateway.books.ledger import row_chunk
from voucher_payment_gateway.books.periods import figures_between
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment


@pytest.fixture
def ledger(shop):
    """Twenty thousand ended operations of some sixteen hours."""
    fill("default", 20_000)


def test_a_period_is_read_by_the_index_of_its_instants(ledger):
    until = timezone.now() - timedelta(hours=4)
    since = until - timedelta(minutes=90)  # a tenth of the ledger: of much more PostgreSQL may well read all
    with Statements() as statements:
        figures = figures_between(since, until)
    assert sum(count for count, _ in figures.sums.values()) > 700
    # PostgreSQL joins the payments by a hash of all, as long as these are few
    joined = {"voucher_payment_gateway_voucherpayment"} if connection.vendor == "postgresql" else set()
    assert [walk for walk in statements.walks if walk[1][0] not in joined] == []
    tables = {(table, index) for steps in statements.plans.values() for table, index, _ in steps}
    assert ("voucher_payment_gateway_voucheroperation", "vpg_operation_settled") in tables


def test_rows_are_read_a_bounded_number_at_a_time(ledger, django_assert_num_queries):
    now = timezone.now()
    with django_assert_num_queries(3):
        rows, position = row_chunk(now - timedelta(days=9), now, limit=10)
    assert len(rows) <= 10
    assert position is not None


def test_the_archive_looks_at_the_operations_of_its_orders_only(ledger):
    of_old, long_ago = {"order_number__in": ["L-1", "L-2", "L-3"]}, timezone.now() - YEAR
    VoucherPayment.objects.filter(**of_old).update(updated_at=long_ago)
    VoucherOperation.objects.filter(**of_old).update(settled_at=long_ago)
    with Statements() as statements:
        report = archive(timezone.now() - YEAR / 2)
    assert (report.orders, report.operations) == (3, 6)
    assert statements.walks == []
