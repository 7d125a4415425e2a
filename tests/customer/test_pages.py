"""The customer's own pages: vouchers bought and used, with balance and history; and the balance of a code."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from voucher_payment_gateway import gateway
from voucher_payment_gateway.orders import OrderAdapter, OrderFacts

CUSTOMER = {"headers": {"customer": "yes"}}


@pytest.fixture
def pages(shop, gateway_settings):
    gateway_settings(
        SOLD_VOUCHERS="tests.shop.sold.vouchers",
        CUSTOMER_ORDERS="tests.shop.checkout.customer_orders",
        BALANCE_CHECK=True,
    )
    return shop


@pytest.fixture
def bought(pages):
    (sale,) = gateway.activate(pages.order("50.00", note="a=50.00"))
    return sale


def test_a_customer_sees_what_was_bought_and_used(client, pages, bought):
    code = pages.cloud.voucher(bought.voucher_id).code
    other = pages.order("20.00", number="A-2")
    gateway.authorize(other, code)
    gateway.capture(other)
    page = client.get("/vouchers/mine/", **CUSTOMER)
    text = " ".join(page.text.split())
    assert f"Gift voucher …{bought.code_hint}" in text
    assert "€30.00" in text
    assert "Bought with order A-1001 for €50.00." in text
    assert "€20.00 paid for order A-2." in text
    assert code not in text
    assert bought.voucher_id not in text


def test_the_history_of_a_voucher_is_read_by_its_id(client, pages, bought):
    other = pages.order("20.00", number="A-2")
    gateway.authorize(other, pages.cloud.voucher(bought.voucher_id).code)
    gateway.capture(other)
    pages.calls()
    page = client.get(f"/vouchers/mine/?voucher=s{bought.pk}", **CUSTOMER)
    assert re.search(r"Paid with it</td>\s*<td class=\"vpg-number\">−€20.00", page.text)
    assert {method for method, _ in pages.calls()} == {"GET"}


def test_a_voucher_of_others_is_not_found(client, pages, bought):
    assert client.get(f"/vouchers/mine/?voucher=s{bought.pk}").status_code == 404
    assert bought.code_hint not in client.get("/vouchers/mine/").text


def test_what_an_earlier_order_with_the_number_bought_or_used_is_not_found(
    client, pages, bought, gateway_settings
):
    """Its customer is perhaps another one."""
    gateway_settings(ORDER_ADAPTER="tests.customer.test_pages.LaterOrder")
    other = pages.order("20.00", number="A-2")
    gateway.authorize(OrderFacts("A-2", other.total, "EUR"), pages.cloud.voucher(bought.voucher_id).code)
    gateway.capture(OrderFacts("A-2", other.total, "EUR"))
    page = client.get("/vouchers/mine/", **CUSTOMER)
    assert bought.code_hint not in page.text


class LaterOrder(OrderAdapter):
    def created_at(self, order):
        return timezone.now() + timedelta(days=1)


def test_json_for_a_storefront(client, pages, bought):
    document = client.get("/vouchers/mine/", headers={"customer": "yes", "accept": "application/json"}).json()
    (voucher,) = document["vouchers"]
    assert (voucher["balance"], voucher["status"], voucher["amount"]) == ("50.00", "active", "50.00")
    one = client.get(
        f"/vouchers/mine/?voucher={voucher['key']}", headers={"customer": "yes", "accept": "application/json"}
    )
    assert one.json()["history"] == []


def test_ten_vouchers_are_on_a_page(client, pages):
    gateway.activate(pages.order("130.00", note=" ".join(f"v{n}=10.00" for n in range(12))))
    pages.calls()
    first = client.get("/vouchers/mine/", **CUSTOMER)
    assert len(pages.calls()) == 10
    assert first.text.count("vpg-own-name") == 10
    assert client.get("/vouchers/mine/?page=2", **CUSTOMER).text.count("vpg-own-name") == 2


def test_without_the_service_the_page_goes_on(client, pages, bought):
    pages.cloud.faults.next("before:503", times=None)
    page = client.get("/vouchers/mine/", **CUSTOMER)
    assert "Its balance cannot be shown just now." in page.text


def test_one_that_is_not_paid_says_so(client, pages):
    gateway.issue(pages.order("50.00", note="a=50.00"))
    assert "once its order is paid" in client.get("/vouchers/mine/", **CUSTOMER).text


@pytest.mark.parametrize("path", ["mine/", "balance/"])
def test_a_page_that_is_not_set_up_is_not_found(client, shop, path):
    assert client.get(f"/vouchers/{path}").status_code == 404
    if path == "balance/":
        assert client.post("/vouchers/balance/check/", {"code": "GIFT"}).status_code == 404


def test_pages_are_private(client, pages, bought):
    for page in (client.get("/vouchers/mine/", **CUSTOMER), client.get("/vouchers/balance/")):
        assert "no-store" in page["Cache-Control"]
        assert page["X-Robots-Tag"] == "noindex"


def test_a_german_customer_reads_german(client, pages, bought):
    with translation.override("de"):
        page = client.get("/vouchers/mine/", **CUSTOMER)
    assert "Gekauft mit Bestellung A-1001" in page.text


def test_the_balance_of_a_code_is_told(client, pages):
    voucher = pages.voucher("20.00")
    assert 'action="check/"' in client.get("/vouchers/balance/").text
    page = client.post("/vouchers/balance/check/", {"code": voucher.code})
    assert "€20.00" in page.text
    assert voucher.code not in page.text


def test_the_balance_is_told_to_a_storefront(client, pages):
    voucher = pages.voucher("20.00", pin="2468")
    answer = client.post(
        "/vouchers/balance/check/",
        {"code": voucher.code, "pin": "2468"},
        headers={"accept": "application/json"},
    )
    assert (answer.json()["balance"], answer.json()["error"]) == ("20.00", None)


def test_a_double_click_on_the_balance_is_answered_twice_and_books_nothing(client, pages):
    voucher = pages.voucher("20.00")
    entered = {"code": voucher.code}
    first, second = (client.post("/vouchers/balance/check/", entered) for _ in range(2))
    assert ("€20.00" in first.text, "€20.00" in second.text) == (True, True)
    assert pages.bookings(voucher) == []


@pytest.mark.parametrize("entered", [{"code": "NO-SUCH-CODE"}, {"code": "GIFT-2000-ABCD", "pin": "1111"}])
def test_every_wrong_code_gets_the_same_answer(client, pages, entered):
    pages.voucher("20.00", pin="2468")
    page = client.post("/vouchers/balance/check/", entered)
    assert page.status_code == 422
    assert "This gift voucher cannot be redeemed" in page.text
    assert entered["code"] not in page.text


def test_guesses_are_throttled_as_at_the_checkout(client, pages, gateway_settings):
    gateway_settings(THROTTLE={"refusal_seconds": 0, "address": "3/10m"})
    answers = [client.post("/vouchers/balance/check/", {"code": f"NO-{n}"}).status_code for n in range(5)]
    assert answers == [422, 422, 422, 429, 429]
    voucher = pages.voucher("20.00")
    pages.calls()
    assert client.post("/vouchers/balance/check/", {"code": voucher.code}).status_code == 429
    assert pages.calls() == []


def test_nothing_entered_is_told(client, pages):
    page = client.post("/vouchers/balance/check/", {"code": " "})
    assert (page.status_code, "Please enter the code" in page.text) == (422, True)
