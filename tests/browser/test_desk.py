"""The clerk's pages in German, light on a desktop and dark on a phone, in Django's own admin and in django-unfold's."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import ROOT, TIMEOUT_MS
from tests.browser.pages import expect_it_fits

FOLDER = "/admin/voucher_payment_gateway"
LOOKS = {
    "light": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
PAGES = {
    "search": FOLDER + "/voucherpayment/search/",
    "order": FOLDER + "/voucherpayment/order/?number={order}",
    "attention": FOLDER + "/voucherpayment/attention/",
    "statement": FOLDER + "/voucherpayment/statement/?voucher={voucher}",
    "decision": FOLDER + "/voucherpayment/operation/{operation}/",
    "liability": FOLDER + "/voucherliability/",
    "periods": FOLDER + "/voucherclosedperiod/",
    "export": FOLDER + "/voucherclosedperiod/export/",
}
DETAILS = [FOLDER + "/voucherpayment/{payment}/change/", FOLDER + "/vouchersale/{sale}/change/"]
ENGLISH = re.compile(
    r"\b(?:the|and|of|with|not|from|by|for|is|it|gift|vouchers?|orders?|payments?|amounts?|periods?|liabilit\w+|"
    r"differences?|closed|sold|search|find|save|change|changes|add|history|select|view|export|day|account)\b",
    re.IGNORECASE,
)
NAMES = re.compile(r"Voucher Cloud|voucher_\w+")
PICTURES = {
    ("plain", "light", "liability"): "clerk-liability",
    ("unfold", "dark", "order"): "clerk-unfold-phone-de",
}


@contextmanager
def desk_of(kind, folder):
    """Run the shop with the admin of this kind."""
    own = {"DESK_ADMIN": kind, "DESK_DATABASE": str(folder / "desk.sqlite3"), "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "tests.browser.desk_program"]
    with subprocess.Popen(
        program, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def page_of(chromium, desk, look):
    """Open a page of the shop in German, logged in as a clerk."""
    with chromium.new_context(base_url=desk["url"], locale="de-DE", **look) as context:
        context.set_default_timeout(TIMEOUT_MS)
        context.add_cookies([{"name": "sessionid", "value": desk["session"], "url": desk["url"]}])
        yield context.new_page()


@pytest.mark.parametrize("kind", ["plain", "unfold"])
def test_the_pages_are_german_readable_and_fit_in_every_admin(chromium, tmp_path, picture, kind):
    if kind == "unfold":
        pytest.importorskip("unfold", reason="django-unfold is not installed")
    with desk_of(kind, tmp_path) as desk:
        for name, look in LOOKS.items():
            with page_of(chromium, desk, look) as page:
                for title, address in PAGES.items():
                    page.goto(address.format(**desk))
                    expect_it_is_good(page, kind, f"{kind} {name} {title}")
                    if shown := PICTURES.get((kind, name, title)):
                        picture(page, shown, full_page=False)


@pytest.mark.parametrize("look", LOOKS)
def test_the_buttons_of_a_payment_and_a_sale_hide_nothing_and_its_columns_are_german(
    chromium, tmp_path, look
):
    with desk_of("plain", tmp_path) as desk, page_of(chromium, desk, LOOKS[look]) as page:
        for address in DETAILS:
            page.goto(address.format(**desk))
            expect_it_fits(page)
            title = page.locator("#content > h2").bounding_box()
            assert page.locator(".object-tools").bounding_box()["y"] >= title["y"] + title["height"]
            assert "key" not in page.inner_text(".inline-group thead").lower()


def expect_it_is_good(page, kind, where):
    """It does not scroll sideways, every text has enough contrast, and no word of ours is English."""
    expect_it_fits(page)
    found = Axe().run(page, context=".vpg-desk")
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    # django-unfold's own frame is not translated in full
    texts = [page.title(), page.inner_text("#content" if kind == "plain" else ".vpg-desk")]
    if kind == "plain":
        texts += [page.inner_text(".breadcrumbs"), page.inner_text(".app-voucher_payment_gateway.module")]
    english = [word for text in texts for word in ENGLISH.findall(NAMES.sub("", text))]
    assert english == [], where
