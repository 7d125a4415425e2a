"""A customer pays with gift vouchers, and errors occur: with scripts and without, in English and German, on a desktop
and on a phone."""

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.customer import LOOKS, OPPOSITE_LOOKS, Clerk, Customer
from voucher_payment_gateway.checkout.problems import FINER_PROBLEMS, NO_ORDER, THROTTLED, UNUSABLE

PICTURES = {"checkout", "checkout-phone-de", "checkout-problem", "order"}


@pytest.fixture(params=OPPOSITE_LOOKS, ids=lambda look: look.name)
def customer(request, visitor):
    shopper = Customer(visitor(request.param.options), request.param)
    yield shopper
    shopper.leaves()


@pytest.fixture
def reader(visitor):
    """A customer of the first look."""
    shopper = Customer(visitor(LOOKS[0].options), LOOKS[0])
    yield shopper
    shopper.leaves()


@pytest.fixture
def shot(picture, customer):
    """Save a screenshot for the documentation: in the first look, or in German on a phone."""

    def take(name):
        shown_as = {"desktop-en-script": name, "phone-de-script": f"{name}-phone-de"}.get(customer.look.name)
        if shown_as in PICTURES:
            picture(customer.page, shown_as)

    return take


def test_two_vouchers_and_a_rest_by_card(demo, customer, voucher, visitor, shot):
    first, second = voucher("20.00"), voucher("5.00", pin="2468")
    customer.go_to_checkout("first-flush", "jasmine-pearls")
    customer.sees(due="40.50")
    customer.finds_it_accessible()
    customer.enter(first)
    customer.sees("20.00", due="20.50")
    if customer.look.scripts:
        expect(customer.code_field).to_be_focused()

    expect(customer.page.locator(".vpg-field--pin")).to_be_hidden()
    customer.enter(second)
    customer.is_told(UNUSABLE.sentence)
    expect(customer.code_field).to_have_attribute("aria-invalid", "true")
    expect(customer.code_field).to_be_focused()
    expect(customer.page.locator(".vpg-field--pin")).to_be_visible()
    customer.finds_it_accessible()
    shot("checkout-problem")
    customer.enter(second, "2468")
    customer.sees("20.00", "5.00", due="15.50")
    customer.enter(f" {first} ")
    customer.sees("20.00", "5.00", due="15.50")
    expect(customer.page.locator("time.vpg-until")).to_have_count(2)
    customer.finds_it_accessible()
    shot("checkout")

    assert customer.order(card="declined") == ""
    customer.sees("20.00", "5.00", due="15.50")
    number = customer.order(card="works")
    assert demo.cloud.figures(first) == ("20.00", [])
    Clerk(visitor(), number).ships()
    assert demo.cloud.figures(first) == ("0.00", [("charge", "20.00")])
    assert demo.cloud.figures(second) == ("0.00", [("charge", "5.00")])
    customer.page.reload()
    expect(customer.page.locator(".figure-paid dd")).to_have_text(customer.amount("25.00"))
    expect(customer.page.locator(".figure-card dd")).to_have_text(customer.amount("15.50"))
    expect(customer.page.locator(".vpg-step--succeeded")).not_to_have_count(0)
    customer.finds_it_accessible()
    shot("order")


def test_guessing_ends_soon_and_the_checkout_goes_on(customer, voucher):
    customer.go_to_checkout("sencha")
    for number in range(5):
        customer.enter(f"GUESS-{number}")
        customer.is_told(UNUSABLE.sentence)
    customer.enter(voucher("20.00"))
    customer.is_told(THROTTLED.sentence)
    customer.sees(due="14.90")
    customer.finds_it_accessible()
    assert customer.order()


def test_two_tabs_and_two_orders_share_no_voucher(demo, customer, voucher, visitor):
    code, other = voucher("20.00"), Customer(visitor(), LOOKS[0])
    customer.go_to_checkout("jasmine-pearls")
    second_tab = customer.another_tab()
    second_tab.page.goto("/checkout/")
    for tab in (customer, second_tab):
        tab.enter(code)
        tab.sees("20.00", due="2.00")
    assert customer.order()
    second_tab.page.evaluate("document.querySelector('.vpg-remove').requestSubmit()")
    expect(second_tab.page.locator(".message").first).to_contain_text(customer.words(NO_ORDER.sentence))
    assert demo.cloud.held(code) == "20.00"

    other.go_to_checkout("sencha")
    other.enter(code)
    other.is_told(FINER_PROBLEMS["promised_elsewhere"].sentence)
    other.sees(due="14.90")
    assert demo.cloud.held(code) == "20.00", "the order that was placed first keeps it"


def test_a_hold_that_ends_is_told_and_renewed(demo, customer, voucher):
    page, code = customer.page, voucher("20.00")
    customer.go_to_checkout("jasmine-pearls")
    customer.enter(code)
    demo.holds_end_in(-1)
    page.reload()
    ended = customer.words("No longer held; will be reserved again when you confirm")
    expect(page.locator(".vpg-voucher-state")).to_contain_text(ended)
    customer.finds_it_accessible()
    customer.submit(page.locator(".vpg-button--renew"))
    expect(page.locator("time.vpg-until")).to_be_visible()
    customer.sees("20.00", due="2.00")
    demo.holds_end_in(30)
    before = len(demo.cloud.reservations(code))
    assert customer.order()
    assert len(demo.cloud.reservations(code)) == before + 1


def test_a_gift_voucher_in_the_discount_field_is_understood(demo, customer, voucher):
    page, code = customer.page, voucher("20.00")
    customer.fill_basket("jasmine-pearls")
    page.goto("/basket/")
    customer.finds_it_accessible()

    def enter(text):
        page.goto("/basket/")
        page.locator("#id_discount").fill(text)
        page.locator(".discount-form button").click()

    enter("tea10")
    expect(page.locator(".total strong")).to_have_text(customer.amount("19.80"))
    enter("NO-SUCH-CODE")
    expect(page.locator(".message--error")).to_be_visible()
    enter(code)
    expect(page.locator(".message--success")).to_contain_text(customer.amount("19.80"))
    customer.sees("19.80", due="0.00")
    customer.finds_it_accessible()


def test_a_card_that_fails_at_the_end_gives_the_vouchers_back_once(demo, reader, voucher, visitor):
    codes = [voucher("5.00"), voucher("5.00")]
    reader.go_to_checkout("sencha")
    for code in codes:
        reader.enter(code)
    clerk = Clerk(visitor(), reader.order(card="fails"))
    expect(clerk.ships()).to_contain_text("The card could not be charged.")
    for code in codes:
        assert demo.cloud.figures(code) == ("5.00", [("charge", "5.00"), ("refund", "5.00")])
    expect(clerk.page.locator('form[action$="/ship/"]')).to_have_count(0)


def test_the_page_follows_a_hold_that_ends_while_it_is_read(demo, reader, voucher):
    reader.go_to_checkout("jasmine-pearls")
    reader.enter(voucher("20.00"))
    demo.holds_end_in(4)
    reader.page.reload()
    expect(reader.page.locator("time.vpg-until")).to_be_visible()
    expect(reader.page.locator(".vpg-voucher--run_out")).to_be_visible()
    expect(reader.page.locator("[data-vpg-live]")).to_contain_text("Still due")


def test_nothing_is_reloaded_and_the_rest_of_the_page_follows(reader, voucher):
    reader.go_to_checkout("jasmine-pearls")
    reader.page.evaluate("window.still = 'here'")
    reader.page.locator('[name="customer_name"]').fill("Ada Miller")
    reader.page.locator('[name="pay_rest"][value="card"]').check()
    code = voucher("20.00")
    reader.enter(code)
    expect(reader.page.locator("#rest legend")).to_have_text("Pay the rest: €2.00")
    expect(reader.page.locator('[name="pay_rest"][value="card"]')).to_be_checked()
    expect(reader.page.locator('[name="customer_name"]')).to_have_value("Ada Miller")
    reader.remove(code)
    reader.sees(due="22.00")
    assert reader.page.evaluate("window.still") == "here"


def test_it_is_usable_by_keyboard_alone(reader, voucher):
    keys = reader.page.keyboard
    reader.go_to_checkout("jasmine-pearls")
    reader.page.locator(".vpg-title").focus()
    keys.press("Tab")
    expect(reader.code_field).to_be_focused()
    keys.type(voucher("30.00", pin="2468"))
    keys.press("Tab")
    keys.press("Enter")
    keys.press("Tab")
    keys.type("2468")
    keys.press("Enter")
    reader.sees("22.00", due="0.00")
    reader.waits()
    expect(reader.page.locator(".vpg-title")).to_be_focused()
    expect(reader.page.locator("[data-vpg-live]")).to_contain_text("Nothing is left to pay.")
    keys.press("Tab")
    keys.press("Enter")
    reader.sees(due="22.00")
    reader.waits()
    expect(reader.code_field).to_be_focused()


def test_a_customer_who_waits_is_told_so_and_asks_once(reader, voucher):
    held = []
    reader.go_to_checkout("jasmine-pearls")
    reader.page.route("**/vouchers/apply/", lambda route: held.append(route))
    reader.code_field.fill(voucher("20.00"))
    for _ in range(3):
        reader.code_field.press("Enter")
    expect(reader.page.locator("[data-vpg-live]")).to_have_text("Being checked, please wait a moment")
    held[0].continue_()
    reader.sees("20.00", due="2.00")
    assert len(held) == 1


def test_where_the_script_meets_trouble_the_form_is_sent_in_the_ordinary_way(reader, voucher):
    def without_script(route):
        scripted = "voucher-fragment" in route.request.headers
        route.abort() if scripted else route.continue_()

    reader.go_to_checkout("jasmine-pearls")
    reader.page.route("**/vouchers/apply/", without_script)
    reader.code_field.fill(voucher("20.00"))
    reader.code_field.press("Enter")
    reader.sees("20.00", due="2.00")
    expect(reader.page.locator(".message--success")).to_contain_text("is held for you")


def test_what_was_typed_is_kept_by_the_page_alone(reader):
    reader.go_to_checkout("sencha")
    reader.enter("ALMOST-RIGHT")
    expect(reader.code_field).to_have_value("ALMOST-RIGHT")
    assert "ALMOST-RIGHT" not in reader.page.content()
    reader.page.goto("/")
    reader.page.go_back()
    expect(reader.code_field).to_have_value("")


@pytest.mark.parametrize("look", [look for look in LOOKS if look.scripts], ids=lambda look: look.name)
def test_every_page_of_the_shop_is_accessible(visitor, look):
    customer = Customer(visitor(look.options), look)
    for address in ("/", "/basket/", "/staff/login/"):
        customer.page.goto(address)
        customer.finds_it_accessible()
    customer.go_to_checkout("sencha")
    clerk = Clerk(customer.page, customer.order())
    customer.finds_it_accessible()
    clerk.page.goto("/staff/")
    customer.finds_it_accessible()


def test_the_shop_kept_no_code(demo, voucher, reader):
    """The last test of the file: it searches for the codes of all the others."""
    reader.go_to_checkout("sencha")
    reader.enter(voucher("2.00"))
    reader.enter(voucher("2.00", pin="90817263"), "90817264")
    kept = demo.kept()
    assert b"/vouchers/apply/" in kept
    assert [text for text in [*demo.cloud.codes, "9081726"] if text.encode() in kept] == []
