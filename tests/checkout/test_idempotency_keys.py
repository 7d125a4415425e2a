"""Idempotency keys of the endpoints: a POST that a client repeats happens once."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment

APPLY, REMOVE, RENEW = "/vouchers/apply/", "/vouchers/remove/", "/vouchers/renew/"
JSON = "application/json"


@pytest.fixture
def order(shop):
    shop.voucher("20.00", code="GIFT-2000")
    return shop.order("50.00")


@pytest.fixture
def post(visit, order):
    """Post JSON as a storefront does; return the status and the document."""
    client = visit(order, headers={"accept": JSON})

    def send(address, body=None, key=None):
        headers = {} if key is None else {"Idempotency-Key": key}
        response = client.post(address, body or {}, content_type=JSON, headers=headers)
        return response.status_code, response.json()

    return send


def keys():
    return list(VoucherIdempotencyKey.objects.values_list("verb", "key"))


@pytest.mark.parametrize("key", ["8e03978e", '"8e03978e"'])
def test_a_repeated_apply_answers_as_the_first_and_reserves_nothing(shop, post, key):
    first = post(APPLY, {"code": "GIFT-2000"}, key)
    shop.calls()
    again = post(APPLY, {"code": "GIFT-2000"}, key)
    assert (again[0], again[1]["message"]) == (200, first[1]["message"])
    assert shop.calls() == []
    assert keys() == [("authorize", "checkout:8e03978e")]


def test_a_late_apply_does_not_put_a_removed_voucher_back(post):
    _, document = post(APPLY, {"code": "GIFT-2000"}, "click-1")
    post(REMOVE, {"payment": document["order"]["vouchers"][0]["payment"]})
    status, document = post(APPLY, {"code": "GIFT-2000"}, "click-1")
    assert (status, document["error"]["code"], document["order"]["vouchers"]) == (409, "not_on_order", [])
    assert post(APPLY, {"code": "GIFT-2000"}, "click-2")[0] == 200


def test_a_late_apply_of_a_voucher_that_is_no_longer_held_or_was_charged_says_so(shop, post, order):
    post(APPLY, {"code": "GIFT-2000"}, "click-1")
    shop.later(hours=1)
    gateway.settle()
    status, document = post(APPLY, {"code": "GIFT-2000"}, "click-1")
    assert (status, document["error"]["code"]) == (409, "reservation_closed")
    gateway.capture(order)
    status, document = post(APPLY, {"code": "GIFT-2000"}, "click-1")
    assert (status, document["error"], document["message"]) == (200, None, "€30.00 is still to pay.")


def test_a_repeated_remove_answers_as_the_first(post):
    _, document = post(APPLY, {"code": "GIFT-2000"})
    payment = document["order"]["vouchers"][0]["payment"]
    first, again = (post(REMOVE, {"payment": payment}, "click-1") for _ in range(2))
    assert (again[0], again[1]["message"]) == (200, first[1]["message"])
    other = post(REMOVE, {"payment": payment}, "click-2")
    assert (other[0], other[1]["error"]["code"]) == (409, "not_on_order")
    assert keys() == [("cancel", "checkout:click-1")]


def test_a_repeated_renew_does_not_reserve_what_was_entered_since(shop, post, order):
    shop.voucher("10.00", code="GIFT-1000")
    gateway.select(order, "GIFT-2000")
    assert post(RENEW, key="click-1")[0] == 200
    gateway.select(order, "GIFT-1000")
    assert post(RENEW, key="click-1")[0] == 200
    assert order.voucher_authorized == D("20.00")


def test_the_field_of_a_form_is_a_key_too(visit, order):
    client = visit(order)
    for _ in range(2):
        client.post(APPLY, {"code": "GIFT-2000", "key": "click-1"})
    assert keys() == [("authorize", "checkout:click-1")]
    assert VoucherOperation.objects.count() == 1


@pytest.mark.parametrize("address", [APPLY, REMOVE, RENEW])
@pytest.mark.parametrize("key", ["k" * 256, "k" * 250, "ü\x7f"])
def test_a_malformed_key_is_a_malformed_request(shop, post, address, key):
    shop.calls()
    status, document = post(address, {"code": "GIFT-2000", "payment": 1, "key": key})
    assert (status, document["error"]["code"]) == (400, "malformed")
    assert shop.calls() == []
    assert VoucherPayment.objects.count() == 0


@pytest.mark.parametrize("key", ["", '""'])
def test_an_empty_key_is_none(post, key):
    assert post(APPLY, {"code": "GIFT-2000"}, key)[0] == 200
    assert keys() == []


def test_a_visitors_key_never_stands_for_one_of_the_shops_own(post, order):
    """A key that the shop would use for its own event does not make that event a repetition."""
    gateway.select(order, "GIFT-2000")
    _, document = post(APPLY, {"code": "GIFT-2000"}, "A-1001")
    post(REMOVE, {"payment": document["order"]["vouchers"][0]["payment"]}, "A-1001")
    post(APPLY, {"code": "GIFT-2000"})
    (payment,) = gateway.cancel(order, key="A-1001")
    assert payment.status == "cancelled"


def test_the_admin_shows_the_key_of_an_operation(order, admin_client, django_assert_max_num_queries):
    payment = gateway.authorize(order, "GIFT-2000", key="click-1")
    gateway.capture(order, "5.00", key="parcel-1")
    with django_assert_max_num_queries(12):
        page = admin_client.get(f"/admin/voucher_payment_gateway/voucherpayment/{payment.pk}/change/")
    assert "click-1" in page.text
    assert "parcel-1" in page.text
