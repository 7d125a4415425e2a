"""On SQLite a transaction that has written keeps every other writer out, also while a voucher is reserved in it."""

import pytest
from django.db import OperationalError, connection, connections, transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.gateway.records import sqlite_lock

CODE = "GIFT-2000-ABCD"
EVENT = "reserved_in_transaction"


@pytest.fixture
def told(caplog):
    """The names of what is logged about transactions; a process logs it once."""
    sqlite_lock._tell.cache_clear()
    yield lambda: [
        name for name in (getattr(each, "voucher_event", "") for each in caplog.records) if name == EVENT
    ]
    sqlite_lock._tell.cache_clear()


@pytest.fixture
def writes():
    """Return whether another connection, such as that of the next customer, may write right now."""
    other = connections.create_connection("default")

    def try_to_write():
        with other.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except OperationalError:
                return False
            cursor.execute("ROLLBACK")
            return True

    yield try_to_write
    other.close()


if connection.vendor == "sqlite":

    def test_what_was_written_before_keeps_other_writers_out_and_is_told_once(
        shop, voucher, during, writes, told
    ):
        order, seen = shop.order("20.00"), []
        during("reserve", lambda: seen.append(writes()))
        with transaction.atomic():
            order.save()
            gateway.authorize(order, CODE)
        assert seen == [False]
        with transaction.atomic():
            gateway.authorize(shop.order("5.00", number="A-1002"), CODE)
        assert told() == [EVENT]

    def test_a_confirmation_in_a_transaction_is_told(shop, voucher, during, writes, told):
        order, seen = shop.order("20.00"), []
        gateway.select(order, CODE)
        during("reserve", lambda: seen.append(writes()))
        with transaction.atomic():
            order.save()
            gateway.authorize_selected(order)
        assert (seen, told()) == ([False], [EVENT])

    def test_outside_of_a_transaction_others_write_meanwhile(shop, voucher, during, writes, told):
        order, seen = shop.order("20.00"), []
        during("reserve", lambda: seen.append(writes()))
        order.save()
        gateway.authorize(order, CODE)
        assert (seen, told()) == ([True], [])

    def test_an_order_without_vouchers_is_not_told_of(shop, told):
        order = shop.order("20.00")
        with transaction.atomic():
            gateway.authorize_selected(order)
        assert told() == []

else:

    def test_a_database_that_locks_rows_is_not_told_of(shop, voucher, told):
        with transaction.atomic():
            gateway.authorize(shop.order("20.00"), CODE)
        assert told() == []
