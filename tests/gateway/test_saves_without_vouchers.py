"""Saving an order whose status asks for a verb: cheap without vouchers, and never by what the object remembers of them.

The object may be older than a voucher: it was loaded, then another request reserved one, then it is saved as shipped.
"""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.checkout.test_block_budget import bare_calls, calls
from tests.gateway.test_events import EVENTS, ON_STATUS
from tests.shop import signals
from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderFacts

CODE = "GIFT-2000-ABCD"
ENDS = {"confirmed": "authorized", "shipped": "captured", "cancelled": "cancelled"}
"""What becomes of a reserved voucher when its order gets this status."""


@pytest.fixture
def driven(shop, gateway_settings):
    gateway_settings(EVENTS={}, ON_STATUS=ON_STATUS)
    shop.voucher("20.00")
    return shop


def statements(act):
    with CaptureQueriesContext(connection) as caught:
        act()
    return len([each for each in caught.captured_queries if not each["sql"].startswith(("BEGIN", "COMMIT"))])


def in_another_request(act):
    """Run ``act`` in a thread, with a connection of its own."""

    def run():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def saved_as(order, status, **options):
    order.status = status
    order.save(**options)


# what it costs


@pytest.mark.parametrize("status", [*ENDS, "returned"])
def test_an_order_without_vouchers_costs_one_statement_more(driven, status):
    order = driven.order("50.00")
    saved_as(order, status)
    plain = statements(lambda: saved_as(order, "new"))
    assert statements(lambda: saved_as(order, status)) == plain + 1
    extra = calls(lambda: saved_as(order, status)) - calls(lambda: saved_as(order, "new"))
    assert extra <= bare_calls() + 60


def test_several_verbs_of_one_status_read_it_once(driven, gateway_settings):
    every = ("authorize", "capture", "refund", "cancel")
    gateway_settings(ON_STATUS={"field": "status", **{verb: ["done"] for verb in every}})
    order = driven.order("50.00")
    plain = statements(lambda: saved_as(order, "new"))
    assert statements(lambda: saved_as(order, "done")) == plain + 1


def test_where_no_verb_is_asked_for_it_costs_none(driven, gateway_settings):
    order = driven.order("50.00")
    driven_saves = [
        statements(lambda: saved_as(order, "new")),
        statements(lambda: saved_as(order, "shipped", update_fields=["note"])),
    ]
    extra = calls(lambda: saved_as(order, "new"))
    gateway_settings(ON_STATUS={})
    assert driven_saves == [
        statements(lambda: saved_as(order, "new")),
        statements(lambda: saved_as(order, "shipped", update_fields=["note"])),
    ]
    assert extra - calls(lambda: saved_as(order, "new")) <= 30


def test_an_order_without_a_number_costs_none(driven):
    order = driven.order("50.00", number="")
    assert statements(lambda: saved_as(order, "shipped")) == statements(lambda: saved_as(order, "new"))


def test_an_order_that_names_a_reservation_costs_what_its_verb_costs(driven):
    """It has vouchers: that is believed, since the verb reads them itself."""
    gateway.authorize(driven.order("50.00"), CODE)
    order = Order.objects.get()
    saved_as(order, "shipped")
    plain, verb = statements(lambda: saved_as(order, "new")), statements(lambda: gateway.capture(order))
    assert statements(lambda: saved_as(order, "shipped")) == plain + verb


# what the object remembers is not believed


@pytest.mark.parametrize("status", [*ENDS])
@pytest.mark.parametrize("only", [(), ("status",)], ids=["all columns", "some columns"])
def test_an_object_that_is_older_than_the_voucher(driven, status, only):
    driven.order("50.00")
    old = Order.objects.get()
    assert old.voucher_reservation_ids == []
    in_another_request(lambda: gateway.authorize(Order.objects.get(), CODE))
    saved_as(old, status, **({"update_fields": list(only)} if only else {}))
    assert VoucherPayment.objects.get().status == ENDS[status]


def test_an_object_that_is_older_than_the_charge_is_refunded(driven):
    driven.order("50.00")
    old = Order.objects.get()

    def pay():
        gateway.authorize(Order.objects.get(), CODE)
        gateway.capture(Order.objects.get())

    in_another_request(pay)
    saved_as(old, "returned")
    assert VoucherPayment.objects.get().status == "refunded"


@pytest.mark.parametrize("status", ["shipped", "cancelled"])
def test_one_that_has_asked_before_and_had_none(driven, status):
    """What a save has read is not remembered for the next one."""
    order = driven.order("50.00")
    saved_as(order, status)
    in_another_request(lambda: gateway.authorize(Order.objects.get(), CODE))
    saved_as(order, status)
    assert VoucherPayment.objects.get().status == ENDS[status]


def test_a_column_that_was_not_loaded_is_not_read(driven):
    driven.order("50.00")
    old = Order.objects.defer("voucher_reservation_ids").get()
    gateway.authorize(Order.objects.get(), CODE)
    saved_as(old, "shipped")
    assert VoucherPayment.objects.get().status == "captured"


def test_a_voucher_that_is_only_selected_has_no_reservation_id_and_counts(driven):
    driven.order("50.00")
    old = Order.objects.get()
    in_another_request(lambda: gateway.select(Order.objects.get(), CODE))
    saved_as(old, "confirmed")
    assert (VoucherPayment.objects.get().status, old.voucher_due) == ("authorized", D("30.00"))


def test_an_order_that_is_created_after_its_voucher_was_reserved(driven):
    """Its number was fixed first, and paid: a new row is no proof that there are no vouchers."""
    unsaved = Order(number="A-1001", total=D("50.00"), status="shipped")
    gateway.authorize(OrderFacts("A-1001", D("50.00"), "EUR"), CODE)
    unsaved.save()
    assert VoucherPayment.objects.get().status == "captured"


def test_a_voucher_of_the_same_transaction(driven):
    order = driven.order("50.00")
    with transaction.atomic():
        saved_as(order, "shipped")
        gateway.authorize(order, CODE)
        saved_as(order, "shipped")
    assert VoucherPayment.objects.get().status == "captured"


def test_one_of_another_request_during_the_transaction(driven):
    """The transaction has read that there is none. It has not written yet: SQLite lets one writer in at a time."""
    driven.order("50.00")
    with transaction.atomic():
        old = Order.objects.get()
        if connection.vendor != "sqlite":  # where this transaction could not write any more
            assert not VoucherPayment.objects.exists()
            in_another_request(lambda: gateway.authorize(Order.objects.get(), CODE))
    if connection.vendor == "sqlite":
        in_another_request(lambda: gateway.authorize(Order.objects.get(), CODE))
    with transaction.atomic():
        saved_as(old, "shipped")
    assert VoucherPayment.objects.get().status == "captured"


def test_a_model_without_the_column(driven, gateway_settings):
    fields = {"number": "reference", "total": "gross", "currency": "money"}
    gateway_settings(
        ORDER_MODEL="shop.Invoice", ORDER_FIELDS=fields, ON_STATUS={**ON_STATUS, "field": "state"}
    )
    old = Invoice.objects.create(reference="I-1", gross=D("50.00"))
    assert statements(lambda: setattr(old, "state", "shipped") or old.save()) == 2
    gateway.authorize(Invoice.objects.get(), CODE)
    old.save()
    assert VoucherPayment.objects.get().status == "captured"


def test_a_refusal_still_reaches_the_checkout(driven):
    order = driven.order("50.00")
    gateway.select(order, "GIFT-UNKNOWN")
    with pytest.raises(VoucherUnusableError):
        saved_as(order, "confirmed")


def test_signals_of_such_an_order_read_it_once_too(driven, gateway_settings):
    gateway_settings(EVENTS=EVENTS, ON_STATUS={})
    order = driven.order("50.00")
    for signal in (signals.confirmed, signals.shipped, signals.returned, signals.aborted):
        signal.send(sender=None, order=order)
        assert statements(partial(signal.send, sender=None, order=order)) == 1
        assert calls(partial(signal.send, sender=None, order=order)) <= bare_calls() + 250
