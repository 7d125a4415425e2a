"""PostgreSQL with Django's pool: a request takes a connection that is there, and is asked nothing about it again."""

import pytest
from django.db import close_old_connections, connection

from voucher_payment_gateway import gateway


@pytest.fixture
def pool(shop):
    """Let the connection come from a pool of one."""
    connection.close()
    before = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {**before, "pool": {"min_size": 1, "max_size": 1}}
    yield
    connection.close()
    connection.close_pool()
    connection.settings_dict["OPTIONS"] = before  # before the tables are emptied


@pytest.fixture
def asked():
    """The settings that the server is asked for, with the session that is asked."""
    seen = []

    def note(execute, sql, params, many, context):
        if sql.startswith("SHOW"):
            seen.append((sql, session()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def session():
    return connection.connection.info.backend_pid


def request(act):
    """Do something as a request of a web server does: with a connection of its own, which it gives back."""
    close_old_connections()
    try:
        act()
        return session()
    finally:
        close_old_connections()


if connection.vendor == "postgresql":

    def test_the_next_request_finds_the_session_of_the_last_and_asks_nothing_of_it(
        shop, pool, asked, voucher
    ):
        order = shop.order("20.00")
        sessions = [
            request(lambda: gateway.authorize(order, voucher.code)),
            request(lambda: gateway.capture(order)),
            request(lambda: gateway.refund(order)),
        ]
        assert len(set(sessions)) == 1
        assert asked == [("SHOW synchronous_commit", sessions[0])]
        assert [kind for kind, _ in shop.bookings(voucher)] == ["charge", "refund"]
