"""Canaries: a customer's input is stored, logged and shown nowhere, whatever error occurs."""

import logging

import django
import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import path

import tests.urls
from tests.log_records import logged
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import summary, views
from voucher_payment_gateway.checkout.redeem import enter_voucher
from voucher_payment_gateway.gateway.verbs import authorize

APPLY, STATE = "/vouchers/apply/", "/vouchers/state/"
CODE, PIN = "CANARY-CODE-73105", "CANARY-PIN-8842"
JSON = "application/json"
ADMINS = ["ada@example.com"] if django.VERSION >= (6, 0) else [("Ada", "ada@example.com")]


@pytest.fixture
def everything_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "voucher_payment_gateway", "django", "django.request", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def rows(table):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}"')
        return cursor.fetchall()


def enter_discount(request):
    """A view of the shop that does nothing to hide the input."""
    typed = request.POST["discount"]
    enter_voucher(request, Order.objects.get(), typed)
    raise RuntimeError("a mistake of the shop")


urlpatterns = [path("discount/", enter_discount), *tests.urls.urlpatterns]


def kept():
    """Return all contents of the database (with the session store) and the cache."""
    tables = {table: rows(table) for table in connection.introspection.table_names()}
    return f"{tables} {getattr(cache, '_cache', '')}"


def seen(response, client):
    """Return all that a browser receives and stores."""
    html, messages = response.content.decode(), [*map(str, get_messages(response.wsgi_request))]
    return f"{response.serialize_headers()} {html} {response.cookies} {messages} {dict(client.session)}"


def admin_pages():
    """Yield the address of every admin page of this package."""
    for model in apps.get_app_config("voucher_payment_gateway").get_models():
        place = f"/admin/voucher_payment_gateway/{model._meta.model_name}"
        yield f"{place}/"
        yield from (f"{place}/{key}/change/" for key in model.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
@pytest.mark.parametrize(
    ("asking", "store"),
    [("form", "db"), ("form", "cache"), ("form", "signed_cookies"), ("script", "db"), ("json", "db")],
)
def test_a_code_leaves_no_trace(
    shop, visit, settings, everything_is_logged, admin_user, debug, asking, store, figures
):
    settings.DEBUG, settings.SESSION_ENGINE = debug, f"django.contrib.sessions.backends.{store}"
    order, headers = shop.order("50.00"), {"script": {"voucher-fragment": "1"}, "json": {"accept": JSON}}
    shop.voucher("20.00", code=CODE, pin=PIN)
    client = visit(order, headers=headers.get(asking, {}))
    found = []
    for fault, code, pin in [
        ("", CODE, ""), ("", CODE, PIN[:-1]), ("", f"{CODE}\x00", PIN), ("", CODE * 700, PIN),
        ("before:503", CODE, PIN), ("after:drop", CODE, PIN), ("", CODE, PIN), ("", CODE, PIN),
        ("", CODE, PIN[1:]), ("", CODE, PIN),
    ]:  # fmt: skip
        if fault:
            shop.cloud.faults.next(fault, path="*/reservations", times=2)
        body = {"code": code, "pin": pin}
        response = client.post(APPLY, body, **({"content_type": JSON} if asking == "json" else {}))
        found.append(seen(response, client))
    assert order.voucher_authorized == 20
    assert asking == "form" or response.status_code == 429, "the last attempt is throttled"
    gateway.capture(order)
    staff = Client()
    staff.force_login(admin_user)
    pages = list(admin_pages())
    assert len(pages) > 3
    found += [seen(staff.get(page), staff) for page in pages]
    found += [seen(client.get(STATE), client), logged(everything_is_logged), kept()]
    assert "POST" in everything_is_logged.text
    assert asking != "script" or f"…{CODE[-4:]}" in found[7]
    leaks = [text[max(0, text.find("CANARY") - 90) :][:150] for text in found if "CANARY" in text]
    figures("secret canaries", texts_searched=len(found), found=len(leaks))
    assert leaks == []


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
@pytest.mark.parametrize("kind", [JSON, "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("moment", ["before", "while", "after"])
def test_an_error_page_shows_no_code(
    shop, visit, settings, everything_is_logged, monkeypatch, mailoutbox, debug, kind, moment, figures
):
    settings.DEBUG, settings.ADMINS = debug, ADMINS
    settings.LOGGING_CONFIG = None
    logger, mailer = logging.getLogger("django.request"), admin_mailer()
    logger.addHandler(mailer)

    def fail(*arguments, **more):
        local = [arguments, more]
        raise RuntimeError(f"a mistake of the shop, {len(local)}")

    order = shop.order()
    shop.voucher("20.00", code=CODE, pin=PIN)
    place, name = {
        "before": (views, "checkout_order"),
        "while": (authorize, "new_payment"),
        "after": (summary, "order_facts"),
    }[moment]
    monkeypatch.setattr(place, name, fail)
    client = visit(order, raise_request_exception=False)
    body = {"code": CODE, "pin": PIN} if kind == JSON else f"code={CODE}&pin={PIN}"
    response = client.post(APPLY, body, content_type=kind, headers={"accept": "text/html"})
    logger.removeHandler(mailer)
    assert response.status_code == 500
    text = seen(response, client) + logged(everything_is_logged) + kept()
    text += " ".join(f"{mail.body} {mail.alternatives}" for mail in mailoutbox)
    assert ("RuntimeError" in response.content.decode()) == debug
    assert mailoutbox
    figures("secret canaries", texts_searched=3 + len(mailoutbox), found=text.count("CANARY"))
    assert "CANARY" not in text, text[max(0, text.find("CANARY") - 90) :][:150]


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG on", "DEBUG off"])
def test_an_error_page_of_a_field_of_the_shop_s_own_shows_no_code(
    shop, settings, everything_is_logged, mailoutbox, debug
):
    settings.DEBUG, settings.ADMINS, settings.ROOT_URLCONF = debug, ADMINS, __name__
    settings.LOGGING_CONFIG = None
    logger, mailer = logging.getLogger("django.request"), admin_mailer()
    logger.addHandler(mailer)
    shop.order()
    shop.voucher("20.00", code=CODE)
    client = Client(raise_request_exception=False)
    response = client.post("/discount/", {"discount": CODE})
    logger.removeHandler(mailer)
    assert response.status_code == 500
    page = response.content.decode()
    assert ("enter_discount" in page) == debug
    text = page + logged(everything_is_logged) + " ".join(f"{m.body} {m.alternatives}" for m in mailoutbox)
    assert "a mistake of the shop" in text
    assert "CANARY" not in text, text[max(0, text.find("CANARY") - 90) :][:150]


def admin_mailer():
    from django.utils.log import AdminEmailHandler

    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    return handler
