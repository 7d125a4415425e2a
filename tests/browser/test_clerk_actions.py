"""A clerk acts, on a phone, in German: charges, refunds, takes off, withdraws, decides, explains, sends again, takes
back; another one approves. Each is stated first, and a double click does it once."""

import sqlite3
import uuid
from contextlib import closing

import pytest

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright.sync_api import expect

from tests.browser.buyer import Buyer
from tests.browser.conftest import DESKTOP
from tests.browser.customer import LOOKS
from tests.browser.pages import enter_voucher, go_to_checkout, place_order
from tests.browser.test_clerk import FOLDER, LEFT_TO_A_PERSON, PHONE, expect_it_is_good

SECOND = """
INSERT OR IGNORE INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                                 date_joined)
SELECT password, 1, 'senior', '', '', '', 1, 1, date_joined FROM auth_user WHERE username = 'staff'
"""

OF_A_TILL = """
INSERT INTO voucher_payment_gateway_voucherdifference (
    kind, account, voucher_id, code_hint, remote_id, booking_type, client_id, reference, order_number, amount_theirs,
    currency, sentence, first_seen_at, last_seen_at, explained_by, explanation)
SELECT 'theirs_only', account, voucher_id, code_hint, order_number, 'charge', 'till', 'TILL-7', order_number, '2.00',
    currency, 'booked elsewhere', created_at, created_at, '', ''
FROM voucher_payment_gateway_voucherpayment WHERE order_number = ?
"""


def write(demo, statement, *values):
    with closing(sqlite3.connect(demo.folder / "shop.sqlite3", timeout=20)) as database, database:
        database.execute(statement, values)


def log_in(page, name):
    """Log in to the admin; all members of the demo's staff have one password."""
    page.goto("/admin/login/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill("staff")
    page.locator("input[type=submit]").click()


def open_order(page, number):
    page.goto(f"{FOLDER}/order/?number={number}")


def act(page, title, button, *, reason="Anruf der Kundin", clicks=1, **fields):
    """Follow a button, read the page, enter a reason, and confirm."""
    page.get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    for name, value in fields.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=reason]").fill(reason)
    expect_it_is_good(page)
    page.get_by_role("button", name=button).click(click_count=clicks, delay=50)


def expect_told(page, *sentences):
    for sentence in sentences:
        expect(page.locator(".messagelist")).to_contain_text(sentence)


def pay(demo, customer, *teas):
    """Pay an order by a voucher of 20.00."""
    code = demo.cloud.voucher("20.00")
    go_to_checkout(customer, *teas)
    enter_voucher(customer, code)
    return code, place_order(customer)


def test_a_clerk_charges_and_refunds_and_another_one_approves(demo, visitor, picture):
    clerk, senior = visitor(PHONE), visitor(DESKTOP)
    code, number = pay(demo, visitor(), "First Flush", "Jasmine Pearls")
    log_in(clerk, "staff")
    open_order(clerk, number)
    act(clerk, "Von den Gutscheinen abbuchen", "Jetzt abbuchen")
    expect_told(clerk, "Abgebucht wurden 20,00\xa0€.")
    clerk.get_by_role("link", name="Auf die Gutscheine erstatten").click()
    expect(clerk.locator("[name=amount]")).to_have_value("20,00")
    picture(clerk, "clerk-refund-phone-de")
    clerk.go_back()
    act(clerk, "Auf die Gutscheine erstatten", "Jetzt erstatten", amount="7,35", clicks=2)
    expect(clerk.locator(".messagelist")).to_be_visible()
    refunded = clerk.get_by_text("wurden 7,35\xa0€ zurückgebucht")
    for _ in range(50):  # the answer to the second click may come while the first one is still at work
        if refunded.count():
            break
        open_order(clerk, number)
    expect(refunded).to_have_count(1)
    assert demo.cloud.figures(code) == ("7.35", [("charge", "20.00"), ("refund", "7.35")])

    act(clerk, "Auf die Gutscheine erstatten", "Jetzt erstatten", amount="5")
    expect_told(clerk, "Ihre Bitte ist vermerkt, und noch ist nichts geschehen: 5,00\xa0€")
    expect(clerk.get_by_role("link", name="freigeben oder ablehnen")).to_have_count(0)
    write(demo, SECOND)
    log_in(senior, "senior")
    senior.goto(f"{FOLDER}/attention/")
    expect(senior.get_by_text("Refunds that wait for a second person")).to_be_visible()
    waiting = senior.locator("section", has=senior.get_by_role("heading", name="Refunds that wait"))
    waiting.locator("li", has_text=number).get_by_role("link", name="Decide").click()
    senior.get_by_text("Approve it: €5.00 is refunded now.").click()
    senior.locator("[name=reason]").fill("seen the parcel")
    expect_it_is_good(senior)
    picture(senior, "clerk-approve")
    senior.get_by_role("button", name="Record the decision").click()
    expect_told(senior, "€5.00 was refunded.")
    assert demo.cloud.figures(code)[0] == "12.35"

    open_order(clerk, number)
    act(clerk, "Auf die Gutscheine erstatten", "Jetzt erstatten", amount="3")
    act(clerk, "Ihre Bitte", "Zurückziehen")
    expect_told(clerk, "Ihre Bitte ist zurückgezogen")
    assert demo.cloud.figures(code)[0] == "12.35"

    write(demo, LEFT_TO_A_PERSON, number)
    open_order(clerk, number)
    clerk.get_by_role("link", name="entscheiden").first.click()
    clerk.get_by_text("Keine davon").click()
    clerk.locator("[name=reason]").fill("steht nicht da")
    clerk.get_by_role("button", name="Entscheidung festhalten").click()
    expect_told(clerk, "Die Entscheidung ist vermerkt.")

    write(demo, OF_A_TILL, number)
    open_order(clerk, number)
    clerk.get_by_role("link", name="Abweichung").click()
    clerk.locator("[name=new_explanation]").fill("an der Kasse gebucht")
    clerk.locator("[name=_save]").click()
    open_order(clerk, number)
    expect(clerk.get_by_text("an der Kasse gebucht")).to_be_visible()


def test_a_clerk_takes_vouchers_off_and_looks_after_a_sold_one(demo, visitor):
    clerk, look = visitor(PHONE), LOOKS[0]
    code, number = pay(demo, visitor(), "First Flush", "Jasmine Pearls")
    log_in(clerk, "staff")
    open_order(clerk, number)
    act(clerk, "Gutscheine von der Bestellung nehmen", "Jetzt von der Bestellung nehmen")
    expect_told(clerk, "Die Gutscheine sind von der Bestellung genommen.")
    assert demo.cloud.figures(code) == ("20.00", [])

    buyer = Buyer(visitor(look.options), look)
    buyer.opens_gift_page()
    address = f"emma-{uuid.uuid4().hex[:8]}@example.com"
    buyer.fills_in("25", recipient_name="Emma", recipient_email=address, message="Hello")
    buyer.puts_it_into_the_basket()
    buyer.goes_to_the_checkout()
    open_order(clerk, buyer.order(card="works"))
    clerk.locator(".vpg-card-title a").click()
    act(clerk, "Gutschein erneut senden", "Jetzt senden", recipient_email=f"new-{address}")
    expect_told(clerk, "Der Gutschein wurde erneut gesendet.")
    assert demo.mail_to(f"new-{address}")
    act(clerk, "Gutschein zurücknehmen", "Jetzt zurücknehmen")
    expect_told(clerk, "Der Gutschein wurde zurückgenommen.")
