"""The page of a sold voucher in a browser: confirmed without a referrer, under a strict policy, and at phone width."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from threading import Thread

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.browser.pages import expect_it_fits
from tests.selling.conftest import CODE, PIN, seller  # noqa: F401  a fixture
from voucher_payment_gateway.delivery.links import page_path

BORDER = "(sheet) => getComputedStyle(sheet).borderTopWidth"
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'"


@pytest.fixture
def site(settings):
    """The pages and the stylesheets of the test shop, on a port of their own."""
    settings.STATIC_URL = "/static/"
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(StaticFilesHandler(WSGIHandler()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def under_the_policy(route):
    response = route.fetch(max_redirects=0)
    route.fulfill(response=response, headers={**response.headers, "Content-Security-Policy": POLICY})


def test_a_visitor_reads_prints_and_confirms(seller, site):  # noqa: F811
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    seller.settings(VOUCHER_DELIVERY="page")
    seller.details(message="word " * 40 + "W" * 200, language="de")
    seller.with_pin()
    sale = seller.sell()
    address = f"{site}{page_path(sale)}"
    violations = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 320, "height": 700}, java_script_enabled=True)
        page.on("console", lambda message: violations.append(message.text))
        page.route("**/sold/**", under_the_policy)
        page.goto(address)
        assert page.get_by_text(CODE, exact=True).is_visible()
        assert page.locator(".vpg-sheet").evaluate(BORDER) == "8px"  # the stylesheet is loaded
        expect_it_fits(page)
        page.get_by_role("link", name="Drucken").click()
        assert page.get_by_text(PIN, exact=True).is_visible()
        expect_it_fits(page)
        page.get_by_role("link", name="Zurück").click()
        page.unroute("**/sold/**")  # a redirect cannot be answered by a route
        page.get_by_role("button", name="Ich habe den Code gespeichert").click()
        page.wait_for_url(address)
        assert page.get_by_text("zeigt diese Seite ihn nicht mehr").is_visible()
        assert CODE not in page.content()
        browser.close()
    assert [text for text in violations if "Content Security Policy" in text] == []
    sale.refresh_from_db()
    assert sale.delivered_at
