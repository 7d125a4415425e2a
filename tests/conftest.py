"""The local Voucher Cloud over real HTTP, and a shop connected to it."""

import os
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django
import pytest
import responses

from tests import quick_flush
from tests.figures import figures, pytest_terminal_summary  # noqa: F401  a fixture and a hook
from tests.postgres_server import MISSING, is_postgres, postgres_server, programs
from voucher_payment_gateway import connection
from voucher_payment_gateway.api.limits import by_clock
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

quick_flush.install()


@pytest.fixture(autouse=True)
def _no_network_through_requests():
    """Guard: nothing in this project may use the network through ``requests``, except for a local Voucher Cloud."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as guard:
        guard.add_passthru("http://127.0.0.1")
        yield


@pytest.fixture(autouse=True)
def _no_failed_codes_of_earlier_tests():
    """Forget failed codes, so that no test starts throttled."""
    from django.core.cache import cache

    from voucher_payment_gateway.throttle import _counts

    cache.clear()
    _counts.PROCESS_CACHE.clear()


@pytest.fixture
def midday(settings):
    """Run in a time zone in which it is between 12 and 13 o'clock: no day or month ends while the test looks at it."""
    ahead = 12 - datetime.now(UTC).hour
    settings.TIME_ZONE = f"Etc/GMT{-ahead:+d}"  # the sign of these names is the other way round


@pytest.fixture
def voucher_cloud():
    return LocalVoucherCloud()


@pytest.fixture
def server(voucher_cloud):
    with serve(voucher_cloud) as running:
        yield running


@pytest.fixture
def gateway_settings(settings, server, voucher_cloud):
    """Connect the gateway to ``server``; call it with keys to change its settings."""
    settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": server.base_url}

    def change(**changes):
        settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, **changes}

    with by_clock(lambda: time.monotonic() + voucher_cloud.clock.offset_seconds):
        yield change
    connection.close()


@pytest.fixture
def shop(transactional_db, gateway_settings, voucher_cloud):
    """The shop in autocommit mode, as it runs in production, connected to the local Voucher Cloud."""
    return Shop(voucher_cloud)


@pytest.fixture(scope="session")
def postgres_url():
    """The URL of the PostgreSQL in ``DATABASE_URL``, or of one started for the tests."""
    named = os.environ.get("DATABASE_URL", "")
    if is_postgres(named):
        yield named
    elif programs() is None:
        pytest.skip(MISSING)
    else:
        with postgres_server() as url:
            yield url


class Shop:
    """The shop in the words of the tests: one line for each step."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.vouchers = []

    def order(self, total="50.00", number="A-1001", **fields):
        from tests.shop.models import Order

        return Order.objects.create(number=number, total=Decimal(total), **fields)

    def voucher(self, amount="20.00", code="GIFT-2000-ABCD", **fields):
        self.vouchers.append(self.cloud.add_voucher(code=code, amount=amount, **fields))
        return self.vouchers[-1]

    def bookings(self, voucher):
        return [(row.type, row.amount) for row in self.cloud.bookings(voucher.id)]

    def later(self, **duration):
        """Let time pass: move every instant in our rows into the past, and advance the Voucher Cloud's clock."""
        from django.db.models import DateTimeField, F

        from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

        delta = timedelta(**duration)
        for model in (VoucherPayment, VoucherOperation, VoucherSale):
            instants = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
            model.objects.update(**{name: F(name) - delta for name in instants})
        self.cloud.clock.advance(delta.total_seconds())

    def calls(self):
        """Return the requests since the last call of this, without token requests."""
        sent = [
            (call.method, call.path) for call in self.cloud.requests if not call.path.endswith("/oauth/token")
        ]
        self.cloud.forget_requests()
        return sent


HOSTS = ("django_payments", "oscar", "oscar_api_checkout")
SLOW = (
    *("tests/proofs/", "tests/browser/", "tests/shops/"),
    *("tests/docs/test_tutorial.py", "tests/testing/test_how_to.py", "tests/test_walkthrough.py"),
    *("tests/management/test_absurd_settings.py", "tests/sandbox/test_schemathesis.py"),
    *("tests/gateway/test_query_plans.py", "tests/gateway/test_reconcile_planted_differences.py"),
    *("tests/telemetry/test_prometheus.py", "tests/telemetry/test_processes.py"),
    *("tests/checkout/test_guesses.py", "tests/test_figures.py", "tests/gateway/test_sale_faults.py"),
    *("tests/tasks/test_workers.py", "tests/testing/test_conformance"),
    *(
        f"tests/hosts/{host}/test_{name}"
        for host in HOSTS
        for name in ("browser", "conformance", "kill", "simulation")
    ),
    *(
        "tests/test_token_cache.py::test_a_cold_start",
        "tests/throttle/test_counts.py::test_processes_at_once",
    ),
)
"""Proofs, browsers, and tests that start programs or play thousands of rounds: left out by ``make test-fast``."""


def pytest_collection_modifyitems(config, items):
    """Mark slow tests, and leave out those of a newer Django. With ``REQUIRE_ALL_PARTS`` (CI), a test that would be
    skipped for a missing part fails; what a shop declares to the conformance suite that it cannot do is not missing."""
    for item in items:
        starts_a_server = "postgres_url" in getattr(item, "fixturenames", ()) or "[redis" in item.name
        if starts_a_server or item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    if django.VERSION < (6, 0):
        too_new = [item for item in items if item.get_closest_marker("django6")]
        items[:] = [item for item in items if item not in too_new]
        config.hook.pytest_deselected(items=too_new)
    if os.environ.get("REQUIRE_ALL_PARTS"):
        config.pluginmanager.register(_NoSkips())


class _NoSkips:
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        is_declared = call.excinfo is not None and getattr(call.excinfo.value, "is_declared", False)
        if report.skipped and not hasattr(report, "wasxfail") and not is_declared:
            report.outcome = "failed"
            report.longrepr = f"skipped although every part must be there: {report.longrepr[-1]}"
