"""A CSRF token is required, except from a client with a token of its own and no cookie."""

import pytest
from django.test import Client

APPLY, STATE = "/vouchers/apply/", "/vouchers/state/"
JSON = "application/json"
BODY = {"code": "GIFT-2000"}
OWN = "Bearer token-of-ada"
ORDERS = {OWN: "A-1", "Token token-of-ada": "A-1", "DPoP token-of-ada": "A-1", "jwt token-of-ada": "A-1"}


def order_of_token(request):
    """Find the order by the storefront's token, else by the session."""
    from tests.shop.models import Order

    number = ORDERS.get(request.headers.get("Authorization")) or request.session.get("order_number", "")
    return Order.objects.filter(number=number).first()


@pytest.fixture
def order(shop, gateway_settings):
    gateway_settings(CHECKOUT_ORDER=f"{__name__}.order_of_token")
    shop.voucher("20.00", code="GIFT-2000")
    return shop.order("50.00", number="A-1")


@pytest.fixture
def storefront():
    """Return a client without cookies, with CSRF checks on."""

    def ask(address, body=None, **headers):
        client = Client(enforce_csrf_checks=True)
        headers = {"accept": JSON, **headers}
        if body is None:
            return client.get(address, headers=headers)
        return client.post(address, body, content_type=JSON, headers=headers)

    return ask


@pytest.mark.parametrize("authorization", ORDERS)
def test_a_token_of_its_own_and_no_cookie_needs_no_csrf_token(order, storefront, authorization):
    answer = storefront(APPLY, BODY, authorization=authorization)
    assert (answer.status_code, answer.json()["order"]["due"]) == (200, "30.00")
    assert order.voucher_authorized == 20


def test_whoever_needs_no_csrf_token_gets_none_and_no_cookie(order, storefront):
    for answer in (storefront(STATE, authorization=OWN), storefront(APPLY, BODY, authorization=OWN)):
        assert answer.json()["csrf_token"] == ""
        assert not answer.cookies
    assert storefront(STATE).json()["csrf_token"]


def test_a_token_that_the_shop_does_not_know_has_no_order(shop, order, storefront):
    answer = storefront(APPLY, BODY, authorization="Bearer forged")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_order")
    assert shop.calls() == []


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic YWRhOmFkYQ==",
        "Digest x",
        "Negotiate x",
        "NTLM x",
        " Bearer",
        "Own",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl x",
    ],
)
def test_what_a_browser_may_add_by_itself_needs_one(shop, order, storefront, authorization):
    headers = {"authorization": authorization} if authorization else {}
    answer = storefront(APPLY, BODY, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "page_outdated")
    assert shop.calls() == []


@pytest.mark.parametrize("authorization", ["Bearerx y", "Own x", "Mutual x", "ApiKey secret-of-ada"])
def test_an_unknown_scheme_is_told_as_that(shop, order, storefront, authorization, caplog):
    answer = storefront(APPLY, BODY, authorization=authorization)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "unknown_scheme")
    assert "Nothing was taken" in answer.json()["error"]["message"]
    scheme, _, secret = authorization.partition(" ")
    [record] = [record for record in caplog.records if record.name == "voucher_payment_gateway"]
    assert (record.levelname, scheme in record.getMessage()) == ("WARNING", True)
    assert secret not in record.getMessage().replace(scheme, "").split()
    assert shop.calls() == []


def test_an_unknown_scheme_beside_a_cookie_is_an_outdated_page(shop, order, storefront):
    answer = storefront(APPLY, BODY, authorization="Own x", cookie="language=de")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "page_outdated")


def test_a_session_beside_the_token_needs_one(shop, order, visit):
    client = visit(order, enforce_csrf_checks=True, headers={"accept": JSON, "authorization": OWN})
    refused = client.post(APPLY, BODY, content_type=JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "page_outdated")
    assert shop.calls() == []
    token = client.get(STATE).json()["csrf_token"]
    taken = client.post(APPLY, BODY, content_type=JSON, headers={"x-csrftoken": token})
    assert taken.status_code == 200


@pytest.mark.parametrize(
    "cookie", ["_oauth2_proxy=of-a-proxy-s-own-login", "jwt=of-the-shop", "language=de", "broken"]
)
def test_any_other_cookie_needs_one_too(shop, order, storefront, cookie):
    """A proxy may make the header from its own login cookie, which the browser adds to a forged form."""
    answer = storefront(APPLY, BODY, authorization=OWN, cookie=cookie)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "page_outdated")
    assert shop.calls() == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", JSON])
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_forged_form_of_another_site_is_refused(shop, order, visit, kind, secure):
    """The browser adds the visitor's cookies, but another site cannot make it send the token or the header."""
    client = visit(order, enforce_csrf_checks=True)
    client.get(STATE, headers={"accept": JSON})
    assert {"sessionid", "csrftoken"} <= set(client.cookies)
    body = '{"code": "GIFT-2000"}' if kind != "application/x-www-form-urlencoded" else "code=GIFT-2000"
    origin = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    answer = client.post(APPLY, body, content_type=kind, headers=origin, secure=secure)
    assert answer.status_code == 403
    assert order.voucher_payments.count() == 0
    assert shop.calls() == []


def test_a_token_for_another_method_opens_nothing(order, storefront):
    assert storefront(APPLY, authorization=OWN).status_code == 405
