"""The clerk's pages: found, read and linked, light and dark, on a desktop and on a phone, in English and German."""

import sqlite3
from contextlib import closing

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP
from tests.browser.pages import enter_voucher, expect_it_fits, go_to_checkout, log_in_as_staff, place_order

FOLDER = "/admin/voucher_payment_gateway/voucherpayment"
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "de-DE"}
LEFT_TO_A_PERSON = (
    "UPDATE voucher_payment_gateway_voucheroperation SET state = 'manual' "
    "WHERE kind = 'refund' AND order_number = ?"
)


def test_a_clerk_finds_an_order_and_reads_all_about_it(demo, visitor, picture):
    code = demo.cloud.voucher("20.00")
    customer, clerk, phone = visitor(), visitor(DESKTOP), visitor(PHONE)
    go_to_checkout(customer, "First Flush", "Jasmine Pearls")
    enter_voucher(customer, code)
    number = place_order(customer)
    log_in_as_staff(clerk, number)
    clerk.get_by_role("button", name="Ship").click()
    clerk.get_by_label("Amount to give back").fill("7.35")
    clerk.get_by_role("button", name="Take the return").click()
    expect(clerk.locator(".figure-back dd")).to_have_text("€7.35")
    demo.cloud.spend(code, "2.00")

    clerk.goto(f"{FOLDER}/search/")
    expect_it_is_good(clerk)
    clerk.get_by_label("Order number, id, reference").fill(code)
    clerk.get_by_role("button", name="Find").click()
    expect(clerk.get_by_role("heading", name=f"Order {number}: gift vouchers")).to_be_visible()
    assert code not in clerk.content() + clerk.url
    expect(clerk.locator(".vpg-figure--kept dd")).to_have_text("€12.65")
    expect_it_is_good(clerk)
    picture(clerk, "clerk-order")
    story = clerk.url

    clerk.get_by_role("link", name="Statement of this gift voucher").click()
    expect(clerk.get_by_text("not of this shop's orders")).to_have_count(1)
    expect(clerk.get_by_text("as in our records")).to_have_count(2)
    expect_it_is_good(clerk)
    picture(clerk, "clerk-statement")

    with closing(sqlite3.connect(demo.folder / "shop.sqlite3", timeout=20)) as database, database:
        database.execute(LEFT_TO_A_PERSON, [number])
    clerk.goto(f"{FOLDER}/attention/")
    expect(clerk.get_by_text("Operations that a person has to decide")).to_be_visible()
    expect_it_is_good(clerk)
    picture(clerk, "clerk-attention")
    clerk.get_by_role("link", name="Decide").first.click()
    expect(clerk.get_by_role("button", name="Record the decision")).to_be_visible()
    expect_it_is_good(clerk)

    phone.context.add_cookies(clerk.context.cookies())
    phone.goto(story)  # the other pages on a phone, in German and dark: test_desk
    expect_it_is_good(phone)
    expect(phone.get_by_role("heading", name=f"Bestellung {number}: Gutscheine")).to_be_visible()
    picture(phone, "clerk-phone-de")
    phone.goto(f"{FOLDER}/")
    expect(phone.get_by_role("link", name="Braucht Aufmerksamkeit")).to_be_visible()


def expect_it_is_good(page):
    """No violation of axe-core's rules in our part of the page, and no horizontal scrolling."""
    expect_it_fits(page)
    found = Axe().run(page, context=".vpg-desk")
    assert found.violations_count == 0, found.generate_report()
