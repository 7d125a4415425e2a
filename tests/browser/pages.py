"""The actions of a customer and a clerk in the example shop, each as one line of a test."""

import re

from playwright.sync_api import expect


def fill_basket(page, *teas):
    page.goto("/")
    for tea in teas:
        page.get_by_role("button", name=f"Add {tea}").click()
        expect(page.get_by_text(f"{tea} is in your basket.")).to_be_visible()


def go_to_checkout(page, *teas):
    fill_basket(page, *teas)
    page.get_by_role("link", name="Basket").click()
    page.get_by_role("button", name="Go to the checkout").click()
    expect(page.get_by_role("heading", name="Checkout")).to_be_visible()


def enter_voucher(page, code, pin=""):
    """Enter a code, and its PIN if it has one, and wait for the response."""
    field = page.locator(".vpg-field--code input")
    field.fill(code)
    if pin:
        if page.locator("details.vpg-pin").get_attribute("open") is None:
            page.locator("details.vpg-pin summary").click()
        page.locator(".vpg-field--pin input").fill(pin)
    with page.expect_response(lambda response: response.url.endswith("/vouchers/apply/")):
        field.press("Enter")
    expect_idle(page)


def remove_voucher(page, code):
    page.get_by_role("button", name=f"…{code[-4:]}").click()
    expect_idle(page)


def expect_idle(page):
    """Expect that the block is not waiting for a response."""
    expect(page.locator(".vpg")).not_to_have_attribute("aria-busy", "true")


def place_order(page, name="Ada Miller"):
    """Place the order and return its number."""
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_text("Your order is placed.")).to_be_visible()
    return re.search(r"/orders/(T-\d+)/", page.url).group(1)


def expect_sums(page, **figures):
    """Expect the figures of the gift voucher block: total, covered, due."""
    for name, amount in figures.items():
        expect(page.locator(f".vpg-sum--{name} dd")).to_have_text(amount)


def expect_payment(page, **figures):
    """Expect the figures of an order page: held, paid, back, due."""
    for name, amount in figures.items():
        expect(page.locator(f".figure-{name} dd")).to_have_text(amount)


def expect_story(page, *sentences):
    expect(page.locator(".vpg-step-text")).to_have_text(list(sentences))


def log_in_as_staff(page, number):
    """Log in and open an order."""
    page.goto(f"/staff/orders/{number}/")
    page.get_by_label("Name").fill("staff")
    page.get_by_label("Password").fill("staff")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Order {number}")).to_be_visible()


def expect_it_fits(page):
    """Expect no horizontal scrolling."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
