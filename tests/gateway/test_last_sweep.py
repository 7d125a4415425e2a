"""The end of a complete sweep is stored, and a settle that does not run any more is told by a check."""

import threading
from datetime import UTC, datetime, timedelta

import django.db
import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.docs.pages import page, rows, words
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checks import check_sweep
from voucher_payment_gateway.exceptions import OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.recovery.last_sweep import last_sweep_at, sweep_age_seconds
from voucher_payment_gateway.models import VoucherGatewayState, VoucherPayment

CODE = "GIFT-2000-ABCD"


def swept(**ago):
    """Store that the last sweep ended that long ago."""
    value = (timezone.now() - timedelta(**ago)).isoformat()
    VoucherGatewayState.objects.update_or_create(name="last_sweep", defaults={"value": value})


def read_only(execute, sql, params, many, context):
    """The end of a sweep cannot be stored, as in PostgreSQL's read-only transactions."""
    if "last_sweep" in str(params) and not sql.startswith("SELECT"):
        raise django.db.InternalError("cannot execute UPDATE in a read-only transaction")
    return execute(sql, params, many, context)


# the stored fact


def test_the_end_of_a_sweep_is_stored(shop):
    assert (last_sweep_at(), sweep_age_seconds()) == (None, None)
    before = timezone.now()
    gateway.settle()
    assert before <= last_sweep_at() <= timezone.now()
    swept(minutes=47)
    assert 47 * 60 <= sweep_age_seconds() < 48 * 60
    gateway.settle()
    assert before <= last_sweep_at() <= timezone.now()


def test_a_sweep_that_was_stopped_or_refused_is_not_complete(shop, gateway_settings):
    gateway.settle(stop=lambda: True)
    VoucherGatewayState.objects.create(name="instance", value="production")
    gateway_settings(INSTANCE="staging")
    with pytest.raises(UnavailableError):
        gateway.settle()
    assert last_sweep_at() is None


def test_it_costs_one_statement(shop):
    gateway.settle()
    with CaptureQueriesContext(connection) as queries:
        gateway.settle()
    assert len([each for each in queries if "last_sweep" in each["sql"]]) == 1


def test_sweeps_at_the_same_moment_store_one_instant(shop):
    ready, errors = threading.Barrier(4), []

    def settle():
        ready.wait(20)
        try:
            gateway.settle()
        except Exception as error:
            errors.append(error)
        connection.close()

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sweep_age_seconds() < 60


def test_the_instant_of_a_clock_that_was_ahead_is_replaced(shop):
    swept(days=-1)
    assert sweep_age_seconds() == 0
    gateway.settle()
    assert last_sweep_at() <= timezone.now()


def test_a_database_that_cannot_be_written_to_ends_no_sweep(shop, caplog):
    shop.voucher("20.00")
    gateway.authorize(shop.order("20.00"), CODE)
    shop.later(hours=1)
    with connection.execute_wrapper(read_only):
        assert gateway.settle().lapsed == 1
        gateway.settle()
    assert last_sweep_at() is None
    (told,) = [each for each in caplog.records if "could not be stored" in each.getMessage()]
    assert (told.levelname, "InternalError" in told.getMessage()) == ("ERROR", True)


def test_it_is_the_same_for_each_account_and_none_for_an_unknown_one(shop, gateway_settings):
    credentials = {"CLIENT_ID": "north", "CLIENT_SECRET": "north-secret"}
    gateway_settings(ACCOUNTS={"north": credentials}, ACCOUNT_OF_ORDER="tests.shop.checkout.current_order")
    gateway.settle()
    assert last_sweep_at("north") == last_sweep_at() == last_sweep_at("").astimezone(UTC)
    assert (last_sweep_at("south"), sweep_age_seconds("south")) == (None, None)
    assert isinstance(last_sweep_at(), datetime)


# the check


def told(*databases):
    found = run_checks(databases=databases or None)
    return [each.msg for each in found if each.id == "voucher_payment_gateway.W058"]


def documented():
    return next(words(cells[1]) for cells in rows(page("reference/checks.md")) if cells[0] == "W058")


def test_a_settle_that_has_stopped_is_told_where_the_database_is_checked(shop, gateway_settings):
    swept(minutes=14)
    assert told("default") == []
    swept(minutes=16)
    assert told() == []
    assert told("default") == documented()[:1]
    gateway_settings(SETTLE_LATE_MINUTES=20)
    assert told("default") == []
    gateway_settings(SETTLE_LATE_MINUTES=0.5)
    assert "0.5 minutes" in told("default")[0]
    gateway.settle()
    assert told("default") == []


def test_a_fresh_shop_is_told_nothing_until_work_has_waited(shop):
    assert told("default") == []
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    assert told("default") == []
    shop.later(minutes=60)
    assert VoucherPayment.objects.get().status == "authorized"
    assert told("default") == documented()[1:2]
    gateway.settle()
    assert told("default") == []


def test_an_open_operation_is_work_that_waits(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    shop.later(minutes=14)
    assert told("default") == []
    shop.later(minutes=2)
    assert told("default") == documented()[1:2]


def test_a_database_without_our_tables_or_not_ours_and_wrong_settings_are_told_by_others(shop, settings):
    swept(days=2)
    assert len(check_sweep(databases=["default"])) == 1
    assert check_sweep(databases=["archive"]) == []
    with connection.execute_wrapper(not_migrated):
        assert check_sweep(databases=["default"]) == []
    settings.VOUCHER_PAYMENT_GATEWAY = {}
    assert check_sweep(databases=["default"]) == []


def not_migrated(execute, sql, params, many, context):
    if "vouchergatewaystate" in sql:
        raise django.db.ProgrammingError("no such table")
    return execute(sql, params, many, context)
