"""Invalid requests: each gets a page with a clear message, in the visitor's language."""

import pytest
from django.conf import settings as django_settings
from django.utils import translation

APPLY, REMOVE, STATE = "/vouchers/apply/", "/vouchers/remove/", "/vouchers/state/"


@pytest.fixture
def in_german(settings):
    settings.MIDDLEWARE = [*django_settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    yield {"accept-language": "de"}
    translation.deactivate()


@pytest.mark.parametrize("address", [APPLY, REMOVE])
def test_a_token_that_is_missing_tampered_or_another_s_is_told(shop, visit, address):
    shop.voucher(code="GIFT-2000")
    for token in ("", "x" * 64, "short", "ü"):
        client = visit(shop.order(number=f"A-{token[:1]}-{len(token)}"), enforce_csrf_checks=True)
        form = {"code": "GIFT-2000", "csrfmiddlewaretoken": token, "next": "/checkout/"}
        response = client.post(address, form)
        assert response.status_code == 403
        assert "This page was open for too long" in response.content.decode()
        assert '<a href="/checkout/">Back to the checkout</a>' in response.content.decode()
    assert shop.calls() == []


def test_the_global_check_of_django_does_not_answer_first(shop, visit, settings):
    assert "django.middleware.csrf.CsrfViewMiddleware" in settings.MIDDLEWARE
    client = visit(shop.order(), enforce_csrf_checks=True)
    assert "too long" in client.post(APPLY, {}).content.decode()


def test_a_token_of_a_page_is_taken(shop, visit):
    shop.voucher(code="GIFT-2000")
    order = shop.order()
    client = visit(order, enforce_csrf_checks=True)
    token = client.get(STATE, headers={"accept": "application/json"}).json()["csrf_token"]
    assert client.post(APPLY, {"code": "GIFT-2000", "csrfmiddlewaretoken": token}).status_code == 303
    assert order.voucher_authorized == 20


@pytest.mark.parametrize(("address", "allowed"), [(APPLY, "POST"), (REMOVE, "POST"), (STATE, "GET, HEAD")])
def test_a_wrong_method_is_told(shop, visit, address, allowed):
    client = visit(shop.order())
    for wrong in {"get", "post", "put", "delete", "head", "options"} - {*allowed.lower().split(", ")}:
        response = getattr(client, wrong)(address)
        assert (response.status_code, response["Allow"]) == (405, allowed)
    assert "cannot be opened" in client.put(address).content.decode()


def test_a_broken_body_is_told(shop, visit, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    response = visit(shop.order()).post(APPLY, {f"field{n}": "x" for n in range(5)})
    assert response.status_code == 400
    assert "cannot be read" in response.content.decode()
    broken = visit(shop.order(number="A-2")).post(APPLY, b"--", content_type="multipart/form-data; boundary=")
    assert broken.status_code == 400


def test_a_refusal_speaks_the_visitor_s_language(shop, visit, in_german):
    html = visit(shop.order()).get(APPLY, headers=in_german).content.decode()
    assert '<html lang="de">' in html
    assert "Diese Adresse lässt sich nicht aufrufen." in html
    assert "Zurück zur Kasse" in html


def test_a_message_speaks_the_visitor_s_language(shop, visit, messages_of, in_german):
    shop.voucher("20.00", code="GIFT-2000")
    response = visit(shop.order("1050.00")).post(APPLY, {"code": "GIFT-2000"}, headers=in_german)
    [sentence] = messages_of(response)
    assert "20,00\u00a0€ von Gutschein …2000 für Sie reserviert" in sentence
    assert sentence.endswith("Noch zu zahlen: 1.030,00\u00a0€.")
