"""Workers share what is due: each row is taken by one of them, and none waits for a row that another one holds."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from tests.shop import sold
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.recovery.settle import deliver_due
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

ROWS = 3


class SharedCloud(LocalVoucherCloud):
    """Lets something happen before it answers the next call."""

    meanwhile = None

    def answer(self, request):
        action, self.meanwhile = self.meanwhile, None
        if action:
            action()
        return super().answer(request)


@pytest.fixture
def voucher_cloud():
    return SharedCloud()


def authorized(shop):
    for number in range(ROWS):
        shop.voucher("20.00", code=f"GIFT-{number}")
        gateway.authorize(shop.order("20.00", f"A-{number}"), f"GIFT-{number}")


@pytest.fixture
def renewals(shop, gateway_settings):
    """Holds that end soon."""
    gateway_settings(RENEW_HOLDS=True)
    authorized(shop)
    shop.later(minutes=25)
    return VoucherPayment.objects.order_by("renew_at")


@pytest.fixture
def due(shop):
    """Charges that are to be sent."""
    authorized(shop)
    shop.cloud.faults.next("before:503", path="*/charge", times=99)
    for order in Order.objects.all():
        with suppress(VoucherGatewayError):
            gateway.capture(order)
    shop.cloud.faults.clear()
    shop.later(minutes=2)
    return VoucherOperation.objects.filter(state="due").order_by("due_at")


@pytest.fixture
def rereadings(shop):
    """Charges whose trailing read is due, and of which our records have lost the booking."""
    authorized(shop)
    for order in Order.objects.all():
        gateway.capture(order)
    charges = VoucherOperation.objects.filter(kind="charge")
    charges.update(state="not_applied", remote_id="", reread_at=timezone.now() - timedelta(minutes=1))
    return charges.order_by("reread_at")


@pytest.fixture
def sales(shop, gateway_settings):
    """Sold vouchers that are to be activated."""
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers", SHOP_URL="https://shop.example")
    sold.DETAILS["a"] = {"recipient_email": "anna@example.org"}
    for number in range(ROWS):
        gateway.issue(shop.order("50.00", f"S-{number}", note="a=50.00"))
    VoucherSale.objects.update(target="active", due_at=timezone.now() - timedelta(minutes=1))
    yield VoucherSale.objects.order_by("due_at")
    sold.DETAILS.clear()


@pytest.fixture
def deliveries(shop, sales):
    """Codes that are to be handed over; each voucher is read before."""
    sold.DETAILS["a"]["deliver_at"] = timezone.now() + timedelta(days=1)
    for order in Order.objects.all():
        gateway.activate(order)
    shop.later(minutes=2)
    VoucherSale.objects.update(deliver_at=None, deliver_due_at=timezone.now() - timedelta(minutes=1))
    return VoucherSale.objects.order_by("deliver_due_at")


KINDS = {
    "due": lambda: gateway.settle().sent,
    "renewals": lambda: gateway.settle().renewed,
    "rereadings": lambda: gateway.settle().reviews,
    "sales": lambda: gateway.settle().sold,
    "deliveries": deliver_due,
}


@pytest.mark.parametrize("kind", KINDS)
def test_another_worker_takes_what_the_first_has_not_begun(request, shop, gateway_settings, kind):
    request.getfixturevalue(kind)
    gateway_settings(SETTLE_THREADS=1)
    by_the_other = []

    def sweep_as_well():
        by_the_other.append(KINDS[kind]())
        connections.close_all()  # of this thread of the server

    shop.calls()
    shop.cloud.meanwhile = sweep_as_well
    assert (KINDS[kind](), by_the_other) == (1, [ROWS - 1])
    calls = Counter(shop.calls())
    assert max(calls.values()) == 1 or kind == "renewals"
    assert calls.total() == ROWS


if connection.vendor == "postgresql":

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_worker_waits_for_a_row_that_another_one_holds(request, shop, caplog, kind):
        rows = request.getfixturevalue(kind)
        other = connections.create_connection("default")
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {rows.model._meta.db_table} WHERE id = %s FOR UPDATE", [rows.first().pk]
            )
            with connection.cursor() as own:
                own.execute("SET statement_timeout = '3s'")  # fail instead of waiting for ever
            assert KINDS[kind]() == ROWS - 1
            assert "OperationalError" not in caplog.text
        other.rollback()
        other.close()
        connection.close()
