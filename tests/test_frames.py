"""Whatever breaks below a verb, no report of the error shows a code or a PIN: each frame holds them opaque."""

import asyncio
import copy
import logging
import os
import pickle
import sys
from contextlib import contextmanager

import httpx
import pytest
import sentry_sdk
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from tests.sentry import sentry
from voucher_payment_gateway import api, gateway
from voucher_payment_gateway import connection as clients
from voucher_payment_gateway.checkout import enter_voucher
from voucher_payment_gateway.conf import gateway_settings as current_settings
from voucher_payment_gateway.gateway.operations.reservation import renew
from voucher_payment_gateway.opaque import HiddenText, Opaque
from voucher_payment_gateway.orders import OrderAdapter
from voucher_payment_gateway.sealing import Secret

CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
OTHER = "canary-code-73105"
CODES = {f"A-{number}": f"CANARY-CODE-{number}" for number in range(100)}
"""By order number. They are read here, so that no frame of this module holds one."""


class BrokenError(Exception):
    """Something below a verb fails."""


class BrokenAdapter(OrderAdapter):
    def total(self, order):
        raise BrokenError("the adapter")


class Stopped(SystemExit):
    """A server stops its worker wherever it is, as gunicorn does after its timeout."""


class Stopping(httpx.BaseTransport):
    """Stops the worker in the middle of a call."""

    def __init__(self, at):
        self._inner, self._at = httpx.HTTPTransport(trust_env=False), at

    def handle_request(self, request):
        if self._at in request.url.path:
            sent = request.content  # noqa: F841  as the frames of a real connection have it
            raise Stopped(1)
        return self._inner.handle_request(request)

    def close(self):
        self._inner.close()


def authorize(order):
    gateway.authorize(order, CODES[order.number], pin=PIN)


def authorize_by_keyword(order):
    gateway.authorize(order=order, code=CODES[order.number], pin=PIN, key="one")


def authorize_a_part(order):
    gateway.authorize(order, CODES[order.number], pin=PIN, amount="5.00")


def authorize_asynchronously(order):
    async_to_sync(gateway.aauthorize)(order, CODES[order.number], pin=PIN)


def select(order):
    gateway.select(order, CODES[order.number], pin=PIN)


def select_asynchronously(order):
    async_to_sync(gateway.aselect)(order, code=CODES[order.number], pin=PIN, key="two")


def enter(order):
    request = RequestFactory().post("/", {"code": CODES[order.number], "pin": PIN})
    enter_voucher(request, order, request.POST["code"], pin=request.POST["pin"])


def confirm(order):
    gateway.authorize_selected(order)


def capture(order):
    gateway.capture(order)


def sweep(order):
    gateway.settle()


def hold_again(order):
    payment = order.voucher_payments.get()
    renew(payment, payment.amount_authorized, 9)


FIRST = [
    authorize,
    authorize_by_keyword,
    authorize_a_part,
    authorize_asynchronously,
    select,
    select_asynchronously,
    enter,
]
CALLING = [verb for verb in FIRST if verb not in (select, select_asynchronously)]
LATER = [confirm, capture, sweep, hold_again]


def reports_of(error):
    """Return every report of an error: Django's page and mail, with ``DEBUG`` on and off, and Sentry's event."""
    texts = []
    for is_email in (False, True):
        reporter = ExceptionReporter(None, type(error), error, error.__traceback__, is_email=is_email)
        texts += [reporter.get_traceback_html(), reporter.get_traceback_text()]
    with sentry(attach_stacktrace=True) as outbox:
        sentry_sdk.capture_exception(error)
    assert "exception" in outbox.events[0]
    return [*texts, outbox.text]


def assert_no_leak(texts):
    for text in texts:
        place = text.casefold().find("canary-")
        assert place < 0, text[max(0, place - 400) :][:500]


@pytest.fixture
def prepared(shop):
    """Return an order of 50.00, and a function that brings it to where the later verbs begin."""

    def prepare(verb, number=0):
        order = shop.order("20.00", number=f"A-{number}")
        shop.voucher("20.00", code=CODES[order.number], pin=PIN)
        if verb in LATER:
            gateway.select(order, CODES[order.number], pin=PIN)
        if verb in (capture, sweep, hold_again):
            gateway.authorize_selected(order)
        if verb in (capture, sweep):
            shop.later(minutes=40)
        return order

    return prepare


def breaking_at(number):
    """Return a wrapper that raises at the statement with this number, and the statements that it saw."""
    seen = []

    def wrapper(execute, sql, params, many, context):
        seen.append(sql)
        if len(seen) == number:
            raise BrokenError(f"statement {number}")
        return execute(sql, params, many, context)

    return wrapper, seen


@contextmanager
def every_connection_wrapped(wrapper):
    """Wrap the statements of this thread, and those of the thread on which an async verb runs."""
    opened = []

    def wrap(connection, **_):
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrapper)
            opened.append(connection)

    connection_created.connect(wrap)
    try:
        with connection.execute_wrapper(wrapper):
            yield
    finally:
        connection_created.disconnect(wrap)
        for each in opened:
            each.execute_wrappers.remove(wrapper)


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
@pytest.mark.parametrize("verb", [*FIRST, *LATER], ids=lambda verb: verb.__name__)
def test_the_database_breaks_at_each_statement_in_turn(prepared, settings, caplog, verb, debug):
    caplog.set_level(logging.DEBUG)
    settings.DEBUG = debug
    broken = 0
    for number in range(1, 60):
        order = prepared(verb, number)
        wrapper, seen = breaking_at(number)
        try:
            with every_connection_wrapped(wrapper):
                verb(order)
        except BrokenError as error:
            assert_no_leak(reports_of(error))
            broken += 1
        if len(seen) < number:
            break
    else:
        raise AssertionError("it makes statements without end")
    assert broken >= 3
    assert_no_leak([caplog.text])


@pytest.mark.parametrize("at", ["oauth/token", "reservations", "/vouchers/"])
@pytest.mark.parametrize("verb", [*CALLING, confirm, capture, hold_again], ids=lambda verb: verb.__name__)
def test_the_worker_is_stopped_in_the_middle_of_a_call(prepared, verb, at):
    order = prepared(verb)
    if at == "/vouchers/":
        order.total = 50
        order.save()
    clients.close()
    cache.clear()  # the token that processes share
    clients._clients[os.getpid(), ""] = clients.new_client(current_settings(), transport=Stopping(at))
    try:
        verb(order)
    except Stopped as error:
        assert_no_leak(reports_of(error))
        return
    assert at == "/vouchers/", "it was not stopped"


@pytest.mark.parametrize("verb", FIRST, ids=lambda verb: verb.__name__)
def test_the_adapter_raises(prepared, gateway_settings, verb):
    order = prepared(verb)
    gateway_settings(ORDER_ADAPTER=f"{__name__}.BrokenAdapter")
    with pytest.raises(BrokenError) as caught:
        verb(order)
    assert_no_leak(reports_of(caught.value))


WRONG = {
    "too many arguments": lambda order: gateway.authorize(order, CODE, PIN),
    "an unknown keyword": lambda order: gateway.select(order, code=CODE, pin=PIN, pn=1),
    "no code": lambda order: gateway.authorize(order, pin=PIN),
    "control characters": lambda order: gateway.authorize(order, f"{CODE}\x00", pin=PIN),
    "a PIN that is none": lambda order: gateway.authorize(order, CODE, pin=[PIN]),
    "too long": lambda order: gateway.select(order, CODE * 100, pin=PIN),
    "asynchronously": lambda order: async_to_sync(gateway.aauthorize)(order, CODE, PIN),
    "unknown": lambda order: gateway.authorize(order, OTHER, pin=PIN),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_call_shows_nothing(shop, call):
    with pytest.raises(Exception) as caught:  # noqa: PT011  of several kinds
        call(shop.order())
    assert_no_leak(reports_of(caught.value))


def test_a_client_that_is_called_directly_shows_nothing(shop, server):
    async def reserve():
        async with api.AsyncVoucherCloud(
            client_id="local-shop", client_secret="wrong", base_url=server.base_url
        ) as client:
            await client.reserve(code=CODE, pin=PIN, amount=1, currency="EUR")

    with pytest.raises(Exception) as caught:  # noqa: PT011
        asyncio.run(reserve())
    assert_no_leak(reports_of(caught.value))


def test_nothing_but_reveal_shows_an_opaque_text():
    hidden = Opaque(CODE)
    shown = [
        repr(hidden),
        str(hidden),
        f"{hidden}",
        f"{hidden!r:>40}",
        "{} {!r}".format(*[hidden] * 2),
        repr([hidden]),
    ]
    shown += [repr(Secret(CODE, PIN)), str(Secret(CODE, PIN)), repr(vars(Secret(CODE, PIN)))]
    assert_no_leak(shown)
    assert hidden.reveal() == CODE
    assert not hasattr(hidden, "__dict__")
    for held in (hidden, Secret(CODE, PIN)):
        with pytest.raises(TypeError, match="holds a secret"):
            pickle.dumps(held)
        assert copy.deepcopy(held) == copy.copy(held) == held
    assert (Opaque(CODE), bool(Opaque())) == (Opaque(hidden), False)
    assert Opaque(CODE) != CODE
    assert len({Opaque(CODE), Opaque(CODE), Opaque(PIN)}) == 2
    assert sys.getsizeof(hidden)


def test_a_code_that_must_be_a_text_is_shown_by_no_report():
    text = HiddenText(CODE)
    assert (str(text), f"{text}", text == CODE) == (CODE, CODE, True)
    assert CODE not in repr([text, {"code": text}])
    assert CODE not in repr(copy.copy(text)) + repr(copy.deepcopy(text))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(text, protocol)
