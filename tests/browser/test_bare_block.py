"""The block with its own stylesheet alone: at the narrowest widths, in light and dark, in German."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.pages import enter_voucher, expect_it_fits

WIDER = """() => {
  const box = document.querySelector(".vpg").getBoundingClientRect();
  return [...document.querySelectorAll(".vpg *:not(.vpg-hidden, option)")]
    .filter((each) => each.getBoundingClientRect().right > box.right + 0.5).map((each) => each.className);
}"""
WITHOUT_THE_SHOP = """() => {
  document.querySelector('link[href*="shop.css"]').remove();
  document.documentElement.classList.remove("vpg-light");
  document.body.replaceChildren(document.querySelector(".vpg"));
  document.title = "Checkout";
}"""
PAPER = "getComputedStyle(document.querySelector('.vpg')).backgroundColor"


@pytest.fixture(params=[("light", 390), ("dark", 320)], ids=["light-390", "dark-320"])
def look(request):
    return request.param


@pytest.fixture
def scheme(look):
    return look[0]


@pytest.fixture
def page(look, demo, visitor):
    """A checkout with a voucher that is held, and one that was refused."""
    scheme, width = look
    opened = visitor({"viewport": {"width": width, "height": 700}, "color_scheme": scheme, "locale": "de-DE"})
    opened.goto("/")
    opened.locator('form[action="/basket/add/sencha/"] button').click()
    opened.goto("/basket/")
    opened.locator('form[action="/checkout/start/"] button').click()
    enter_voucher(opened, demo.cloud.voucher("5.00"))
    enter_voucher(opened, "NO-SUCH-CODE")
    expect(opened.locator(".vpg-problem")).to_be_visible()
    opened.evaluate(WITHOUT_THE_SHOP)
    return opened


def test_nothing_is_wider_than_its_box(page):
    expect_it_fits(page)
    assert page.evaluate(WIDER) == []


def test_every_colour_can_be_read(page, scheme):
    rules = {"runOnly": ["color-contrast"]}
    found = Axe().run(page, options=rules)
    assert found.violations_count == 0, found.generate_report()
    assert (page.evaluate(PAPER) == "rgba(0, 0, 0, 0)") == (scheme == "light")


def test_a_shop_that_is_always_light_says_so(page):
    page.evaluate("document.documentElement.classList.add('vpg-light')")
    assert page.evaluate(PAPER) == "rgba(0, 0, 0, 0)"


def test_a_colour_of_the_shop_is_taken(page):
    page.evaluate("document.documentElement.style.setProperty('--vpg-paper', 'rgb(1, 2, 3)')")
    assert page.evaluate(PAPER) == "rgb(1, 2, 3)"
