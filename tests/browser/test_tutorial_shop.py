"""The shop of the tutorial in a real browser: with scripts on, at the width of a phone."""

import sqlite3
from contextlib import closing

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.pages import enter_voucher, expect_it_fits
from tests.docs.newcomer import Newcomer
from tests.docs.pages import DOCS, blocks


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """Someone who has started both programs, and opens no page yet."""
    someone = Newcomer(tmp_path_factory.mktemp("tutorial"))
    steps = [block for block in blocks(DOCS / "tutorial/first-voucher-order.md") if block.language != "pycon"]
    first = next(position for position, block in enumerate(steps) if block.options == "browser")
    someone.follow(steps[:first])
    yield someone
    someone.leave()


@pytest.fixture
def open_shop(chromium, newcomer):
    """Open the shop in a new browser profile."""
    contexts = []

    def arrive(**options):
        context = chromium.new_context(base_url=f"http://127.0.0.1:{newcomer.shop_port}", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/")
        return page

    yield arrive
    for context in contexts:
        context.close()


def orders(newcomer):
    with closing(sqlite3.connect(newcomer.folder / "db.sqlite3", timeout=20)) as database:
        return database.execute("SELECT COUNT(*) FROM shop_order").fetchone()[0]


def test_opening_a_page_twice_makes_no_second_order(newcomer, open_shop):
    before, page = orders(newcomer), open_shop()
    for path in ("/", "/checkout/", "/"):
        page.goto(path)
        open_shop().goto(path)
    assert orders(newcomer) == before
    page.get_by_role("button", name="Buy it").click()
    for path in ("/", "/checkout/", "/checkout/"):
        page.goto(path)
    page.goto("/")
    page.get_by_role("button", name="Buy it").click()
    assert orders(newcomer) == before + 1
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading")).to_contain_text("is confirmed")
    page.goto("/checkout/")
    expect(page.get_by_role("heading")).to_contain_text("is confirmed")
    assert orders(newcomer) == before + 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390])
def test_the_button_follows_what_is_still_due(open_shop, width, scheme):
    page = open_shop(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page.get_by_role("button", name="Buy it").click()
    button = page.get_by_role("button", name="Place the order")
    expect(button).to_have_text("Place the order, pay €50.00 on collection")
    page.wait_for_load_state("load")  # the script runs from then on; before, the form is submitted as ever
    page.evaluate("window.still = 'here'")
    enter_voucher(page, "GIFT-PENNIES")
    expect(button).to_have_text("Place the order, pay €49.95 on collection")
    page.get_by_role("button", name="Remove").click()
    expect(button).to_have_text("Place the order, pay €50.00 on collection")
    assert page.evaluate("window.still") == "here", "nothing was reloaded"
    expect_it_fits(page)


def test_the_pin_of_the_seeded_voucher_is_printed_and_fits(newcomer, open_shop):
    log = (newcomer.folder / "program-0.log").read_text()
    assert "GIFT-100-PIN (PIN 4711)" in log
    page = open_shop()
    page.get_by_role("button", name="Buy it").click()
    enter_voucher(page, "GIFT-100-PIN", "4711")
    expect(page.locator(".vpg-covered")).to_be_visible()
