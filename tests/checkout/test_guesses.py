"""Guessing codes at the checkout: through the real views, against the local Voucher Cloud."""

import logging
import random
import re
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import views
from voucher_payment_gateway.checkout.block import recall_problem
from voucher_payment_gateway.checkout.problems import UNUSABLE
from voucher_payment_gateway.models import VoucherPayment

APPLY, REMOVE = "/vouchers/apply/", "/vouchers/remove/"
JSON = {"accept": "application/json"}
SCRIPT = {"voucher-fragment": "1"}
FORM = "application/x-www-form-urlencoded"
GUESSES = 10_000
EVERYONE, ADDRESS, HOLDS = 300, 20, 60
CALLS_OF_A_REFUSAL = 2
"""A refusal may be about the balance, so a call for 0.01 follows: after every refusal, to equalise the time."""
CONTROL = 1
"""Once in a minute a control reservation follows as well, whatever was refused."""


@pytest.fixture(autouse=True)
def _thousands_of_warnings_are_of_no_use(caplog):
    caplog.set_level(logging.ERROR, "django.request")


@pytest.fixture
def unusable(shop):
    """Every kind of a code that cannot be redeemed, as (code, PIN)."""
    shop.voucher(code="GIFT-OFF-0001", status="inactive")
    shop.voucher(code="GIFT-OLD-0001", valid_until=datetime(2020, 1, 1, tzinfo=UTC))
    shop.voucher(code="GIFT-PIN-0001", pin="2468")
    return {
        "unknown": ("GIFT-NIL-0001", ""),
        "wrong PIN": ("GIFT-PIN-0001", "1357"),
        "no PIN": ("GIFT-PIN-0001", ""),
        "inactive": ("GIFT-OFF-0001", ""),
        "expired": ("GIFT-OLD-0001", ""),
        "not of the form": ("GIFT", ""),
        "too long": ("x" * 10_000, ""),
        "not printable": ("GIFT\x07", ""),
    }


def headers(response):
    """Return the headers of a response without those that depend on the current time."""
    return str(sorted({**response.headers, "Expires": "", "Retry-After": ""}.items()))


def everything(response):
    """Return all that a visitor sees of a response; of cookies, which are signed with the time, the name and length."""
    cookies = {name: len(cookie.value) for name, cookie in response.cookies.items()}
    return response.status_code, headers(response), response.content, cookies


def test_every_unusable_code_gets_the_same_answer_to_the_last_header(
    shop,
    visit,
    messages_of,
    unusable,
    gateway_settings,
):
    gateway_settings(CODE_PATTERN=r"GIFT-\w{3}-\d{4}", THROTTLE={"refusal_seconds": 0})
    order, answers = shop.order(), {}
    for kind, (code, pin) in unusable.items():
        response = visit(order).post(APPLY, {"code": code, "pin": pin})
        assert messages_of(response) == [UNUSABLE.message]
        answers[kind] = everything(response)
    assert list(answers.values()) == [answers["unknown"]] * len(unusable)
    assert answers["unknown"][0] == 303


@pytest.mark.parametrize("taught", [False, True], ids=["codes unknown", "codes taught"])
def test_every_unusable_code_that_is_sent_costs_the_same_calls(
    shop, visit, unusable, gateway_settings, taught
):
    """Otherwise the response time would reveal which codes exist."""
    shop.voucher("20.00", code="GIFT-NIX-0001")
    shop.cloud.charge(shop.cloud.reserve("GIFT-NIX-0001", "20.00"), "ANOTHER-TILL")
    shop.voucher("20.00", code="GIFT-GBP-0001", currency="GBP")
    shop.voucher("20.00", code="GIFT-GRP-0001", group_id="another-group")
    others = {code: (f"GIFT-{code}-0001", "") for code in ("NIX", "GBP", "GRP")}
    gateway_settings(CODE_PATTERN=r"GIFT-\w{3}-\d{4}", THROTTLE=None)
    if taught:
        shop.cloud.behaviour = shop.cloud.behaviour.but(code_names={"pin": "P", "unusable": "U"})
        gateway_settings(ERROR_MEANINGS={"P": "unusable", "U": "unusable"})
    order, calls = shop.order(), {}
    visit(order).post(APPLY, {"code": "GIFT-NIL-0002"})
    shop.calls()
    for kind, (code, pin) in {**unusable, **others}.items():
        visit(order).post(APPLY, {"code": code, "pin": pin})
        calls[kind] = shop.calls()
    not_sent = {kind: calls.pop(kind) for kind in ("not of the form", "too long", "not printable")}
    assert list(not_sent.values()) == [[], [], []], (
        "these cannot be codes, and tell nothing of those that can"
    )
    assert calls == dict.fromkeys(calls, [("POST", "/v1/reservations")] * CALLS_OF_A_REFUSAL)


def test_every_unusable_code_counts_the_same(shop, visit, unusable, gateway_settings):
    gateway_settings(CODE_PATTERN=r"GIFT-\w{3}-\d{4}", THROTTLE={"session": "2/1h", "refusal_seconds": 0})
    order = shop.order()
    for code, pin in unusable.values():
        client = visit(order, headers=JSON)
        statuses = [client.post(APPLY, {"code": code, "pin": pin}).status_code for _ in range(3)]
        assert statuses == [422, 422, 429]


@pytest.fixture
def throttled(shop, visit, unusable, gateway_settings):
    """Return a function that yields a throttled visitor's responses to unusable codes and to a usable one."""
    gateway_settings(THROTTLE={"session": "1/1d", "refusal_seconds": 0})
    order = shop.order()
    shop.voucher(code="GIFT-2000")

    def answers(headers):
        client = visit(order, headers=headers)
        client.post(APPLY, {"code": "GIFT-NIL-0001"})
        shop.calls()
        for code, pin in [*unusable.values(), ("GIFT-2000", "")]:
            yield client.post(APPLY, {"code": code, "pin": pin, "next": "/checkout/"})
        assert shop.calls() == []
        assert not VoucherPayment.objects.exists()

    return answers


def test_what_is_throttled_looks_the_same_whatever_the_code_is_worth(throttled, messages_of):
    seen = set()
    for response in throttled({}):
        sentence = messages_of(response)[-1]
        seen.add((response.status_code, response.url, response.content, sentence, response["Cache-Control"]))
    [(status, address, page, sentence, caching)] = seen
    assert (status, address, page) == (303, "/checkout/", b"")
    assert sentence.startswith("Too many attempts.")
    assert "no-store" in caching


@pytest.mark.parametrize("headers", [JSON, SCRIPT], ids=["JSON", "script"])
def test_a_program_that_is_throttled_learns_when_to_come_back(throttled, headers):
    seen = set()
    for response in throttled(headers):
        text = re.sub(r'"csrf_token":"\w+"|value="\w{64}"', "", response.content.decode())
        seen.add((response.status_code, text, response["Cache-Control"]))
        assert 0 < int(response["Retry-After"]) <= 86400
    [(status, text, caching)] = seen
    assert status == 429
    assert "Too many attempts." in text
    assert "50.00" in text, "the state of the order is shown as ever"
    assert "no-store" in caching


def test_a_way_back_asks_no_browser_to_wait(throttled):
    """A browser that obeys Retry-After would show nothing for that time."""
    assert {response.headers.get("Retry-After") for response in throttled({})} == {None}


def test_the_next_page_knows_that_a_captcha_would_help(shop, visit, gateway_settings):
    gateway_settings(THROTTLE={"session": "1/1d", "refusal_seconds": 0})
    client = visit(shop.order())
    remembered = []
    for code in ("GIFT-NIL-0001", "GIFT-NIL-0002"):
        request = client.post(APPLY, {"code": code}).wsgi_request
        remembered.append(recall_problem(request).code)
    assert remembered == ["voucher_unusable", "throttled"]


def test_an_empty_form_is_no_guess(shop, visit, gateway_settings):
    gateway_settings(THROTTLE={"session": "1/1h", "refusal_seconds": 0})
    client = visit(shop.order())
    assert [client.post(APPLY, {"code": " "}).status_code for _ in range(3)] == [303] * 3


def test_ten_thousand_guesses_learn_nothing_and_take_nothing(shop, unusable, figures):
    """New sessions, 64 addresses of IPv4 and 4096 of one IPv6 network, forged headers, and the owner's code."""
    owner, thief = shop.order(number="A-1"), shop.order(number="A-2")
    shop.voucher("20.00", code="GIFT-0WN-0001", pin="8642")
    held = gateway.authorize(owner, "GIFT-0WN-0001", pin="8642").reservation_id
    shop.calls()
    seen = Counter(guesses(thief, unusable))
    sent = shop.calls()
    figures("guessed codes", guesses=seen.total(), kinds_of_answers=len(seen), calls_sent=len(sent))
    assert seen.total() == GUESSES
    assert sorted(seen.values()) == [EVERYONE, GUESSES - EVERYONE], "two answers, whatever was guessed"
    minutes = 10
    assert EVERYONE <= len(sent) <= CALLS_OF_A_REFUSAL * EVERYONE + CONTROL * minutes
    assert owner.voucher_payments.get().reservation_id == held
    gateway.capture(owner)
    assert (owner.voucher_captured, thief.voucher_authorized) == (20, 0)


def guesses(order, unusable):
    """Yield the response to each guess, without Django's middleware, which would take most of the time."""
    chance, requests = random.Random(1), RequestFactory()
    kinds = [*unusable.values(), ("GIFT-0WN-0001", "1111"), ("GIFT-0WN-0001", "")]
    for number in range(GUESSES):
        code, pin = chance.choice(kinds)
        forged = f"203.0.113.{chance.randrange(256)}"
        form = urlencode({"code": code, "pin": pin})
        request = requests.post(APPLY, form, FORM, REMOTE_ADDR=address(chance), HTTP_X_FORWARDED_FOR=forged)
        request.session = Session(f"session-{number // 4}", order.number)
        request._messages = CookieStorage(request)
        request._dont_enforce_csrf_checks = True
        response = views.apply(request)
        yield response.status_code, headers(response), response.content, str(*request._messages)


class Session(dict):
    """The parts of a session that the shop and the throttle read."""

    def __init__(self, key, order_number):
        super().__init__(order_number=order_number)
        self.session_key = key


def address(chance):
    if chance.random() < 0.5:
        return f"93.184.216.{chance.randrange(64)}"
    return f"2001:db8:1:2::{chance.randrange(1, 4096):x}"


def test_one_address_learns_no_more_than_its_own_limit(shop, visit, unusable):
    order = shop.order()
    statuses = [
        visit(order, headers=JSON)
        .post(APPLY, {"code": "GIFT-NIL-0001"}, REMOTE_ADDR=f"2001:db8:1:2::{n:x}")
        .status_code
        for n in range(1, 200)
    ]
    assert statuses == [422] * ADDRESS + [429] * (199 - ADDRESS)
    assert len(shop.calls()) == CALLS_OF_A_REFUSAL * ADDRESS + CONTROL


def test_whoever_knows_a_code_takes_its_hold_over_no_more_often_than_allowed(shop, visit):
    shop.voucher("50.00", code="GIFT-2000")
    order = shop.order()
    for _ in range(HOLDS + 5):
        visit(order).post(APPLY, {"code": "GIFT-2000"})
        for payment in order.voucher_payments.filter(status="authorized"):
            visit(order).post(REMOVE, {"payment": payment.pk})
    reserved = [call for call in shop.calls() if call == ("POST", "/v1/reservations")]
    assert len(reserved) == HOLDS
