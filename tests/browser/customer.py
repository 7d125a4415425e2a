"""A customer of the example shop in one of eight looks: each action and each expectation is one line of a test."""

import itertools
import re
from decimal import Decimal
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from django.utils import translation
from playwright.sync_api import expect

from voucher_payment_gateway.checkout.wording import amount_text

DESKTOP, PHONE = {"width": 1200, "height": 800}, {"width": 390, "height": 844}


class Look(NamedTuple):
    """Viewport, language, and whether JavaScript runs."""

    name: str
    viewport: dict[str, int]
    language: str
    scripts: bool

    @property
    def options(self):
        locale = {"de": "de-DE", "en": "en-GB"}[self.language]
        return {"viewport": self.viewport, "locale": locale, "java_script_enabled": self.scripts}


LOOKS = [
    Look(f"{width}-{language}-{'script' if scripts else 'plain'}", viewport, language, scripts)
    for (width, viewport), language, scripts in itertools.product(
        [("desktop", DESKTOP), ("phone", PHONE)], ["en", "de"], [True, False]
    )
]

OPPOSITE_LOOKS = [LOOKS[0], LOOKS[-1]]
"""Two looks that have nothing in common: each viewport, each language, with and without JavaScript."""


class Customer:
    """A visitor with a page of the shop; texts and amounts are expected in the customer's language."""

    def __init__(self, page, look):
        self.page, self.look, self.complaints, self._copy = page, look, [], None
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message):
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            self.complaints.append(message.text)

    def another_tab(self):
        return Customer(self.page.context.new_page(), self.look)

    def opens_checkout(self):
        self.page.goto("/checkout/")

    def words(self, text):
        with translation.override(self.look.language):
            return translation.gettext(str(text)) if isinstance(text, str) else str(text)

    def amount(self, amount):
        with translation.override(self.look.language):
            return amount_text(Decimal(amount), "EUR")

    def is_told(self, text):
        """Expect a message, once: in the block with scripts, and without them at the field or among the messages of the
        page."""
        sentence = self.words(text)
        place = ".vpg-problem, .vpg-notice" if self.look.scripts else ".vpg-problem, .vpg-notice, .message"
        told = self.page.locator(place).filter(has_text=sentence)
        expect(told.first).to_be_visible()
        expect(told).to_have_count(1)
        if self.look.scripts:
            expect(self.page.locator("[data-vpg-live]")).to_contain_text(sentence)

    def is_told_by_the_page(self, text):
        expect(self.page.locator(".message").filter(has_text=self.words(text)).first).to_be_visible()

    def reads_page(self, text):
        """Expect a message on a separate page in the customer's language."""
        expect(self.page.locator("main")).to_contain_text(self.words(text))
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile(self.look.language))

    def sees(self, *vouchers, due):
        """Expect the amounts of the order's gift vouchers, and the amount still due."""
        expect(self.page.locator(".vpg-voucher .vpg-amount")).to_have_text([self.amount(a) for a in vouchers])
        expect(self.page.locator(".vpg-sum--due dd")).to_have_text(self.amount(due))
        if vouchers:
            covered = self.amount(sum(map(Decimal, vouchers)))
            expect(self.page.locator(".vpg-sum--covered dd")).to_have_text(f"−{covered}")

    def finds_it_accessible(self):
        """Expect no violation of axe-core's rules (with WCAG AA contrast), and no horizontal scrolling."""
        sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(sideways) == 0
        found = Axe().run(self.page if self.look.scripts else self._where_scripts_run())
        assert found.violations_count == 0, found.generate_report()

    def _where_scripts_run(self):
        """Return a copy of the page with scripts enabled, for axe-core, and without the page's own scripts."""
        if self._copy is None:
            options = {"viewport": self.look.viewport, "bypass_csp": True}
            self._copy = self.page.context.browser.new_context(**options).new_page()
        html = re.sub(r"<script.*?</script>", "", self.page.content(), flags=re.DOTALL)
        self._copy.set_content(html.replace("<head>", f'<head><base href="{self.page.url}">', 1))
        return self._copy

    def leaves(self):
        if self._copy:
            self._copy.context.close()
        assert self.complaints == []

    def fill_basket(self, *teas):
        self.page.goto("/")
        for tea in teas:
            self.page.locator(f'form[action="/basket/add/{tea}/"] button').click()
            expect(self.page.locator(".message--success")).to_be_visible()

    def go_to_checkout(self, *teas):
        self.fill_basket(*teas)
        self.page.goto("/basket/")
        self.page.locator('form[action="/checkout/start/"] button').click()
        expect(self.page.locator(".vpg")).to_be_visible()

    @property
    def code_field(self):
        return self.page.locator(".vpg-field--code input")

    def enter(self, code, pin=""):
        self.code_field.fill(code)
        if pin:
            if self.page.locator("details.vpg-pin").get_attribute("open") is None:
                self.page.locator("details.vpg-pin summary").click()
            self.page.locator(".vpg-field--pin input").fill(pin)
        self.submit(self.page.locator(".vpg-button--apply"))

    def submit(self, button):
        """Press a button of the block and wait for the response."""
        with self.page.expect_response(lambda response: "/vouchers/" in response.url):
            button.click()
        self.waits()

    def waits(self):
        expect(self.page.locator(".vpg")).not_to_have_attribute("aria-busy", "true")

    def remove(self, code):
        self.submit(self.page.locator(".vpg-button--remove").filter(has_text=f"…{code[-4:]}"))

    def order(self, *, card=""):
        """Place the order and return its number."""
        self.page.locator('[name="customer_name"]').fill("Ada Miller")
        if card:
            self.page.locator('[name="pay_rest"][value="card"]').check()
            self.page.locator('[name="card"]').select_option(card)
        self.page.locator(".order-form .button--main").click()
        self.page.wait_for_url(re.compile(r"/orders/|/checkout/$"))
        found = re.search(r"/orders/(T-\d+)/", self.page.url)
        return found[1] if found else ""


class Clerk:
    """A member of the staff, who ships orders."""

    def __init__(self, page, number):
        self.page = page
        page.goto(f"/staff/orders/{number}/")
        for name in ("username", "password"):
            page.locator(f'[name="{name}"]').fill("staff")
        page.locator("form.slim .button--main").click()
        expect(page.locator("h1")).to_contain_text(number)

    def ships(self):
        self.page.locator('form[action$="/ship/"] button').click()
        return self.page.locator(".message")
