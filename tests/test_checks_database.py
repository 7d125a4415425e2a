"""The checks before a deployment of how the database is connected; none of them connects to it."""

import pytest
from django.db import connections

from tests.test_checks import given  # noqa: F401  a fixture
from voucher_payment_gateway.checks import check_deployment

ALIAS = "vouchers"
NUMBERS = {"W070", "W071"}


class Elsewhere:
    """Payments are in the database that a test is about."""

    def db_for_write(self, model, **hints):
        return ALIAS


@pytest.fixture
def told(given, settings, monkeypatch):  # noqa: F811
    """Return number and message of each check about a database with these settings."""

    def tell(engine, **database):
        _forget()
        made = {"ENGINE": f"django.db.backends.{engine}", **database}
        monkeypatch.setitem(connections.settings, ALIAS, {**connections.settings["default"], **made})
        found = [(message.id.rpartition(".")[2], message.msg) for message in check_deployment()]
        return [each for each in found if each[0] in NUMBERS]

    monkeypatch.setitem(connections.settings, ALIAS, connections.settings["default"])
    settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
    given({})
    yield tell
    _forget()


def _forget():
    if hasattr(connections._connections, ALIAS):
        del connections[ALIAS]


def test_a_new_connection_for_each_request_is_told(told):
    ((number, text),) = told("postgresql", CONN_MAX_AGE=0, OPTIONS={})
    assert (number, text) == ("W070", "The database 'vouchers' opens a new connection for each request.")


@pytest.mark.parametrize(
    "database",
    [
        {"CONN_MAX_AGE": 60, "OPTIONS": {}},
        {"CONN_MAX_AGE": None, "OPTIONS": {}},
        {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}},
        {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"max_size": 8}}},
    ],
)
def test_connections_that_are_kept_are_not_told_of(told, database):
    assert told("postgresql", **database) == []


def test_a_pool_that_is_off_keeps_nothing(told):
    ((number, _),) = told("postgresql", CONN_MAX_AGE=0, OPTIONS={"pool": False})
    assert number == "W070"


def test_under_asgi_the_age_of_a_connection_keeps_none(told, settings):
    settings.ASGI_APPLICATION = "shop.asgi.application"
    ((number, text),) = told("postgresql", CONN_MAX_AGE=60, OPTIONS={})
    assert (number, text) == (
        "W070",
        "Under ASGI no request finds a connection that CONN_MAX_AGE keeps in the database 'vouchers'.",
    )
    assert told("postgresql", CONN_MAX_AGE=0, OPTIONS={"pool": True}) == []


def test_a_file_needs_no_pool(told):
    assert told("sqlite3", CONN_MAX_AGE=0) == []


def test_requests_in_a_transaction_of_sqlite_are_told(told):
    ((number, text),) = told("sqlite3", ATOMIC_REQUESTS=True)
    assert number == "W071"
    assert text.startswith("With ATOMIC_REQUESTS in the SQLite database 'vouchers' ")
    assert told("postgresql", ATOMIC_REQUESTS=True, CONN_MAX_AGE=60, OPTIONS={}) == []
