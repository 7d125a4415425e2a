"""The async verbs: many tasks wait for the Voucher Cloud at the same time, each on a thread of the gateway's own."""

import asyncio
import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from decimal import Decimal as D

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.test import TestCase

from tests.gateway.test_side_by_side import CHARGE, MeetingCloud
from tests.shop.models import Order
from voucher_payment_gateway import gateway, signals
from voucher_payment_gateway.exceptions import RefusedError, UnavailableError
from voucher_payment_gateway.gateway.verbs import asynchronous
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

TASKS = 12


@pytest.fixture
def voucher_cloud():
    return MeetingCloud()


@pytest.fixture
def orders(shop):
    """Orders of 10.00, each with a voucher."""
    for number in range(TASKS):
        shop.voucher("10.00", f"GIFT-{number:04}")
    return [shop.order("10.00", f"A-{number:04}") for number in range(TASKS)]


@pytest.fixture
def order(orders):
    """The first of them, authorized."""
    gateway.authorize(orders[0], "GIFT-0000")
    return orders[0]


def run(main):
    """Run ``main`` outside of any request, and close what Django's own sync thread has opened."""

    async def then_close():
        try:
            return await main()
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(then_close())


async def each(calls):
    return await asyncio.gather(*calls)


def test_tasks_outside_of_a_request_call_at_the_same_time(shop, orders, voucher_cloud):
    voucher_cloud.expect(TASKS, "POST", "/v1/reservations")
    voucher_cloud.expect(TASKS, *CHARGE)

    async def pay(number):
        await gateway.aauthorize(orders[number], f"GIFT-{number:04}")
        await gateway.acapture(orders[number])

    run(lambda: each(pay(number) for number in range(TASKS)))
    assert not voucher_cloud.has_waited_in_vain
    assert [payment.status for payment in VoucherPayment.objects.all()] == ["captured"] * TASKS


def test_tasks_of_one_request_call_at_the_same_time(shop, orders, voucher_cloud):
    voucher_cloud.expect(TASKS, "POST", "/v1/reservations")

    async def request():
        async with ThreadSensitiveContext():
            await each(gateway.aauthorize(orders[number], f"GIFT-{number:04}") for number in range(TASKS))
            await sync_to_async(connections.close_all)()

    run(request)
    assert not voucher_cloud.has_waited_in_vain


def test_no_more_threads_run_than_the_settings_allow(shop, orders, gateway_settings):
    gateway_settings(ASYNC_THREADS=3)
    names = set()

    def note(**_):
        names.add(threading.current_thread().name)

    signals.payment_authorized.connect(note)
    try:
        run(lambda: each(gateway.aauthorize(orders[number], f"GIFT-{number:04}") for number in range(TASKS)))
    finally:
        signals.payment_authorized.disconnect(note)
    assert 1 <= len(names) <= 3
    assert all(name.startswith("voucher-verb") for name in names)


def test_their_threads_leave_no_connection_open(shop, orders):
    left = []

    def note(**_):
        left.append(connections["default"])

    signals.payment_authorized.connect(note)
    try:
        run(lambda: each(gateway.aauthorize(orders[number], f"GIFT-{number:04}") for number in range(TASKS)))
    finally:
        signals.payment_authorized.disconnect(note)
    assert len(left) == TASKS
    assert [each.connection for each in left] == [None] * TASKS


def test_a_verb_inside_of_a_transaction_stays_on_its_thread(shop, order):
    """As in an async test of Django's TestCase: only there its rows are visible."""
    names = []

    def note(**_):
        names.append(threading.current_thread())

    signals.payment_authorized.connect(note)
    try:
        with transaction.atomic():
            later = Order.objects.create(number="B-1", total=D("10.00"))
            shop.voucher("10.00", "GIFT-LATE")
            async_to_sync(gateway.aauthorize)(later, "GIFT-LATE")
            assert VoucherPayment.objects.get(order_number="B-1").status == "authorized"
    finally:
        signals.payment_authorized.disconnect(note)
    assert names == [threading.current_thread()]


def test_a_verb_with_autocommit_switched_off_stays_on_its_thread(shop, order):
    connection.set_autocommit(False)
    try:
        with pytest.raises(transaction.TransactionManagementError):
            async_to_sync(gateway.acapture)(order)
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_a_database_in_memory_is_seen_by_one_thread_alone(shop, order, monkeypatch):
    monkeypatch.setattr(type(connections["default"]), "is_in_memory_db", lambda self: True, raising=False)
    monkeypatch.setattr(type(connections["default"]), "vendor", "sqlite")
    monkeypatch.setattr(asynchronous, "_threads", None)
    async_to_sync(gateway.acover)(order)


def test_a_receiver_may_wait_for_another_async_verb(shop, orders, gateway_settings):
    """With one thread only it would wait for itself."""
    gateway_settings(ASYNC_THREADS=1)

    def capture_at_once(payment, **_):
        async_to_sync(gateway.acapture)(Order.objects.get(number=payment.order_number))

    signals.payment_authorized.connect(capture_at_once)
    try:
        run(lambda: gateway.aauthorize(orders[0], "GIFT-0000"))
    finally:
        signals.payment_authorized.disconnect(capture_at_once)
    assert VoucherPayment.objects.get().status == "captured"


def test_a_receiver_of_a_sweep_may_wait_for_another_async_verb(shop, orders, gateway_settings):
    """It is called in a thread of the sweep, for which the only thread of the pool waits."""
    gateway_settings(ASYNC_THREADS=1)
    for number in (0, 1):
        gateway.authorize(orders[number], f"GIFT-{number:04}")
        shop.cloud.faults.next("before:503", method="POST", path="*/charge")
        with pytest.raises(UnavailableError):
            gateway.capture(orders[number])
    shop.later(minutes=10)
    covers = []

    def note(order_number, **_):
        covers.append(async_to_sync(gateway.acover)(Order.objects.get(number=order_number)))

    signals.payment_captured.connect(note)
    try:
        run(gateway.asettle)
    finally:
        signals.payment_captured.disconnect(note)
    assert len(covers) == 2


def test_the_context_of_the_task_carries_over(shop, order):
    visitor = ContextVar("visitor", default="")
    seen = []

    def note(**_):
        seen.append(visitor.get())

    async def capture():
        visitor.set("anna")
        await gateway.acapture(order)

    signals.payment_captured.connect(note)
    try:
        run(capture)
    finally:
        signals.payment_captured.disconnect(note)
    assert seen == ["anna"]


def test_an_error_reaches_the_task(shop, orders):
    with pytest.raises(RefusedError):
        run(lambda: gateway.aauthorize(orders[0], "NO-SUCH-CODE"))


def test_a_task_that_is_cancelled_leaves_the_charge_to_its_thread(shop, order, voucher_cloud):
    """It is cancelled while the request is in flight; the thread goes on, and writes the outcome down."""
    arrived, ended = threading.Event(), threading.Event()
    cancelled, answer = threading.Event(), voucher_cloud.answer

    def answer_once_cancelled(request):
        if request.path.endswith("/charge"):
            arrived.set()
            assert cancelled.wait(60)
        return answer(request)

    def note(**_):
        ended.set()

    async def cancel_in_flight():
        task = asyncio.create_task(gateway.acapture(order))
        await asyncio.to_thread(arrived.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()
        assert await asyncio.to_thread(ended.wait, 60)

    voucher_cloud.answer = answer_once_cancelled
    signals.payment_captured.connect(note)
    try:
        run(cancel_in_flight)
    finally:
        signals.payment_captured.disconnect(note)
    assert VoucherOperation.objects.get(kind="charge").state == "succeeded"
    assert VoucherPayment.objects.get().amount_captured == D("10.00")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_starts_threads_of_its_own():
    """As a worker of Celery's does, whose parent has called an async verb."""
    program = """
import asyncio, os, sys
import django
django.setup()
from voucher_payment_gateway.gateway.verbs import asynchronous
parent = asynchronous._threads()
assert parent.submit(int).result(60) == 0
pid = os.fork()
if pid == 0:
    own = asynchronous._threads()
    os._exit(0 if own is not parent and own.submit(int).result(60) == 0 else 1)
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert asynchronous._threads() is parent
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


class AsyncTests(TestCase):
    """An async test of a shop: everything in one transaction, on one thread."""

    async def test_a_verb_sees_the_rows_of_its_test(self):
        order = await Order.objects.acreate(number="T-1", total=D("10.00"))
        payment = await gateway.aselect(order, "GIFT-2000-ABCD")
        assert await VoucherPayment.objects.aget() == payment
        assert (await gateway.acover(order)).due == D("10.00")


@pytest.mark.parametrize("wrong", [0, 1001, "many"])
def test_a_wrong_number_of_threads_is_named(settings, wrong):
    from voucher_payment_gateway.conf import gateway_settings

    settings.VOUCHER_PAYMENT_GATEWAY = {**settings.VOUCHER_PAYMENT_GATEWAY, "ASYNC_THREADS": wrong}
    with pytest.raises(ImproperlyConfigured, match="ASYNC_THREADS"):
        gateway_settings()
