"""A customer buys gift vouchers, recipients spend them, the staff take them back: with scripts and without, in English
and German."""

import re
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.buyer import Buyer
from tests.browser.customer import LOOKS, Clerk, Customer

CODE = re.compile(r"^Code: (\S+)$", re.MULTILINE)
MESSAGES = {
    "en": "Happy birthday, Emma!\nEnjoy a quiet cup – yours, Ada <3",
    "de": "Alles Gute zum Geburtstag, Emma!\nSchöne Teestunden wünscht dir Ada <3",
}
PICTURES = {"gift-voucher", "gift-voucher-phone-de", "gift-voucher-page", "my-gift-vouchers"}
FIELDS = ("own_amount", "recipient_name", "recipient_email", "message", "deliver_on")
WITH_SCRIPTS, PLAIN_GERMAN = (
    next(look for look in LOOKS if look.name == name) for name in ("desktop-en-script", "phone-de-plain")
)


@pytest.fixture(params=[WITH_SCRIPTS, PLAIN_GERMAN], ids=lambda look: look.name)
def buyer(request, visitor):
    someone = Buyer(visitor(request.param.options), request.param)
    yield someone
    someone.leaves()


@pytest.fixture
def reader(visitor):
    someone = Buyer(visitor(WITH_SCRIPTS.options), WITH_SCRIPTS)
    yield someone
    someone.leaves()


@pytest.fixture
def shot(picture, buyer):
    """Save a screenshot for the documentation: of a desktop in English, or of a phone in German."""

    def take(name, height=0):
        width = buyer.look.viewport["width"]
        buyer.page.set_viewport_size({"width": width, "height": height or buyer.look.viewport["height"]})
        ending = "" if buyer.look is WITH_SCRIPTS else "-phone-de"
        if f"{name}{ending}" in PICTURES:
            picture(buyer.page, f"{name}{ending}")

    return take


def day(distance):
    """Return a day as the shop counts them, from today on."""
    return (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=distance)).date().isoformat()


def text_of(mail):
    (plain,) = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    return plain.get_payload(decode=True).decode()


def status_in_the_cloud(demo, code):
    vouchers = demo.cloud.http.get("/sandbox/state").json()["vouchers"]
    return next((voucher["status"] for voucher in vouchers if voucher["code"] == code), None)


def press(page, address):
    page.locator(f'form[action$="/{address}/"] button').click()


def test_a_gift_voucher_from_its_sale_to_its_redemption(demo, buyer, visitor, shot):
    page, address = buyer.page, f"emma-{uuid.uuid4().hex[:8]}@example.com"
    message = MESSAGES[buyer.look.language]
    good = {"recipient_name": "Emma", "recipient_email": "emma@example.com", "message": message}
    buyer.opens_gift_page()
    own = {"en": "33.50", "de": "33,50"}[buyer.look.language]
    buyer.fills_in(own, **good, deliver_on=day(0))
    buyer.finds_it_accessible()
    shot("gift-voucher")
    buyer.puts_it_into_the_basket()
    buyer.has_in_the_basket("33.50")
    expect(page.locator(".line")).to_contain_text("Ada <3")
    expect(page.locator(".line")).to_contain_text("emma@example.com")
    buyer.finds_it_accessible()
    page.locator('form[action^="/gift/remove/"] button').click()
    expect(page.locator(".empty")).to_be_visible()
    buyer.opens_gift_page()
    buyer.fills_in(own, **{**good, "recipient_email": address})
    buyer.puts_it_into_the_basket()

    buyer.fill_basket("sencha")
    buyer.goes_to_the_checkout()
    buyer.enter(demo.cloud.voucher("40.00"))
    buyer.sees("14.90", due="33.50")  # the tea alone: no voucher pays for a voucher
    number = buyer.order(card="works")
    expect(page.locator(".vpg-sold-state")).to_contain_text("e…@example.com")
    expect(page.locator(".figure-card dd")).to_have_text(buyer.amount("33.50"))
    buyer.finds_it_accessible()

    mail = text_of(demo.mail_to(address))
    assert message in mail.replace("\r\n", "\n")
    assert {"en": "Hello Emma", "de": "Hallo Emma"}[buyer.look.language] in mail
    code = CODE.search(mail)[1]
    assert demo.cloud.figures(code) == ("33.50", [])
    assert code.encode() not in demo.kept()

    buyer.opens_own_voucher()
    buyer.reads_balance("33.50")
    page.locator('.own-pages a[href^="/gift/?top_up="]').click()
    expect(page.locator("h1")).to_contain_text(f"…{code[-4:]}")
    buyer.fills_in("25")
    buyer.puts_it_into_the_basket()
    buyer.goes_to_the_checkout()
    buyer.enter(code)
    assert buyer.order() == ""  # nor for a top-up
    expect(page.locator(".message--error")).to_have_count(1)
    buyer.remove(code)
    buyer.order(card="works")
    assert demo.cloud.figures(code) == ("58.50", [("recharge", "25.00")])

    recipient = Customer(visitor(buyer.look.options), buyer.look)
    recipient.go_to_checkout("earl-grey")
    recipient.enter(code)
    recipient.sees("11.50", due="0.00")
    spent = recipient.order()
    Clerk(visitor(), spent).ships()
    assert demo.cloud.figures(code)[0] == "47.00"

    buyer.opens_own_voucher()
    buyer.reads_balance("47.00")
    expect(page.locator(".vpg-history tbody tr")).to_have_count(2)
    buyer.finds_it_accessible()
    page.locator('nav a[href="/vouchers/mine/"]').click()
    buyer.reads_balance("47.00")
    buyer.finds_it_accessible()
    shot("my-gift-vouchers", height=400)

    clerk = visitor(buyer.look.options)
    Clerk(clerk, number)
    for button in ("gifts", "cancel"):
        press(clerk, button)
        expect(clerk.locator(".message--error")).to_have_count(1)
        expect(clerk.locator(".sale .badge--active")).to_have_count(1)
    assert demo.cloud.figures(code)[0] == "47.00"
    expect(clerk.locator(".figure-card-back")).to_have_count(0)
    press(clerk, "ship")
    expect(clerk.locator("h1 .badge--shipped")).to_be_visible()


def test_a_gift_voucher_on_a_page_is_paid_at_the_counter_and_taken_back(demo, buyer, visitor, shot):
    page = buyer.page
    buyer.opens_gift_page()
    buyer.fills_in("50", recipient_name="Emma", message=MESSAGES[buyer.look.language])
    buyer.puts_it_into_the_basket()
    buyer.opens_gift_page()
    later = day(7)
    buyer.fills_in("100", recipient_email="later@example.com", deliver_on=later)
    buyer.puts_it_into_the_basket()
    buyer.goes_to_the_checkout()
    number = buyer.order()
    page.locator(".vpg-sold-link").click()
    expect(page.locator(".vpg-big")).to_have_count(0)

    staff = visitor(buyer.look.options)
    clerk = Clerk(staff, number)
    press(staff, "paid")
    expect(staff.locator(".sale .badge--active")).to_have_count(2)
    expect(staff.locator('form[action$="/paid/"], form[action$="/ship/"]')).to_have_count(0)
    expect(staff.locator('a[href*="/sold/"]')).to_have_count(0)
    buyer_of_staff = Customer(clerk.page, buyer.look)
    buyer_of_staff.finds_it_accessible()
    buyer_of_staff.leaves()

    page.reload()
    code = page.locator(".vpg-big").first.inner_text()
    buyer.finds_it_accessible()
    shot("gift-voucher-page")
    page.locator('a[href="print/"]').click()
    expect(page.locator(".vpg-page--print .vpg-big").first).to_have_text(code)
    page.go_back()
    page.locator(".vpg-seen button").click()
    expect(page.locator(".vpg-big")).to_have_count(0)
    assert code.encode() not in demo.kept()

    page.goto(f"/orders/{number}/")
    expect(page.locator(".vpg-sold-state")).to_have_count(2)
    expect(page.locator(".vpg-sold-state").last).to_contain_text("l…@example.com")
    page.locator('nav a[href="/vouchers/balance/"]').click()
    page.locator('[name="code"]').fill(code)
    page.locator(".vpg-balance button").click()
    expect(page.locator(".vpg-worth")).to_have_text(buyer.amount("50.00"))
    buyer.finds_it_accessible()

    press(staff, "gifts")
    expect(staff.locator(".sale .badge--taken_back")).to_have_count(2)
    expect(staff.locator(".message--success")).to_contain_text(buyer.amount("150.00"))
    expect(staff.locator('form[action$="/gifts/"]')).to_have_count(0)
    assert status_in_the_cloud(demo, code) != "active"


def test_every_wrong_input_is_told_at_its_field(visitor):
    page = visitor(PLAIN_GERMAN.options)
    buyer = Buyer(page, PLAIN_GERMAN)
    buyer.opens_gift_page()
    past = day(-1)
    wrong = {"recipient_email": "emma", "recipient_name": "e" * 81, "message": "m" * 501, "deliver_on": past}
    for name in ("recipient_name", "message"):
        page.locator(f'[name="{name}"]').evaluate("field => field.removeAttribute('maxlength')")
    buyer.fills_in("4.99", **wrong)
    buyer.puts_it_into_the_basket()
    for name in FIELDS:
        expect(page.locator(f"#id_{name}_error li")).to_have_count(1)
        expect(page.locator(f'[name="{name}"]')).to_have_attribute("aria-invalid", "true")
        expect(page.locator(f'[name="{name}"]')).to_have_attribute(
            "aria-describedby", re.compile(f"id_{name}_error")
        )
    buyer.finds_it_accessible()
    for own in ("", "250.01", "5.001", "five", "NaN"):
        buyer.fills_in(own)
        buyer.puts_it_into_the_basket()
        expect(page.locator("#id_own_amount_error li")).to_have_count(1)
    buyer.fills_in("25", recipient_email="", recipient_name="", message="", deliver_on="9999-12-31")
    buyer.puts_it_into_the_basket()
    expect(page.locator("#id_deliver_on_error li")).to_have_count(1)
    page.locator('[name="deliver_on"]').fill(day(1))
    buyer.puts_it_into_the_basket()  # a day, but no address to send it to
    expect(page.locator("#id_deliver_on_error li")).to_have_count(1)
    page.locator('[name="deliver_on"]').fill("")
    buyer.puts_it_into_the_basket()
    buyer.has_in_the_basket("25.00")
    buyer.leaves()


def test_a_card_that_fails_leaves_no_gift_voucher_and_a_full_basket(demo, reader, visitor):
    reader.opens_gift_page()
    reader.fills_in("25")
    reader.puts_it_into_the_basket()
    reader.goes_to_the_checkout()
    assert reader.order(card="declined") == ""
    reader.is_told_by_the_page(
        "Your card was declined. Nothing was taken from it or from your gift vouchers."
    )
    reader.page.locator(".order-form .button--main").click()
    reader.page.locator('[name="card"]').select_option("fails")
    reader.page.locator(".order-form .button--main").click()
    reader.page.wait_for_url("**/basket/")
    reader.is_told_by_the_page(
        "The card could not be charged. Nothing was taken, and the order is cancelled."
    )
    reader.has_in_the_basket("25.00")

    reader.goes_to_the_checkout()
    number = reader.order(card="works")
    reader.page.locator(".vpg-sold-link").click()
    code = reader.page.locator(".vpg-big").first.inner_text()
    clerk = visitor()
    Clerk(clerk, number)
    press(clerk, "cancel")
    expect(clerk.locator("h1 .badge--cancelled")).to_be_visible()
    expect(clerk.locator(".figure-card-back dd")).to_have_text("€25.00")
    assert status_in_the_cloud(demo, code) != "active"


def test_only_the_own_gift_vouchers_are_topped_up(reader):
    for wanted in ("1", "0", "-1", "x", "9" * 30):
        reader.page.goto(f"/gift/?top_up={wanted}")
        expect(reader.page.locator(".message--error")).to_have_count(1)
        expect(reader.page.locator(".gift-form")).to_have_count(0)
