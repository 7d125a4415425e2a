"""The page of the local Voucher Cloud: create, activate and top up vouchers, on a phone as well."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve


@pytest.fixture
def cloud():
    return LocalVoucherCloud()


@pytest.fixture(params=[390, 1200])
def page(request, chromium, cloud):
    """The page in a new browser, which must not complain."""
    with serve(cloud) as server, chromium.new_context(base_url=server.url) as context:
        opened, complaints = context.new_page(), []
        opened.set_viewport_size({"width": request.param, "height": 800})
        opened.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto("/")
        yield opened
        assert [text for text in complaints if "Failed to load resource" not in text or "404" in text] == []


def row(page, code):
    return page.locator("#vouchers tr").filter(has_text=code)


def fits(page):
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    inside = "[...document.querySelectorAll('section')].filter((each) => each.scrollWidth > each.clientWidth).length"
    return page.evaluate(sideways) == page.evaluate(inside) == 0


def test_a_voucher_is_created_activated_and_topped_up(page, cloud):
    form = page.locator('form[data-send="/sandbox/vouchers"]')
    form.get_by_label("Code").fill("GIFT-NEW")
    form.get_by_label("PIN").fill("2468")
    form.get_by_label("Amount").fill("12.50")
    form.get_by_label("Status").select_option("inactive")
    form.get_by_role("button", name="Create").click()
    expect(row(page, "GIFT-NEW")).to_contain_text("2468")
    expect(row(page, "GIFT-NEW")).to_contain_text("12.50 EUR")
    row(page, "GIFT-NEW").get_by_role("button", name="Activate").click()
    expect(row(page, "GIFT-NEW").get_by_role("button", name="Deactivate")).to_be_visible()
    top_up = page.locator('form[data-send="/sandbox/vouchers/top-up"]')
    top_up.get_by_label("Voucher").select_option("GIFT-NEW")
    top_up.get_by_label("Amount").fill("7.50")
    top_up.get_by_role("button", name="Top up").click()
    expect(row(page, "GIFT-NEW")).to_contain_text("20.00")
    expect(page.locator("#bookings")).to_contain_text("recharge")
    voucher = cloud.store.voucher_by_code("GIFT-NEW")
    assert (str(cloud.balance(voucher.id)), voucher.status) == ("20.00", "active")
    assert fits(page)


def test_a_refusal_is_told_and_what_was_typed_stays(page, cloud):
    form = page.locator('form[data-send="/sandbox/vouchers"]')
    form.get_by_label("Amount").fill("-1")
    form.get_by_role("button", name="Create").click()
    expect(page.locator("#problem")).to_be_visible()
    expect(form.get_by_label("Amount")).to_have_value("-1")
    assert cloud.store.state.vouchers == {}


def test_it_counts_what_it_shows(page, cloud):
    cloud.add_voucher(code="GIFT-1", amount="50.00")
    for _ in range(15):
        cloud.reserve("GIFT-1", "1.00")
    expect(page.locator("#reservations-count")).to_have_text("12 newest of 15")
    expect(page.locator("#reservations tr")).to_have_count(12)
    expect(page.locator("#vouchers-count")).to_have_text("1")


def test_a_long_code_fits(page, cloud):
    cloud.add_voucher(code="GIFT-" + "X" * 120, pin="9" * 60, amount="99999.99")
    expect(row(page, "GIFT-X")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_an_amount_without_decimals_is_told_how_to_write_it(page):
    form = page.locator('form[data-send="/sandbox/vouchers"]')
    form.get_by_label("Amount").fill("5")
    form.get_by_role("button", name="Create").click()
    expect(page.locator("#problem")).to_contain_text("The amount must be written like 5.00")


BROKEN_LABELS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  return [...document.querySelectorAll("td[data-label]")].filter((cell) => {
    const style = getComputedStyle(cell, "::before");
    if (style.content === "none") return false;
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return parseFloat(style.width) < pen.measureText(cell.dataset.label).width - 1;
  }).map((cell) => cell.dataset.label);
}"""


def test_no_label_of_a_narrow_table_breaks_inside_a_word(page):
    expect(page.locator("#clients tr")).to_have_count(1)
    assert page.evaluate(BROKEN_LABELS) == []
