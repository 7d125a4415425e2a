"""A status that was changed unnoticed, by a bulk update or before a crash, is found by the next sweep."""

import logging
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherGatewayState, VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter, OrderFacts

ON_STATUS = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}


class LookedUp(OrderAdapter):
    """An adapter with a lookup of its own."""

    def lookup(self, number):
        return {"number__iexact": number}


class Failing(OrderAdapter):
    """An adapter whose code fails for one order."""

    def lookup(self, number):
        if number == "N-0":
            raise RuntimeError("a fault of the shop")
        return {"number": number}


@pytest.fixture
def order(shop, gateway_settings):
    """A new order of 20.00, held with a voucher of 20.00."""
    gateway_settings(ON_STATUS=ON_STATUS)
    order = shop.order("20.00")
    gateway.authorize(order, shop.voucher("20.00").code)
    return order


def unnoticed(status, **orders):
    """Change the status without a signal."""
    assert Order.objects.filter(**orders).update(status=status)


def payment():
    return VoucherPayment.objects.get()


def many(shop, count):
    """Orders that are held, as many as ``count``."""
    for number in range(count):
        code = shop.voucher("20.00", code=f"GIFT-{number}").code
        gateway.authorize(shop.order("20.00", number=f"N-{number}"), code)


@pytest.mark.parametrize(
    ("before", "status", "expected"),
    [
        ("", "shipped", "captured"),
        ("", "cancelled", "cancelled"),
        ("capture", "returned", "refunded"),
        ("capture", "cancelled", "cancelled"),
        ("", "new", "authorized"),
    ],
)
def test_a_bulk_update_is_noticed_by_the_next_sweep(order, before, status, expected):
    if before:
        gateway.capture(order)
    unnoticed(status)
    assert gateway.settle().by_status == (status != "new")
    assert payment().status == expected


def test_a_selected_voucher_is_reserved_where_the_order_was_confirmed_unnoticed(shop, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    gateway.select(shop.order("20.00"), shop.voucher("20.00").code)
    unnoticed("confirmed")
    assert gateway.settle().by_status == 1
    assert payment().status == "authorized"


def test_an_order_that_is_charged_at_its_confirmation_is_charged(order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS, CAPTURE="immediate")
    VoucherPayment.objects.update(confirmed_at=timezone.now())
    unnoticed("confirmed")
    gateway.settle()
    assert payment().status == "captured"


def test_a_reservation_that_ended_meanwhile_is_made_again(shop, order):
    unnoticed("shipped")
    shop.later(hours=2)
    gateway.settle()
    assert payment().amount_captured == D("20.00")


def test_each_is_done_once(shop, order, caplog):
    for status in ("confirmed", "shipped", "returned", "cancelled"):
        unnoticed(status)
        for _ in range(3):
            gateway.settle()
        assert VoucherOperation.objects.filter(state__in=("due", "unknown")).count() == 0
    booked = [type for type, _ in shop.bookings(shop.vouchers[0])]
    assert booked == ["charge", "refund"]
    shop.calls()
    assert gateway.settle().by_status == 0
    ours = [record for record in caplog.records if record.name.startswith("voucher_payment_gateway")]
    assert (shop.calls(), ours) == ([], [])


def test_without_on_status_nothing_is_read(order, gateway_settings):
    unnoticed("shipped")
    gateway_settings(ON_STATUS={})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert gateway.settle().by_status == 0
    assert not any("shop_order" in each["sql"] for each in queries)
    assert payment().status == "authorized"


def test_an_order_that_needs_nothing_is_left_alone_in_silence(shop, order, caplog):
    Order.objects.update(total=D("0.00"), status="shipped")
    for _ in range(3):
        assert gateway.settle().by_status == 0
    assert (payment().status, caplog.records) == ("authorized", [])


def test_a_refund_that_was_refused_is_left_to_a_person(shop, order, caplog):
    gateway.capture(order)
    shop.cloud.faults.next("before:409", path="*/refund", times=9)
    unnoticed("returned")
    for _ in range(20):
        gateway.settle()
        shop.later(minutes=30)
    shop.calls()
    caplog.clear()
    assert gateway.settle().by_status == 0
    ours = [record for record in caplog.records if record.name.startswith("voucher_payment_gateway")]
    assert (shop.calls(), ours) == ([], [])


@pytest.mark.parametrize("changed", [{"currency": ""}, {"currency": "CHF"}])
def test_an_order_that_cannot_be_charged_is_told_once_a_day(order, caplog, changed):
    Order.objects.update(status="shipped", **changed)
    for _ in range(3):
        assert gateway.settle().by_status == 0
    assert [(each.levelno, "A-1001" in each.getMessage()) for each in caplog.records] == [
        (logging.ERROR, True)
    ]


def test_trouble_with_one_order_does_not_keep_the_others(shop, order, gateway_settings):
    gateway.authorize(shop.order("20.00", number="A-2"), shop.voucher("20.00", code="GIFT-2").code)
    unnoticed("shipped")
    Order.objects.filter(number="A-1001").update(currency="")
    assert gateway.settle().by_status == 1
    assert [each.status for each in VoucherPayment.objects.order_by("pk")] == ["authorized", "captured"]


def test_a_field_that_the_order_does_not_have_is_told(order, gateway_settings, caplog):
    gateway_settings(ON_STATUS={**ON_STATUS, "field": "state"})
    assert gateway.settle().by_status == 0
    assert "AttributeError" in caplog.text


def test_a_cache_that_is_down_keeps_nothing_from_being_told(order, caplog, settings):
    Order.objects.update(status="shipped", currency="")
    settings.CACHES = {"default": {"BACKEND": "tests.management.caches.BrokenCache"}}
    gateway.settle()
    assert "A-1001" in caplog.text


# A bounded number of rows


def test_a_run_goes_on_where_the_last_one_ended_and_begins_again(shop, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    many(shop, 5)
    unnoticed("shipped", number="N-4")
    assert [gateway.settle(limit=2).by_status for _ in range(3)] == [0, 0, 1]
    unnoticed("shipped", number="N-0")
    assert gateway.settle(limit=2).by_status == 1


def test_a_run_that_ends_exactly_at_the_end_begins_again(shop, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    many(shop, 2)
    gateway.settle(limit=2)
    unnoticed("shipped", number="N-0")
    assert gateway.settle(limit=2).by_status == 1


def test_two_workers_share_the_rows(shop, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    many(shop, 4)
    unnoticed("shipped")
    reports = []

    def settle_meanwhile(execute, sql, params, many, context):
        rows = execute(sql, params, many, context)
        if "was_refused" in sql and not reports:
            reports.append(None)
            reports.append(gateway.settle(limit=2))
        return rows

    with connection.execute_wrapper(settle_meanwhile):
        reports.append(gateway.settle(limit=2))
    assert [report and report.by_status for report in reports] == [None, 2, 0]
    charged = VoucherPayment.objects.filter(status="captured").order_by("pk")
    assert [each.order_number for each in charged] == ["N-0", "N-1"]
    gateway.settle(limit=2)
    assert charged.all().count() == 4


@pytest.mark.parametrize("taken", ["", "2026-01-01T00:00:00+00:00 1"])
def test_a_cursor_that_another_worker_has_just_stored_is_left_as_it_is(shop, gateway_settings, taken):
    gateway_settings(ON_STATUS=ON_STATUS)
    many(shop, 1)
    unnoticed("shipped")

    def store_meanwhile(execute, sql, params, many, context):
        rows = execute(sql, params, many, context)
        if "was_refused" in sql:
            VoucherGatewayState.objects.update_or_create(
                name="status_sweep", defaults={"value": taken or "1"}
            )
        return rows

    if taken:
        VoucherGatewayState.objects.create(name="status_sweep", value="2025-01-01T00:00:00+00:00 1")
    with connection.execute_wrapper(store_meanwhile):
        assert gateway.settle(limit=1).by_status == 0
    assert payment().status == "authorized"


def test_payments_that_did_not_change_for_long_are_not_looked_at(order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS, CONFIRMED_DAYS=10)
    unnoticed("shipped")
    VoucherPayment.objects.update(updated_at=timezone.now() - timedelta(days=11))
    assert gateway.settle().by_status == 0


def test_a_run_that_is_stopped_begins_no_other_order(order):
    unnoticed("shipped")
    assert gateway.settle(stop=lambda: True).by_status == 0
    assert payment().status == "authorized"


@pytest.mark.parametrize("count", [1, 100])
def test_a_sweep_costs_the_same_statements_whatever_it_finds(shop, gateway_settings, count):
    gateway_settings(ON_STATUS={})
    many(shop, count)
    gateway.settle()  # the first sweep of a database stores a row for its end
    with CaptureQueriesContext(connection) as without:
        gateway.settle()
    gateway_settings(ON_STATUS=ON_STATUS)
    gateway.settle(limit=1000)
    with CaptureQueriesContext(connection) as queries:
        gateway.settle(limit=1000)
    assert len(queries) - len(without) == 3  # the cursor, the payments, the orders


@pytest.mark.parametrize(
    "changed",
    [
        {"ORDER_ADAPTER": f"{__name__}.LookedUp"},
        {"ORDER_FIELDS": {"number": "pk"}},
        {"ORDER_FIELDS": {"number": "id"}},
    ],
)
def test_orders_are_found_whatever_their_number_is(shop, gateway_settings, changed):
    gateway_settings(ON_STATUS=ON_STATUS, **changed)
    gateway.authorize(shop.order("20.00"), shop.voucher("20.00").code)
    unnoticed("shipped")
    assert gateway.settle().by_status == 1


def test_a_payment_of_an_order_that_is_none_of_the_shops_does_not_hide_the_others(shop, gateway_settings):
    gateway.authorize(OrderFacts("ELSEWHERE", D("5.00"), "EUR"), shop.voucher("5.00", code="GIFT-5").code)
    gateway_settings(ON_STATUS=ON_STATUS, ORDER_FIELDS={"number": "id"})
    gateway.authorize(shop.order("20.00"), shop.voucher("20.00").code)
    unnoticed("shipped")
    assert gateway.settle().by_status == 1


def test_an_order_that_the_shops_code_cannot_look_up_does_not_hide_the_others(shop, gateway_settings, caplog):
    """Nor does it end the run: what comes after it, such as the activation of what was sold, is done."""
    gateway_settings(ON_STATUS=ON_STATUS)
    many(shop, 2)
    unnoticed("shipped", number__startswith="N-")
    gateway_settings(ORDER_ADAPTER=f"{__name__}.Failing")
    assert [gateway.settle().by_status, gateway.settle().by_status] == [1, 0]
    found = dict(VoucherPayment.objects.values_list("order_number", "status"))
    assert found == {"N-0": "authorized", "N-1": "captured"}
    assert caplog.text.count("order N-0 cannot be read: RuntimeError") == 1  # once a day
    now = timezone.now()
    assert gateway.reconcile(now - timedelta(days=1), now + timedelta(days=1)) == []


def test_an_order_model_with_other_names_is_looked_at(shop, gateway_settings):
    gateway_settings(
        ORDER_MODEL="shop.Invoice",
        ORDER_FIELDS={"number": "reference", "total": "gross", "currency": "money"},
        ON_STATUS={"field": "state", "capture": ["sent"]},
    )
    invoice = Invoice.objects.create(reference="R-1", gross=D("20.00"))
    gateway.authorize(invoice, shop.voucher("20.00").code)
    Invoice.objects.update(state="sent")
    assert gateway.settle().by_status == 1


def test_a_bulk_update_to_shipped_of_an_order_that_lapsed_for_good_is_told_once(shop, order, record_signal):
    gateway.authorize_selected(order)
    shop.later(days=31)
    gateway.settle()
    failed = record_signal("payment_failed")
    unnoticed("shipped")
    VoucherPayment.objects.update(updated_at=timezone.now())
    for _ in range(3):
        gateway.settle()
    assert failed == [("A-1001", D("20.00"))]
    assert VoucherPayment.objects.all().needing_attention().count() == 1


def test_a_bulk_update_to_shipped_after_a_first_parcel_charges_the_rest(shop, order):
    gateway.authorize_selected(order)
    gateway.capture(order, "5.00")
    unnoticed("shipped")
    gateway.settle()
    assert order.voucher_captured == D("20.00")
    assert gateway.settle().by_status == 0
