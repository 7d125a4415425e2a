"""The Oscar shop of the demo in Chromium: an order is paid with two gift vouchers and a card, shipped, partly returned,
and a gift voucher is sold. Also on a phone, in German."""

import os
import re
import signal
import subprocess
import sys
from email import message_from_bytes

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, IMAGES, Cloud, free_ports, wait_for_welcome
from tests.browser.pages import expect_idle, expect_it_fits
from tests.hosts.oscar.demo import CUSTOMER, STAFF, VOUCHERS
from tests.hosts.oscar.shop import ADDRESS

PHONE_DE = {"viewport": {"width": 390, "height": 844}, "locale": "de-DE"}
FIRST, SECOND = "GIFT-2000-TREE", "GIFT-3000-LEAF"


class Shop:
    """The running demo, and browsers of its visitors."""

    def __init__(self, url, cloud, folder, chromium):
        self.url, self.cloud, self.folder, self.chromium = url, cloud, folder, chromium
        self.contexts = []

    def visitor(self, look=DESKTOP):
        context = self.chromium.new_context(base_url=self.url, **{"locale": "en-GB", **look})
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        return context.new_page()

    def recipients(self):
        """Return to whom the shop has sent mails."""
        parts = b"".join(path.read_bytes() for path in sorted((self.folder / "mails").iterdir()))
        return [message_from_bytes(part)["To"] for part in re.split(rb"^-{79}\n", parts, flags=re.MULTILINE)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory, chromium):
    port, cloud_port = free_ports(2)
    folder = tmp_path_factory.mktemp("oscar")
    options = [*("--port", str(port), "--cloud-port", str(cloud_port)), *("--folder", str(folder))]
    command = [sys.executable, "-m", "tests.hosts.oscar.demo", *options, "--settle-every", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            welcome = wait_for_welcome(process)
            assert all(code in welcome for code in VOUCHERS)
            cloud = Cloud(f"http://127.0.0.1:{cloud_port}")
            with cloud.http:
                running = Shop(f"http://127.0.0.1:{port}", cloud, folder, chromium)
                yield running
                for context in running.contexts:
                    context.close()
        finally:
            process.send_signal(signal.SIGTERM)


def picture(page, name):
    if os.environ.get("SCREENSHOTS") == "1":
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


def log_in(page, account=CUSTOMER):
    page.goto("/accounts/login/")
    page.locator("#id_login-username").fill(account[0])
    page.locator("#id_login-password").fill(account[1])
    page.locator("button[name=login_submit]").click()


def put_into_basket(page, title, **fields):
    """Put a product into the basket, with what is entered on its page."""
    page.goto("/catalogue/")
    page.locator(f'article.product_pod h3 a[title="{title}"]').click()
    for name, value in fields.items():
        page.locator(f"#id_gift-voucher-{name}").fill(value)
    page.locator("#add_to_basket_form button[type=submit]").click()
    expect(page.locator(".alert-success").first).to_be_visible()


def go_to_preview(page):
    page.goto("/checkout/shipping-address/")
    for name, value in ADDRESS.items():
        if name != "country":
            page.locator(f"#id_{name}").fill(value)
    page.locator("#new_shipping_address button[type=submit]").click()
    page.locator("#view_preview").click()
    expect(page.locator("#place-order")).to_be_visible()


def enter_voucher(page, code):
    """Enter a code and wait for the response."""
    field = page.locator(".vpg-field--code input")
    field.fill(code)
    with page.expect_response(lambda response: response.url.endswith("/gift-vouchers/apply/")):
        field.press("Enter")
    expect_idle(page)


def open_tab(page, number):
    page.goto(f"/dashboard/orders/{number}/")
    page.locator('a[href="#gift-vouchers"]').click()
    expect(page.locator("#gift-vouchers")).to_be_visible()


def test_paid_with_two_gift_vouchers_and_a_card_shipped_partly_returned_and_one_sold(shop):
    buyer = shop.visitor()
    log_in(buyer)
    put_into_basket(buyer, "Gift voucher, your amount", amount="25", email="grace@example.org", name="Grace")
    put_into_basket(buyer, "Teapot")
    go_to_preview(buyer)
    enter_voucher(buyer, FIRST)
    enter_voucher(buyer, SECOND)
    expect(buyer.locator(".vpg-sum--due dd")).to_have_text("€35.00")
    expect(buyer.get_by_text("They cannot be paid with gift vouchers")).to_be_visible()

    buyer.locator("#place-order").click()

    expect(buyer).to_have_url(re.compile("/checkout/thank-you/"))
    number = re.search(r"\b1000\d\d\b", buyer.locator("body").inner_text())[0]
    assert [shop.cloud.held(code) for code in (FIRST, SECOND)] == ["20.00", "30.00"]
    assert "grace@example.org" in shop.recipients()

    clerk = shop.visitor()
    log_in(clerk, STAFF)
    ship(clerk, number, "Teapot")
    assert [shop.cloud.figures(code) for code in (FIRST, SECOND)] == [
        ("0.00", [("charge", "20.00")]),
        ("0.00", [("charge", "30.00")]),
    ]

    open_tab(clerk, number)
    clerk.get_by_role("link", name="Refund to the gift vouchers").click()
    expect(clerk.get_by_text("€50.00 may be refunded")).to_be_visible()
    clerk.get_by_label("Amount to refund").fill("12.50")
    clerk.get_by_label("reason").fill("A cup was broken")
    clerk.get_by_role("button", name="Refund now").dblclick()

    expect(clerk.get_by_text("€12.50 was refunded.").first).to_be_visible()
    expect(clerk.locator("#gift-vouchers")).to_be_visible()
    assert shop.cloud.figures(SECOND) == ("12.50", [("charge", "30.00"), ("refund", "12.50")])
    picture(clerk, "oscar-dashboard")

    buyer.goto("/accounts/orders/")
    buyer.get_by_role("link", name="Gift vouchers").click()
    expect(buyer.get_by_text(f"Bought with order {number} for €25.00.")).to_be_visible()
    expect(buyer.get_by_text("€20.00 paid for order")).to_be_visible()
    assert not any(code in buyer.content() for code in VOUCHERS)
    picture(buyer, "oscar-account")


def ship(page, number, title):
    """Create the shipping event of a line in the dashboard."""
    page.goto(f"/dashboard/orders/{number}/")
    page.locator("#order_lines_form tbody tr", has_text=title).locator("input[name=selected_line]").check()
    page.locator("#shipping_event_check").check()
    page.locator("#shipping_event_type_select").select_option(label="Shipped")
    page.locator("#order_lines_form [type=submit]").last.click()
    expect(page.get_by_text("Shipping event created")).to_be_visible()


def test_on_a_phone_in_german(shop):
    buyer = shop.visitor(PHONE_DE)
    log_in(buyer)
    buyer.goto("/catalogue/")
    buyer.locator('article.product_pod h3 a[title="Gift voucher, your amount"]').click()
    expect(buyer.get_by_label("Betrag des Geschenkgutscheins")).to_be_visible()
    expect(buyer.get_by_text("Von 5,00 bis 250,00.")).to_be_visible()
    expect_it_fits(buyer)
    put_into_basket(buyer, "Gift voucher, your amount", amount="12,50")
    put_into_basket(buyer, "Cup")
    go_to_preview(buyer)
    enter_voucher(buyer, "GIFT-1000-SEED")
    expect(buyer.locator(".vpg-sum--due dd")).to_have_text("15,00 €")
    expect_it_fits(buyer)
    buyer.locator("#place-order").click()
    number = re.search(r"\b1000\d\d\b", buyer.locator("body").inner_text())[0]
    buyer.goto("/gift-vouchers/account/")
    expect(buyer.get_by_role("heading", name="Geschenkgutscheine")).to_be_visible()
    expect(buyer.get_by_text(f"Gekauft mit Bestellung {number}")).to_be_visible()
    expect_it_fits(buyer)

    clerk = shop.visitor(PHONE_DE)
    log_in(clerk, STAFF)
    open_tab(clerk, number)
    text = clerk.locator("#gift-vouchers").inner_text()
    assert "Geschenkgutschein …SEED bezahlt" in text
    assert not re.search(r"\bGutschein", text)
    clerk.get_by_role("link", name="Geschenkgutschein zurücknehmen").click()
    expect_it_fits(clerk)
    clerk.locator("#id_reason").fill("Doppelt gekauft")
    clerk.locator(".vpg-decision input[type=submit]").click()
    expect(clerk.locator("#gift-vouchers .vpg-badge", has_text="zurückgenommen")).to_be_visible()
