"""Gauges: a few statements by index when metrics are collected, and at no other time."""

from datetime import timedelta

from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone

from tests.gateway.test_query_plans import Statements
from voucher_payment_gateway import gateway, gauges
from voucher_payment_gateway.gateway.recovery.last_sweep import record_sweep
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment

NONE = dict.fromkeys(("due", "sending", "unknown", "manual"), 0)


class Counted:
    """Counts the SQL statements while it is entered."""

    def __enter__(self):
        self.statements = []
        self.wrapper = connection.execute_wrapper(self._count)
        self.wrapper.__enter__()
        return self

    def __exit__(self, *error):
        self.wrapper.__exit__(*error)

    def _count(self, execute, sql, params, many, context):
        self.statements.append(sql)
        return execute(sql, params, many, context)


def test_a_collection_makes_six_statements_by_index(work, telemetry, monkeypatch):
    monkeypatch.setattr(gauges, "FRESH_SECONDS", 60.0)
    with Counted() as counted, Statements() as statements:
        telemetry.collected()
    reads = [sql for sql in counted.statements if sql.startswith("SELECT")]
    assert len(reads) == 6
    assert all("LIMIT 10000" in sql or "LIMIT 1" in sql for sql in reads)
    assert statements.walks == []
    with Counted() as counted:  # another exporter, at the same time
        telemetry.collected_again()
    assert counted.statements == []


def test_what_is_open_is_told_with_its_age(work, telemetry):
    VoucherOperation.objects.filter(state="unknown").update(created_at=timezone.now() - timedelta(hours=5))
    found = telemetry.collected()

    def values(name):
        points = found[f"voucher_payment_gateway.{name}"]
        return {"".join(point.attributes.values()): point.value for point in points}

    left = VoucherOperation.objects.filter(state="manual").count()
    assert left > 1  # one is of the ledger
    assert values("operations.undecided") == {"due": 1, "sending": 1, "unknown": 1, "manual": left}
    ages = values("operations.undecided.age")
    assert 5 * 3600 <= ages["unknown"] < 5 * 3600 + 600
    assert 0 <= ages["due"] < 600
    assert 2 * 86400 <= values("operations.overdue.age")[""] < 2 * 86400 + 600
    assert values("holds")[""] == VoucherPayment.objects.filter(status="authorized").count() >= 8


def test_where_nothing_is_open_the_figures_are_zero(shop, telemetry):
    found = telemetry.collected()
    assert {name for name in found if "operations" in name or "holds" in name} == {
        "voucher_payment_gateway.operations.undecided",
        "voucher_payment_gateway.operations.undecided.age",
        "voucher_payment_gateway.operations.overdue.age",
        "voucher_payment_gateway.holds",
    }
    assert telemetry.gauge("operations.undecided") == NONE
    assert telemetry.gauge("operations.overdue.age") == {"": 0.0}


def test_the_age_of_the_last_sweep_is_that_of_its_end(shop, telemetry):
    record_sweep()
    VoucherGatewayState.objects.update(value=(timezone.now() - timedelta(minutes=7)).isoformat())
    assert 420 <= telemetry.gauge("sweep.age")[""] < 1000


def test_neither_a_verb_nor_a_page_asks_for_them(shop, telemetry, client):
    shop.voucher("20.00")
    order = shop.order("20.00")
    with Counted() as counted:
        gateway.authorize(order, "GIFT-2000-ABCD")
        gateway.capture(order)
        client.get("/")
    assert [sql for sql in counted.statements if "LIMIT 10000" in sql] == []


def test_a_page_that_serves_the_metrics_asks_for_nothing(shop, telemetry, client, settings):
    settings.ROOT_URLCONF = __name__
    served.telemetry = telemetry
    with Counted() as counted:
        assert client.get("/metrics").content == b"{}"
    assert counted.statements == []
    assert telemetry.gauge("holds") == {"": 0}


def served(request):
    """A view that collects."""
    return HttpResponse(str(served.telemetry.gauge("holds")))


urlpatterns = [path("metrics", served)]


def test_inside_a_transaction_of_the_collector_nothing_is_asked(shop, telemetry):
    """Such as that of a request with ``ATOMIC_REQUESTS``."""
    with transaction.atomic(), Counted() as counted:
        assert telemetry.gauge("holds") == {}
    assert counted.statements == []


def test_a_database_that_is_away_stops_no_collection(shop, telemetry, monkeypatch):
    def away(execute, sql, params, many, context):
        from django.db import OperationalError

        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        assert telemetry.gauge("holds") == {}
    assert telemetry.gauge("holds") == {"": 0}


def test_a_connection_that_was_opened_for_it_is_closed_again(shop, telemetry):
    connections.close_all()
    assert telemetry.gauge("holds") == {"": 0}
    assert connection.connection is None
