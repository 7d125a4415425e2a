"""The endpoints for storefronts that render their own pages: JSON in, JSON out, as in the schema."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.checkout.test_block import ODD
from tests.locked_order import locked
from tests.shop import checkout
from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout import views
from voucher_payment_gateway.checkout.problems import ERROR_PROBLEMS, PROBLEMS, UNUSABLE, problem_of
from voucher_payment_gateway.checkout.schema import CheckoutDocument
from voucher_payment_gateway.exceptions import (
    ThrottledError,
    VoucherGatewayError,
    VoucherUnusableError,
    WrongStateError,
)

APPLY, REMOVE, STATE = "/vouchers/apply/", "/vouchers/remove/", "/vouchers/state/"
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "checkout.schema.json"
JSON = "application/json"


@pytest.fixture
def storefront(visit):
    """Return a JSON client; every response is validated against the schema."""
    right = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()), validate_formats=True)

    def arrive(order=None, **options):
        client = visit(order, headers={"accept": JSON}, **options)

        def ask(address, body=None):
            response = client.get(address) if body is None else client.post(address, body, content_type=JSON)
            document = response.json()
            right.validate(document)
            assert "no-store" in response["Cache-Control"]
            assert response["Content-Type"] == JSON
            return response.status_code, document

        return ask

    return arrive


def test_the_schema_is_that_of_the_answers():
    assert json.loads(SCHEMA.read_text()) == CheckoutDocument.model_json_schema()


def test_a_voucher_is_entered_and_taken_off(shop, storefront):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000", pin="2468")
    ask = storefront(order)
    status, answer = ask(APPLY, {"code": "GIFT-2000", "pin": "2468"})
    assert (status, answer["error"]) == (200, None)
    assert answer["message"].endswith("€30.00 is still to pay.")
    [voucher] = answer["order"].pop("vouchers")
    assert answer["order"] == {
        "number": "A-1001", "currency": "EUR", "total": "50.00", "covered": "20.00", "due": "30.00",
        "overheld": "0.00",
    }  # fmt: skip
    until = order.voucher_payments.get().reserved_until.isoformat().replace("+00:00", "Z")
    assert voucher == {
        "payment": order.voucher_payments.get().pk, "hint": "2000", "state": "held", "amount": "20.00",
        "held_until": until, "removable": True,
    }  # fmt: skip
    assert ask(STATE)[1]["order"]["vouchers"] == [voucher]
    status, answer = ask(REMOVE, {"payment": voucher["payment"]})
    assert (status, answer["order"]["vouchers"], answer["order"]["due"]) == (200, [], "50.00")


def test_the_token_of_an_answer_is_good_for_the_next_post(shop, visit):
    shop.voucher(code="GIFT-2000")
    client = visit(shop.order(), enforce_csrf_checks=True, headers={"accept": JSON})
    refused = client.post(APPLY, {"code": "GIFT-2000"}, content_type=JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "page_outdated")
    token = client.get(STATE).json()["csrf_token"]
    tampered = client.post(APPLY, {}, content_type=JSON, headers={"X-CSRFToken": token[::-1]})
    assert tampered.status_code == 403
    taken = client.post(APPLY, {"code": "GIFT-2000"}, content_type=JSON, headers={"X-CSRFToken": token})
    assert taken.status_code == 200


def test_every_unusable_code_is_one_answer(shop, storefront, gateway_settings):
    gateway_settings(THROTTLE=None)
    shop.voucher(code="GIFT-OFF", status="inactive")
    shop.voucher(code="GIFT-PIN", pin="2468")
    ask, bodies = storefront(shop.order()), [
        {"code": "NOBODY"}, {"code": "GIFT-OFF"}, {"code": "GIFT-PIN", "pin": "1"}, {"code": "A\x00B"},
        {"code": "\ud800"}, {"code": "x" * 10_000}, {"code": "\x1b[2J\r\nX"}, {"code": "GIFT", "pin": "1" * 256},
    ]  # fmt: skip
    for body in bodies:
        status, answer = ask(APPLY, body)
        assert (status, answer["error"]) == (
            422,
            {"code": "voucher_unusable", "message": UNUSABLE.message, "field": "code"},
        )
        assert answer["order"]["vouchers"] == []


@pytest.mark.parametrize("body", [" ", "{", "[]", "null", '"GIFT"', '{"code": []}', '{"code": true}', "\xff"])
def test_a_body_that_is_no_object_of_texts_is_malformed(shop, visit, body):
    shop.voucher(code="GIFT-2000")
    response = visit(shop.order()).post(APPLY, body.encode("latin-1"), content_type=JSON)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")
    assert shop.calls() == []


UNKNOWN = {"captcha": {"a": [1.5, True, None]}, "agreed": True, "weight": 2.5, "tags": ["a"], "nothing": None}


@pytest.mark.parametrize("more", [{}, UNKNOWN], ids=["known keys", "unknown keys"])
def test_null_is_the_same_as_absent_and_unknown_keys_are_ignored(shop, storefront, more):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    ask = storefront(order)
    body = {"code": "GIFT-2000", "pin": None, "key": None, "next": None, "payment": None, **more}
    assert ask(APPLY, body)[0] == 200
    assert ask(APPLY, {"code": None, "pin": None, **more})[1]["error"]["code"] == "code_missing"
    assert ask("/vouchers/renew/", {"key": None, **more})[0] == 200
    assert ask(REMOVE, {"payment": None, **more})[1]["error"]["code"] == "not_on_order"
    pk = order.voucher_payments.get().pk
    assert ask(REMOVE, {"payment": pk, "key": None, **more})[0] == 200


@pytest.mark.parametrize("value", [[], {}, True, 1.5, ["GIFT"]])
@pytest.mark.parametrize("name", ["code", "pin", "key", "next", "payment"])
def test_a_known_field_that_is_no_text_is_malformed(shop, visit, name, value):
    response = visit(shop.order()).post(APPLY, {"code": "GIFT-2000", name: value}, content_type=JSON)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")
    assert shop.calls() == []


@pytest.mark.parametrize("code", ["", " ", "\u200b", "\ufeff\u00ad", "\u00a0\u2009\t", "\r\n"])
def test_a_code_of_which_nothing_can_be_seen_is_missing_and_no_guess(shop, storefront, code):
    ask = storefront(shop.order())
    for _ in range(6):  # more than the limit of a session
        status, answer = ask(APPLY, {"code": code, "pin": "1"})
        assert (status, answer["error"]["code"]) == (422, "code_missing")


def test_a_pasted_code_is_taken_and_no_guess(shop, storefront, gateway_settings):
    gateway_settings(CODE_NORMALISER="voucher_payment_gateway.codes.forgiving")
    shop.voucher("20.00", code="GIFT-2000", pin="2468")
    ask = storefront(shop.order("50.00"))
    for code in (
        "GIFT-2000",
        "\u200bGIFT-2000\ufeff",
        "gift\u00a02000",
        "GI\u00adFT \u2013 2000",
        "GIFT\u22122000",
        " Gift 2000 ",
    ):
        status, answer = ask(APPLY, {"code": code, "pin": "\u200e2468\u00a0"})
        assert (status, len(answer["order"]["vouchers"])) == (200, 1)


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), ("text/html", 302)])
def test_head_on_the_state_is_answered_as_get_without_a_body(shop, visit, accept, status):
    client = visit(shop.order(), headers={"accept": accept})
    given, head = client.get(STATE, {"next": "/cart/"}), client.head(STATE, {"next": "/cart/"})
    assert (head.status_code, head.content) == (status, b"")
    for name in ("Content-Type", "Cache-Control", "Vary", "Location"):
        assert head.get(name) == given.get(name)
    for method in ("post", "put", "delete", "patch"):
        refused = getattr(client, method)(STATE)
        assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
    assert client.head(APPLY).status_code == 405


def test_a_body_beyond_all_bounds_is_malformed(shop, visit, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    order = shop.order()
    for kind in (JSON, "application/x-www-form-urlencoded"):
        response = visit(order, headers={"accept": JSON}).post(
            APPLY, '{"code": "' + "x" * 2000 + '"}', content_type=kind
        )
        assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")


def test_a_json_body_is_answered_by_json_whatever_is_accepted(shop, visit):
    response = visit(shop.order()).post(APPLY, {"code": ""}, content_type=JSON, headers={"accept": "*/*"})
    assert response.json()["error"]["code"] == "code_missing"


def test_without_an_order_there_is_nothing_to_pay(shop, storefront):
    ask = storefront()
    for status, answer in (ask(APPLY, {"code": "GIFT"}), ask(REMOVE, {"payment": 1}), ask(STATE)):
        assert (status, answer["order"], answer["error"]["code"]) == (409, None, "no_order")


@pytest.fixture
def checkout_of(storefront, monkeypatch):
    """Return a JSON client whose order is this very object: it may be one that the database would refuse."""

    def arrive(order):
        monkeypatch.setattr(checkout, "current_order", lambda request: order)
        return storefront()

    return arrive


@pytest.mark.parametrize("order", [order for order in ODD.values() if order], ids=[*ODD][1:])
def test_an_order_that_no_voucher_has_to_do_with_is_a_clear_answer(shop, checkout_of, order):
    ask = checkout_of(order)
    for address in (STATE, "/vouchers/renew/"):
        status, told = ask(address, None if address == STATE else {})
        assert (status, told["order"], told["error"]["code"]) == (409, None, "payment_state")
    status, told = ask(APPLY, {"code": "GIFT-2000"})
    assert (status, told["order"]) == (409, None)
    assert told["error"]["code"] in ("payment_state", "nothing_due")
    status, told = ask(REMOVE, {"payment": 1})
    assert (status, told["order"], told["error"]["code"]) == (409, None, "not_on_order")
    assert shop.calls() == []


def test_the_vouchers_of_an_order_without_a_total_can_be_taken_off(shop, checkout_of, caplog):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    payment = gateway.authorize(order, "GIFT-2000")
    order.total = None
    ask = checkout_of(order)
    assert ask(STATE)[1]["error"]["code"] == "payment_state"
    assert "the order cannot be shown: total" in caplog.text
    status, told = ask(REMOVE, {"payment": payment.pk})
    assert (status, told["order"], told["error"]) == (200, None, None)


def test_another_order_is_out_of_reach(shop, storefront):
    shop.voucher(code="GIFT-2000")
    other = gateway.authorize(shop.order(number="A-2"), "GIFT-2000")
    status, answer = storefront(shop.order(number="A-1"))(REMOVE, {"payment": other.pk, "order": "A-2"})
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (409, "not_on_order", "payment")
    other.refresh_from_db()
    assert other.status == "authorized"


def test_a_get_where_a_post_is_due_says_so(shop, storefront, visit):
    for address in (APPLY, REMOVE):
        status, answer = storefront(shop.order(number=address))(address)
        assert (status, answer["error"]["code"]) == (405, "post_needed")
    assert visit().post(STATE, headers={"accept": JSON}).status_code == 405


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (lambda shop: shop.cloud.faults.next("before:503", times=None), 503, "unavailable"),
        (lambda shop: shop.cloud.faults.next("after:drop", path="*/reservations", times=None), 503, "unavailable"),
        (lambda shop: shop.cloud.faults.next("before:401", times=None), 503, "unavailable"),
    ],
)  # fmt: skip
def test_a_voucher_cloud_in_trouble_holds_nothing_that_is_not_shown(shop, storefront, trouble, status, code):
    order = shop.order()
    shop.voucher(code="GIFT-2000")
    trouble(shop)
    answered, answer = storefront(order)(APPLY, {"code": "GIFT-2000"})
    assert (answered, answer["error"]["code"]) == (status, code)
    assert (answer["order"]["vouchers"], order.voucher_payments.count()) == ([], 0)


def test_after_a_lost_answer_the_code_is_entered_again_and_all_that_is_held_is_shown(shop, storefront):
    order = shop.order("50.00")
    voucher = shop.voucher("80.00", code="GIFT-2000")
    shop.cloud.faults.next("after:drop", path="*/reservations", times=2)
    ask = storefront(order)

    def held():
        return shop.cloud.store.held_cents(shop.cloud.store.voucher(voucher.id))

    assert ask(APPLY, {"code": "GIFT-2000"})[1]["error"]["code"] == "unavailable"
    assert held() == 5000, "this is what nobody can know"
    answer = ask(APPLY, {"code": "GIFT-2000"})[1]
    [shown] = answer["order"]["vouchers"]
    assert (answer["order"]["covered"], shown["amount"], shown["state"]) == ("50.00", "50.00", "held")
    assert held() == 5000


def test_another_currency_is_told_where_the_operator_knows_its_code(shop, storefront, gateway_settings):
    gateway_settings(ERROR_MEANINGS={"WRONG.CURRENCY": "currency_mismatch"})
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_names={"currency": "WRONG.CURRENCY"})
    shop.voucher("20.00", code="GIFT-POUNDS", currency="GBP")
    ask = storefront(shop.order())
    assert ask(APPLY, {"code": "GIFT-POUNDS"})[1]["error"]["code"] == "currency_mismatch"


def test_an_order_that_is_paid_already_takes_no_voucher(shop, storefront):
    order = shop.order("15.00")
    for code in ("GIFT-2000", "GIFT-2001"):
        shop.voucher(code=code)
    gateway.authorize(order, "GIFT-2000")
    gateway.capture(order)
    status, answer = storefront(order)(APPLY, {"code": "GIFT-2001"})
    assert (status, answer["error"]["code"]) == (409, "nothing_due")


def test_one_voucher_too_many_is_told_and_not_sent(shop, storefront, gateway_settings):
    gateway_settings(VOUCHERS_PER_ORDER=1)
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    ask = storefront(order)
    ask(APPLY, {"code": "GIFT-2000"})
    shop.calls()
    status, answer = ask(APPLY, {"code": "GIFT-2001"})
    assert (status, answer["error"]["code"], answer["order"]["due"]) == (409, "too_many_vouchers", "30.00")
    assert shop.calls() == []


def test_a_changed_currency_of_the_order_is_told(shop, storefront):
    order = shop.order()
    for code in ("GIFT-2000", "GIFT-2001"):
        shop.voucher(code=code)
    gateway.authorize(order, "GIFT-2000")
    order.currency = "GBP"
    order.save()
    assert storefront(order)(APPLY, {"code": "GIFT-2001"})[1]["error"]["code"] == "order_currency_changed"


def test_a_throttled_visitor_learns_when_to_come_back(shop, visit, monkeypatch):
    def refuse(*_, **__):
        raise ThrottledError(retry_after_seconds=29.2)

    monkeypatch.setattr(views, "enter_voucher", refuse)
    response = visit(shop.order()).post(APPLY, {"code": "GIFT"}, content_type=JSON)
    assert (response.status_code, response["Retry-After"]) == (429, "30")


def test_every_error_has_a_problem_and_every_problem_a_sentence():
    assert all(
        problem_of(cls()) == problem
        for cls, problem in ERROR_PROBLEMS.items()
        if cls is not VoucherGatewayError
    )
    assert all(problem.message for problem in PROBLEMS.values())

    class TeapotError(WrongStateError):
        pass

    assert problem_of(TeapotError()) == PROBLEMS["wrong_state"]
    assert {problem_of(VoucherUnusableError(code=code)) for code in ("pin", "inactive")} == {
        PROBLEMS["voucher_unusable"]
    }


def test_a_client_that_speaks_no_json_gets_none(shop, visit):
    response = visit(shop.order()).post(APPLY, {"code": "NOBODY"}, headers={"accept": "text/html,*/*"})
    assert response.status_code == 303


def test_an_order_that_a_clerk_has_locked_is_told_as_unavailable(shop, storefront):
    order = shop.order("50.00")
    shop.voucher("50.00", code="GIFT-2000")
    ask = storefront(order)
    with locked():
        status, told = ask(APPLY, {"code": "GIFT-2000"})
    assert (status, told["error"]["code"]) == (503, "unavailable")
    assert [method for method, _ in shop.calls()] == ["POST", "DELETE"]
    assert ask(STATE)[1]["order"]["covered"] == "0.00"


def test_a_number_of_thousands_of_digits_is_no_code_and_not_a_broken_body(shop, visit):
    """As the same digits in quotes. Python reads at most 4,300 digits of a number."""
    client = visit(shop.order(), headers={"accept": "application/json"})
    digits = "9" * 5000
    for code in (digits, f'"{digits}"'):
        response = client.post(APPLY, f'{{"code": {code}}}', content_type="application/json")
        assert (response.status_code, response.json()["error"]["code"]) == (422, "voucher_unusable")
        assert response.json()["error"]["field"] == "code"
