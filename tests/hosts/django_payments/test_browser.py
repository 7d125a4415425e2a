"""A customer pays a row with a gift voucher in Chromium, on a phone without JavaScript."""

from decimal import Decimal

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.conftest import PHONE


@pytest.fixture(scope="module", autouse=True)
def _the_loop_of_playwright():
    """Playwright runs a loop in the thread of the tests, in which Django refuses to use its database otherwise."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def page(chromium, live_server):
    context = chromium.new_context(base_url=live_server.url, **PHONE)
    yield context.new_page()
    context.close()


def test_a_customer_pays_after_a_wrong_code(shop, page):
    voucher, payment = shop.voucher("20.00"), shop.payment("12.50")
    page.goto(reverse("pay", args=[payment.pk]))

    page.locator('input[name="code"]').fill("NO-SUCH-CODE")
    page.get_by_role("button", name="Pay 12.50 EUR").click()
    expect(page.get_by_text("This gift voucher cannot be redeemed")).to_be_visible()
    expect(page.locator('input[name="code"]')).to_have_value("")

    page.locator('input[name="code"]').fill("GIFT-2000-ABCD")
    page.get_by_role("button", name="Pay 12.50 EUR").click()
    expect(page.get_by_text(f"Thank you for your order {payment.order.number}.")).to_be_visible()

    assert "GIFT" not in page.url
    assert shop.row(payment) == ("preauth", Decimal("0.00"))
    assert shop.cloud.voucher(voucher.id).held == Decimal("12.50")
