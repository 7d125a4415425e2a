"""Real calls of the package, scraped by a real Prometheus: run by ``test_prometheus`` in a process of its own, where
nothing was counted before."""

from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
import yaml
from django.utils import timezone
from prometheus_client import start_http_server

from tests.prometheus_server import prometheus_server
from tests.telemetry.operations import NAME, RULES, all_names, dashboard_expressions
from tests.throttle.conftest import guess, visitor
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    CredentialsError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherUnusableError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

"""The database does not store when settle ran."""

EXPECTED = {
    "VoucherSettleNotRunning",
    "VoucherOperationUnknown",
    "VoucherOperationNeedsPerson",
    "VoucherReviewRequested",
    "VoucherConfirmedOrderUnpaid",
    "VoucherCloudFailing",
    "VoucherCredentialsRefused",
    "VoucherCodesGuessed",
    "VoucherGuessingLimitReached",
}
"""The others need hours or slow answers: ``promtool`` plays them in ``test_rules``."""


@contextmanager
def exporter(registry):
    """Serve the metrics of this process as a shop does, and yield host and port."""
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def at_once():
    """Return the rules of the alert file without the time for which a condition must hold."""
    rules = yaml.safe_load(RULES.read_text())
    for rule in rules["groups"][0]["rules"]:
        rule.pop("for", None)
    return rules


class Troubles:
    """All that can go wrong in a shop."""

    def __init__(self, shop):
        self._shop, self._number = shop, 0

    def paid(self):
        return self._authorized()[0]

    def a_confirmed_order_that_is_not_paid(self):
        order, _ = self._authorized()
        gateway.authorize_selected(order)
        an_hour_ago = timezone.now() - timedelta(hours=1)
        mine = VoucherPayment.objects.filter(order_number=order.number)
        assert mine.update(sealed_code="", reservation_dead_at=an_hour_ago) == 1
        assert gateway.settle().lapsed == 1

    def one_that_needs_a_person(self):
        order, _ = self._authorized()
        self._fails(order, "after:drop", OutcomeUnknownError)
        open_ones = VoucherOperation.objects.filter(order_number=order.number, state="unknown")
        assert open_ones.update(state="manual", settled_at=timezone.now()) == 1

    def credentials_that_are_refused(self):
        order, _ = self._authorized()
        self._fails(order, "before:401", CredentialsError)

    def one_that_stays_unknown(self):
        order, _ = self._authorized()
        self._fails(order, "after:drop", OutcomeUnknownError)
        self._shop.later(hours=3)

    def calls_that_fail(self):
        order, code = self._order()
        self._shop.cloud.faults.next("before:503", path="*/reservations")
        with suppress(UnavailableError):
            gateway.authorize(order, code)
        with suppress(VoucherUnusableError):
            gateway.authorize(order, "NO-SUCH-CODE")

    def calls_that_are_held_back(self):
        self._shop.cloud.faults.next("before:429=1", path="*/reservations")
        for _ in range(2):
            order, code = self._order()
            with pytest.raises(UnavailableError):
                gateway.authorize(order, code)
        self._shop.later(minutes=1)

    def guesses(self, stopped=15):
        for _ in range(stopped):
            guess(visitor())

    def _fails(self, order, fault, error):
        self._shop.cloud.faults.next(fault, path="*/charge", times=None)
        with pytest.raises(error):
            gateway.capture(order)
        self._shop.cloud.faults.clear()

    def _authorized(self):
        order, code = self._order()
        gateway.authorize(order, code)
        return order, code

    def _order(self):
        self._number += 1
        code = f"GIFT-{self._number:04}-ABCD"
        self._shop.voucher("20.00", code=code)
        return self._shop.order("20.00", number=f"P-{self._number}"), code


def test_the_alarms_fire_and_the_dashboard_is_shown(shop, limits, telemetry, tmp_path):
    limits(everyone="2/1h")
    troubles = Troubles(shop)
    order = troubles.paid()
    gateway.capture(order)
    gateway.refund(order)
    gateway.settle()
    with exporter(telemetry.registry) as target, prometheus_server(tmp_path, target, at_once()) as prometheus:
        prometheus.until(
            lambda: prometheus.query("voucher_payment_gateway_holds") and not prometheus.firing()
        )
        troubles.a_confirmed_order_that_is_not_paid()
        troubles.one_that_needs_a_person()
        troubles.one_that_stays_unknown()
        troubles.credentials_that_are_refused()
        troubles.calls_that_are_held_back()

        def more():
            troubles.calls_that_fail()
            troubles.guesses()

        prometheus.until(lambda: prometheus.firing() >= EXPECTED, more)
        seen = {name for name in prometheus.names() if NAME.fullmatch(name) and not name.endswith("_created")}
        assert seen == all_names()
        for expression in dashboard_expressions():
            assert prometheus.query(expression), expression
