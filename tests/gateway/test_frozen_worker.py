"""A worker that froze in a transaction keeps its row locked; the operations of other workers must not wait for it.

On PostgreSQL only: SQLite has no row locks, so a worker that froze while writing blocks every writer.
"""

from decimal import Decimal as D

import pytest
from django.db import connection, connections

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.models import VoucherOperation


@pytest.fixture
def two_charges(shop):
    """The first was sent by a worker that froze, the second is due."""
    pair = []
    for number in ("A-1", "B-1"):
        voucher = shop.voucher("20.00", code=f"GIFT-{number}")
        order = shop.order("20.00", number)
        gateway.authorize(order, f"GIFT-{number}")
        pair.append((order, voucher))
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(pair[0][0])
    VoucherOperation.objects.filter(state="unknown").update(state="sending")
    shop.cloud.faults.next("before:503", path="*/charge", times=99)
    with pytest.raises(UnavailableError):
        gateway.capture(pair[1][0])
    shop.cloud.faults.clear()
    shop.later(minutes=5)
    return pair


LIMIT = {
    "postgresql": "SET statement_timeout = '3s'",
    "mysql": "SET innodb_lock_wait_timeout = 3",
}.get(connection.vendor)


@pytest.fixture
def frozen(two_charges):
    """Another connection that keeps the first charge locked."""
    other = connections.create_connection("default")
    other.set_autocommit(False)
    with other.cursor() as cursor:
        table = VoucherOperation._meta.db_table
        cursor.execute(f"SELECT 1 FROM {table} WHERE state = 'sending' FOR UPDATE")
        yield
    other.rollback()
    other.close()


if connection.vendor != "sqlite":

    def test_a_sweep_goes_past_the_row_that_a_frozen_worker_holds(shop, two_charges, frozen, caplog):
        with connection.cursor() as cursor:
            cursor.execute(LIMIT)  # fail instead of waiting for ever
        report = gateway.settle()
        assert "OperationalError" not in caplog.text  # no statement waited for the lock
        assert (report.abandoned, report.sent) == (0, 1)
        assert shop.bookings(two_charges[1][1]) == [("charge", D("20.00"))]


def test_what_an_abandoned_worker_left_is_found_beside_what_is_due(shop, two_charges):
    report = gateway.settle()
    assert (report.abandoned, report.sent, report.found) == (1, 1, 1)
    assert [shop.bookings(voucher) for _, voucher in two_charges] == [[("charge", D("20.00"))]] * 2
