"""Invalid input and abuse, in four looks: a clear message in the customer's language, an unchanged basket, and no
reservation that is not shown."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.conftest import TAUGHT_CURRENCY, door
from tests.browser.customer import LOOKS, OPPOSITE_LOOKS, Clerk, Customer
from voucher_payment_gateway.checkout.problems import (
    CODE_MISSING,
    ERROR_PROBLEMS,
    NOT_ON_ORDER,
    PAGE_OUTDATED,
    POST_NEEDED,
    PROBLEMS,
    UNAVAILABLE,
    UNUSABLE,
)
from voucher_payment_gateway.exceptions import CurrencyMismatchError

MINE, TOTAL, DUE = "5.00", "22.00", "17.00"
"""The customer's own voucher, the basket, and the amount due at the start and the end of each test."""


@pytest.fixture(scope="module", params=OPPOSITE_LOOKS, ids=lambda look: look.name)
def regular(request, chromium, demo):
    """One customer for each look, with a voucher on the order."""
    with door(chromium, demo) as arrive:
        shopper = Customer(arrive(request.param.options), request.param)
        shopper.go_to_checkout("jasmine-pearls")
        shopper.enter(demo.cloud.voucher(MINE))
        yield shopper
        shopper.leaves()


@pytest.fixture
def customer(regular):
    """The customer at the checkout. Afterwards the order must be unchanged."""
    yield regular
    regular.opens_checkout()
    regular.sees(MINE, due=DUE)
    expect(regular.page.locator(".vpg-sum--total dd")).to_have_text(regular.amount(TOTAL))
    expect(regular.page.locator(".basket-link .count")).to_contain_text("1")
    assert regular.complaints == []


@pytest.fixture(scope="module")
def stranger(chromium, demo):
    """Another customer at the checkout, with a voucher on the order."""
    with door(chromium, demo) as arrive:
        shopper = Customer(arrive(), LOOKS[0])
        shopper.go_to_checkout("sencha")
        shopper.enter(demo.cloud.voucher("5.00"))
        yield shopper


@pytest.fixture(scope="module")
def being_charged(chromium, demo):
    """A voucher of another customer's order with a charge whose response was lost, so its outcome is unknown."""
    code = demo.cloud.voucher("20.00")
    with door(chromium, demo) as arrive:
        shopper = Customer(arrive(), LOOKS[0])
        shopper.go_to_checkout("jasmine-pearls")
        shopper.enter(code)
        demo.cloud.trouble("after:drop", path="*/charge")
        Clerk(arrive(), shopper.order()).ships()
    return code


def is_refused(customer, sentence):
    customer.is_told(sentence)
    customer.sees(MINE, due=DUE)
    customer.finds_it_accessible()


def change(customer, selector, value):
    """Change the value of an input, as a visitor can."""
    customer.page.locator(selector).evaluate("(input, value) => input.value = value", value)


def test_an_empty_field(customer):
    customer.enter("")
    is_refused(customer, CODE_MISSING.sentence)


def test_a_code_of_10_kilobytes(customer):
    customer.code_field.evaluate("input => input.removeAttribute('maxlength')")
    customer.enter("x" * 10_000)
    is_refused(customer, UNUSABLE.sentence)


def test_control_characters(customer):
    customer.enter("A\x1b[2J\x07B\x00")
    is_refused(customer, UNUSABLE.sentence)


def test_another_currency_whose_refusal_nobody_has_explained_yet(demo, customer, voucher):
    code = voucher("20.00", currency="GBP")
    customer.enter(code)
    is_refused(customer, UNUSABLE.sentence)
    assert demo.cloud.held(code) == "0.00"


def test_another_currency_whose_refusal_the_shop_was_taught(demo, customer, voucher):
    code = voucher("20.00", currency="GBP")
    demo.cloud.behave(code_names={"currency": TAUGHT_CURRENCY})
    customer.enter(code)
    demo.cloud.behave(code_names={})
    is_refused(customer, ERROR_PROBLEMS[CurrencyMismatchError].sentence)
    assert demo.cloud.held(code) == "0.00"


def test_another_visitor_s_order(customer, stranger):
    theirs = stranger.page.locator('.vpg-remove [name="payment"]').get_attribute("value")
    change(customer, '.vpg-remove [name="payment"]', theirs)
    customer.submit(customer.page.locator(".vpg-button--remove"))
    is_refused(customer, NOT_ON_ORDER.sentence)
    stranger.page.reload()
    stranger.sees("5.00", due="9.90")


@pytest.mark.parametrize("token", ["", "x" * 64], ids=["missing", "tampered"])
def test_a_csrf_token_that_is(customer, token):
    change(customer, '.vpg-remove [name="csrfmiddlewaretoken"]', token)
    customer.page.locator(".vpg-button--remove").click()
    customer.reads_page(PAGE_OUTDATED.sentence)
    customer.finds_it_accessible()
    customer.page.locator("main a").click()
    expect(customer.page.locator(".vpg")).to_be_visible()


def test_a_get_where_a_post_is_due(customer):
    for address in ("apply", "remove", "renew"):
        assert customer.page.goto(f"/vouchers/{address}/?next=/checkout/").status == 405
        customer.reads_page(POST_NEEDED.sentence)
    customer.finds_it_accessible()
    customer.page.locator("main a").click()
    expect(customer.page.locator(".vpg")).to_be_visible()


def test_an_open_redirect_in_next(demo, customer):
    change(customer, '.vpg-form [name="next"]', "https://evil.example/")
    customer.code_field.press("Enter")
    customer.is_told(CODE_MISSING.sentence)
    expect(customer.page).to_have_url(f"{demo.url}/{'checkout/' if customer.look.scripts else ''}")
    assert "evil.example" not in customer.page.content()
    customer.finds_it_accessible()


def test_an_order_that_is_paid_already(demo, customer, voucher):
    first, second = voucher("30.00"), voucher("30.00")
    other_tab = customer.another_tab()
    other_tab.opens_checkout()
    customer.enter(first)
    customer.sees(MINE, DUE, due="0.00")
    other_tab.enter(second)
    other_tab.is_told(PROBLEMS["nothing_due"].sentence)
    other_tab.sees(MINE, DUE, due="0.00")
    other_tab.finds_it_accessible()
    assert (demo.cloud.held(first), demo.cloud.held(second)) == (DUE, "0.00")
    other_tab.leaves()
    other_tab.page.close()
    customer.opens_checkout()
    customer.remove(first)


def test_a_voucher_that_another_checkout_is_being_charged_with(demo, customer, being_charged):
    before = len(demo.cloud.reservations(being_charged))
    customer.enter(being_charged)
    is_refused(customer, PROBLEMS["operation_in_progress"].sentence)
    assert len(demo.cloud.reservations(being_charged)) == before


@pytest.mark.parametrize("fault", ["before:503", "before:hang"], ids=["down", "slow for minutes"])
def test_a_voucher_cloud_that_is(demo, customer, voucher, fault):
    code = voucher("20.00")
    demo.cloud.trouble(fault, times=None)
    customer.enter(code)
    is_refused(customer, UNAVAILABLE.sentence)
    assert demo.cloud.reservations(code) == []
    demo.cloud.trouble("")
    if customer.look.scripts:
        expect(customer.code_field).to_have_value(code)
    customer.enter(code)
    customer.sees(MINE, DUE, due="0.00")
    customer.remove(code)
