"""A customer pays with gift vouchers, a clerk ships, refunds and cancels: exact to the cent on both sides."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.pages import (
    enter_voucher,
    expect_it_fits,
    expect_payment,
    expect_story,
    expect_sums,
    fill_basket,
    go_to_checkout,
    log_in_as_staff,
    place_order,
    remove_voucher,
)

UTC_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$")
NEUTRAL = (
    "This gift voucher cannot be redeemed. Please check the code and the PIN. Nothing was taken from it."
)


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["desktop", "phone without JavaScript"])
def test_a_voucher_pays_a_part_and_the_return_of_a_part_goes_back(demo, visitor, picture, look):
    code = demo.cloud.voucher("20.00")
    page, clerk = visitor(look), visitor(look)
    keep = picture if look is DESKTOP else lambda *_: None

    go_to_checkout(page, "First Flush", "Jasmine Pearls")
    expect_sums(page, total="€40.50", due="€40.50")
    enter_voucher(page, code)
    expect(page.locator(".vpg-voucher")).to_contain_text(f"Gift voucher …{code[-4:]}")
    expect(page.locator("time.vpg-until")).to_have_attribute("datetime", UTC_INSTANT)
    expect_sums(page, total="€40.50", covered="−€20.00", due="€20.50")
    expect(page.get_by_role("radio", name="On collection")).to_be_checked()
    assert demo.cloud.held(code) == "20.00"
    expect_it_fits(page)

    number = place_order(page)
    expect_payment(page, held="€20.00", due="€20.50")
    assert demo.cloud.figures(code) == ("20.00", [])

    log_in_as_staff(clerk, number)
    clerk.get_by_role("button", name="Ship").click()
    expect(clerk.get_by_text(f"Order {number} is shipped.")).to_be_visible()
    expect_payment(clerk, paid="€20.00", due="€20.50")
    assert demo.cloud.figures(code) == ("0.00", [("charge", "20.00")])

    clerk.get_by_label("Amount to give back").fill("7.35")
    clerk.get_by_role("button", name="Take the return").click()
    expect_payment(clerk, paid="€20.00", back="€7.35", due="€20.50")
    assert demo.cloud.figures(code) == ("7.35", [("charge", "20.00"), ("refund", "7.35")])
    expect_it_fits(clerk)
    keep(clerk, "staff-order")

    page.reload()
    expect_story(
        page,
        f"€20.00 reserved on gift voucher …{code[-4:]}",
        f"€20.00 paid with gift voucher …{code[-4:]}",
        f"€7.35 returned to gift voucher …{code[-4:]}",
    )
    expect_it_fits(page)


def test_a_return_of_everything_ends_the_order(demo, visitor):
    code = demo.cloud.voucher("50.00")
    page, clerk = visitor(), visitor()
    go_to_checkout(page, "Sencha")
    enter_voucher(page, code)
    expect_sums(page, total="€14.90", covered="−€14.90", due="€0.00")
    expect(page.get_by_label("Gift voucher code")).to_have_count(0)
    number = place_order(page)
    log_in_as_staff(clerk, number)
    clerk.get_by_role("button", name="Ship").click()
    clerk.get_by_role("button", name="Take the return").click()
    expect(clerk.locator("h1 .badge")).to_have_text("Returned")
    assert demo.cloud.figures(code) == ("50.00", [("charge", "14.90"), ("refund", "14.90")])


def test_a_cancelled_order_leaves_the_voucher_whole(demo, visitor):
    code = demo.cloud.voucher("20.00")
    page, clerk = visitor(), visitor()
    go_to_checkout(page, "Mountain Oolong")
    enter_voucher(page, code)
    number = place_order(page)
    log_in_as_staff(clerk, number)
    clerk.get_by_role("button", name="Cancel the order").click()
    expect(clerk.locator("h1 .badge")).to_have_text("Cancelled")
    expect(clerk.locator(".figure-held")).to_have_count(0)
    assert demo.cloud.figures(code) == ("20.00", [])


def test_every_unusable_code_reads_the_same(demo, visitor):
    page = visitor()
    with_pin = demo.cloud.voucher("20.00", pin="2468")
    go_to_checkout(page, "Sencha")
    for code, pin in [
        ("NO-SUCH-CODE", ""),
        (demo.cloud.voucher("5.00", status="inactive"), ""),
        (with_pin, "1"),
    ]:
        enter_voucher(page, code, pin)
        expect(page.locator(".vpg-problem")).to_have_text(NEUTRAL)
        expect(page.locator(".vpg-voucher")).to_have_count(0)
    enter_voucher(page, with_pin, "2468")
    expect_sums(page, total="€14.90", covered="−€14.90", due="€0.00")


def test_a_voucher_can_be_taken_off_and_another_be_added(demo, visitor):
    first, second, nearly_empty = (demo.cloud.voucher(amount) for amount in ("20.00", "5.00", "0.35"))
    page = visitor()
    go_to_checkout(page, "Mountain Oolong")
    enter_voucher(page, first)
    remove_voucher(page, first)
    expect(page.locator(".vpg-notice")).to_contain_text("was taken off your order")
    expect_sums(page, total="€26.40", due="€26.40")
    enter_voucher(page, second)
    enter_voucher(page, nearly_empty)
    expect(page.locator(".vpg-voucher .vpg-amount")).to_have_text(["€5.00", "€0.35"])
    expect_sums(page, covered="−€5.35", due="€21.05")


def test_the_checkout_follows_the_basket(demo, visitor):
    code = demo.cloud.voucher("20.00")
    page = visitor()
    go_to_checkout(page, "Sencha")
    enter_voucher(page, code)
    expect_sums(page, due="€0.00")
    fill_basket(page, "Lemon Verbena")
    page.goto("/checkout/")
    expect_sums(page, total="€23.50", covered="−€20.00", due="€3.50")
    assert demo.cloud.held(code) == "20.00"

    page.goto("/basket/")
    page.get_by_label("Quantity of Sencha").fill("0")
    page.get_by_role("button", name="Change quantity of Sencha").click()
    page.goto("/checkout/")
    expect_sums(page, total="€8.60", covered="−€8.60", due="€0.00")
    assert demo.cloud.held(code) == "8.60"
    place_order(page)


def test_an_outdated_page_places_no_order(demo, visitor):
    page = visitor()
    go_to_checkout(page, "Sencha")
    other_tab = page.context.new_page()
    fill_basket(other_tab, "Earl Grey")
    page.get_by_label("Your name").fill("Ada Miller")
    page.get_by_role("button", name="Place the order").click()
    expect(page.locator(".message--error")).to_contain_text("Your order has changed meanwhile.")
    expect_sums(page, total="€26.40")
    number = place_order(page)
    other_tab.goto("/checkout/")
    expect(other_tab.get_by_text("There is no order to pay yet")).to_be_visible()
    assert number.startswith("T-")


def test_an_order_is_shown_to_its_customer_alone(demo, visitor):
    page, stranger = visitor(), visitor()
    go_to_checkout(page, "Sencha")
    number = place_order(page)
    assert stranger.goto(f"/orders/{number}/").status == 404
    stranger.goto(f"/staff/orders/{number}/")
    expect(stranger.get_by_role("heading", name="Staff login")).to_be_visible()


def test_addresses_that_change_something_cannot_be_opened(demo, visitor):
    page = visitor()
    for path in ("/vouchers/apply/", "/vouchers/remove/", "/checkout/confirm/", "/checkout/start/"):
        assert page.request.get(path).status == 405


def test_a_wrong_amount_is_refused_and_returns_nothing(demo, visitor):
    code = demo.cloud.voucher("20.00")
    page, clerk = visitor(), visitor()
    go_to_checkout(page, "Jasmine Pearls")
    enter_voucher(page, code)
    log_in_as_staff(clerk, place_order(page))
    clerk.get_by_role("button", name="Ship").click()
    for amount in ("12,5", "0", "-1", "1.005", "NaN", "20.01"):
        clerk.get_by_label("Amount to give back").fill(amount)
        clerk.get_by_role("button", name="Take the return").click()
        expect(clerk.locator(".message--error")).to_be_visible()
        expect(clerk.locator("h1 .badge")).to_have_text("Shipped")
    assert demo.cloud.figures(code) == ("0.00", [("charge", "20.00")])


def test_a_form_sent_twice_gives_back_once(demo, visitor):
    code = demo.cloud.voucher("20.00")
    page, clerk = visitor(), visitor()
    go_to_checkout(page, "Jasmine Pearls")
    enter_voucher(page, code)
    number = place_order(page)
    log_in_as_staff(clerk, number)
    clerk.get_by_role("button", name="Ship").click()
    second_tab = clerk.context.new_page()
    second_tab.goto(f"/staff/orders/{number}/")
    for tab in (clerk, second_tab):
        tab.get_by_label("Amount to give back").fill("5.00")
        tab.get_by_role("button", name="Take the return").click()
    expect(second_tab.get_by_text("Something was given back meanwhile.")).to_be_visible()
    assert demo.cloud.figures(code) == ("5.00", [("charge", "20.00"), ("refund", "5.00")])


def test_an_order_placed_twice_is_one_order(demo, visitor):
    page = visitor()
    go_to_checkout(page, "Sencha")
    other_tab = page.context.new_page()
    other_tab.goto("/checkout/")
    number = place_order(page)
    other_tab.get_by_label("Your name").fill("Ada Miller")
    other_tab.get_by_role("button", name="Place the order").click()
    expect(other_tab).to_have_url(f"{demo.url}/orders/{number}/")


def test_an_emptied_basket_ends_the_checkout(demo, visitor):
    page = visitor()
    go_to_checkout(page, "Sencha")
    enter_voucher(page, demo.cloud.voucher("20.00"))
    expect(page.locator(".vpg-voucher")).to_have_count(1)
    page.goto("/basket/")
    page.get_by_label("Quantity of Sencha").fill("0")
    page.get_by_role("button", name="Change quantity of Sencha").click()
    expect(page.get_by_text("There is nothing in your basket yet.")).to_be_visible()
    go_to_checkout(page, "Earl Grey")
    expect_sums(page, total="€11.50", due="€11.50")


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["desktop", "phone without JavaScript"])
def test_a_declined_card_keeps_what_the_customer_has_chosen(demo, visitor, look):
    code, page = demo.cloud.voucher("5.00"), visitor(look)
    go_to_checkout(page, "Sencha")
    enter_voucher(page, code)
    page.get_by_label("Your name").fill("Ada Miller")
    page.locator('[name="pay_rest"][value="card"]').check()
    page.locator('[name="card"]').select_option("declined")
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("Ada Miller")
    expect(page.locator('[name="pay_rest"][value="card"]')).to_be_checked()
    expect(page.locator('[name="card"]')).to_have_value("declined")
    expect_sums(page, total="€14.90", covered="−€5.00", due="€9.90")
    page.locator('[name="card"]').select_option("works")
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_text("Your order is placed.")).to_be_visible()
    go_to_checkout(page, "Sencha")
    expect(page.get_by_label("Your name")).to_have_value("")


def test_a_voucher_that_is_entered_keeps_the_chosen_card(demo, visitor):
    page = visitor(DESKTOP)
    go_to_checkout(page, "Sencha")
    page.locator('[name="pay_rest"][value="card"]').check()
    page.locator('[name="card"]').select_option("fails")
    enter_voucher(page, demo.cloud.voucher("5.00"))
    expect_sums(page, due="€9.90")
    expect(page.locator('[name="pay_rest"][value="card"]')).to_be_checked()
    expect(page.locator('[name="card"]')).to_have_value("fails")


@pytest.mark.parametrize("look", [DESKTOP, PHONE], ids=["desktop", "phone without JavaScript"])
def test_a_voucher_that_was_spent_elsewhere_before_the_submit_says_what_happens_next(demo, visitor, look):
    code, page = demo.cloud.voucher("5.00"), visitor(look)
    go_to_checkout(page, "Sencha")
    enter_voucher(page, code)
    demo.cloud.spend(code, "5.00")
    demo.holds_end_in(-60)
    page.reload()
    page.get_by_label("Your name").fill("Ada Miller")
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_text("Your gift voucher was used elsewhere meanwhile")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ada Miller")
    expect_sums(page, total="€14.90", due="€14.90")
    place_order(page)
