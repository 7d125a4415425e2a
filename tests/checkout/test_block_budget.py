"""What the block of an order without vouchers costs: most orders have none, and every checkout page shows it."""

import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import connection
from django.template import RequestContext, Template
from django.utils import translation

from tests.shop import signals
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.summary import summarise
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.models.compiled import CompiledQuery

CALLS_ONCE = 8978
"""Calls of Python functions that one block took before its query was kept composed and its fields rendered."""


EXPORTERS, COUNTED = ("opentelemetry", "sentry_sdk"), ("django", "voucher_payment_gateway", "tests")


def calls(act):
    """Return the number of calls of Python functions in ``act``, once what is read at its first run is there. It does
    not depend on the machine's speed."""
    return min(_counted(act) for _ in range(3))


def _counted(act):
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event == "call" and not of_telemetry(frame)

    earlier = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(earlier)
    return counted


def of_telemetry(frame):
    """Return whether an exporter of traces called it, which other tests of the same process may have set up: the
    nearest caller that is of Django, of the package, or of an exporter decides."""
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in EXPORTERS or package in COUNTED:
            return package in EXPORTERS
        frame = frame.f_back
    return False


def bare_calls():
    """Return the calls that the driver makes for one statement that is written by hand."""

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", ["A-1001"])
            cursor.fetchall()

    ask()
    return calls(ask)


@pytest.fixture
def render(rf):
    template = Template("{% load voucher_payments %}{% voucher_payments order %}")
    return lambda order: template.render(RequestContext(rf.get("/checkout/"), {"order": order}))


def test_a_block_without_vouchers_costs_one_statement_and_few_calls(shop, render, django_assert_num_queries):
    order = shop.order("50.00")
    first = render(order)
    with django_assert_num_queries(1):
        assert len(render(order)) == len(first)
    assert calls(lambda: render(order)) <= 0.2 * CALLS_ONCE + bare_calls()
    assert calls(lambda: summarise(order)) <= bare_calls() + 100


def test_an_order_with_a_voucher_is_read_once(shop, django_assert_num_queries):
    order = shop.order("50.00")
    shop.voucher("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    for read in (summarise, gateway.cover, lambda each: each.voucher_due):
        with django_assert_num_queries(1):
            read(order)
        assert calls(lambda read=read: read(order)) <= 400
    for _ in range(2):  # the first one charges, the second finds that it is charged
        signals.shipped.send(sender=None, order=order)
    assert calls(lambda: signals.shipped.send(sender=None, order=order)) <= 400


def test_what_is_due_of_an_order_without_vouchers_costs_one_statement_and_few_calls(
    shop, django_assert_num_queries
):
    order = shop.order("50.00")
    assert order.voucher_due == D("50.00")
    with django_assert_num_queries(1):
        assert gateway.cover(order).due == order.total
    with django_assert_num_queries(1):
        assert order.voucher_due == order.total
    assert calls(lambda: order.voucher_due) <= bare_calls() + 90
    assert calls(lambda: gateway.cover(order)) <= bare_calls() + 200


@pytest.mark.parametrize("calls_before", [0, 1, 3])
def test_it_shows_a_voucher_as_soon_as_there_is_one(shop, render, calls_before):
    order = shop.order("50.00")
    shop.voucher("20.00")
    for _ in range(calls_before):
        assert summarise(order).lines == []
    gateway.authorize(order, "GIFT-2000-ABCD")
    summary = summarise(order)
    assert [line.state for line in summary.lines] == ["held"]
    assert (str(summary.due), str(summary.covered)) == ("30.00", "20.00")


def test_the_fields_of_the_form_are_in_the_language_of_each_page(shop, render):
    order = shop.order("50.00")
    pages = []
    for language in ("en", "de", "en", "de"):
        with translation.override(language):
            pages.append(render(order))
    assert all("Gift voucher code" in page for page in pages[::2])
    assert all("Gutscheincode" in page and "Gift voucher code" not in page for page in pages[1::2])


# queries that are kept composed


@pytest.fixture
def payments(shop):
    for number in (1, 2, 3):
        shop.voucher("20.00", code=f"GIFT-{number}")
        gateway.authorize(shop.order("50.00", number=f"A-{number}"), f"GIFT-{number}")
    gateway.capture(Order.objects.get(number="A-2"))


def of_number(number):
    return VoucherPayment.objects.filter(order_number=number).with_open_charge().order_by("pk")


def test_a_query_that_is_kept_returns_what_the_orm_returns(payments, django_assert_num_queries):
    kept = CompiledQuery(of_number)
    for number in ("A-1", "A-2", "A-3", "A-4", "A-1", "%s", "' OR 1=1 --", ""):
        with django_assert_num_queries(1):
            found = kept.rows("default", number)
        expected = list(of_number(number))
        assert [vars(each) | {"_state": None} for each in found] == [
            vars(each) | {"_state": None} for each in expected
        ]
        assert all((each._state.db, each._state.adding) == ("default", False) for each in found)


def test_a_query_that_is_kept_takes_as_many_values_as_it_has(payments):
    either = CompiledQuery(
        lambda one, other: VoucherPayment.objects.filter(order_number__in=[one, other]).order_by("pk"), 2
    )
    assert [each.order_number for each in either.rows("default", "A-3", "A-1")] == ["A-1", "A-3"]
    assert [each.order_number for each in either.rows("default", "A-2", "A-2")] == ["A-2"]
    with pytest.raises(ValueError, match="argument"):
        either.rows("default", "A-2")


def test_a_query_is_composed_once(payments):
    composed = []

    def build(number):
        composed.append(number)
        return of_number(number)

    kept = CompiledQuery(build)
    for number in ("A-1", "A-2", "A-1"):
        kept.rows("default", number)
    assert len(composed) == 1


def test_threads_share_it(payments):
    """What one thread has composed holds nothing of its connection, which it closes."""
    kept = CompiledQuery(of_number)

    def read(number):
        try:
            return [str(payment.amount_captured) for payment in kept.rows("default", number)]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as first:
        assert first.submit(read, "A-2").result() == ["20.00"]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, ["A-1", "A-2"] * 8)) == [["0.00"], ["20.00"]] * 8
    assert all(statement.compiler.connection is None for statement in kept._statements.values())
