"""A customer of the example shop who buys gift vouchers: each action is one line of a test."""

from playwright.sync_api import expect

from tests.browser.customer import Customer


class Buyer(Customer):
    """A customer who buys gift vouchers."""

    def opens_gift_page(self):
        self.page.goto("/")
        self.page.locator('nav a[href="/gift/"]').click()

    def fills_in(self, amount, **fields):
        """Choose an amount, one of the page's or an own one, and fill in the other fields."""
        offered = self.page.locator(f'[name="amount"][value="{amount}"]')
        if offered.count():
            offered.check()
        else:
            self.page.locator('[name="amount"][value="own"]').check()
            fields["own_amount"] = amount
        for name, text in fields.items():
            self.page.locator(f'[name="{name}"]').fill(text)

    def puts_it_into_the_basket(self):
        self.page.locator(".gift-form .button--main").click()

    def goes_to_the_checkout(self):
        self.page.goto("/basket/")
        self.page.locator('form[action="/checkout/start/"] button').click()
        expect(self.page.locator(".vpg-sum--total")).to_be_visible()

    def has_in_the_basket(self, *amounts):
        expect(self.page.locator(".line-amount")).to_have_text([self.amount(amount) for amount in amounts])

    def opens_own_voucher(self):
        self.page.locator('nav a[href="/vouchers/mine/"]').click()
        self.page.locator(".vpg-own-more").first.click()

    def reads_balance(self, amount):
        expect(self.page.locator(".vpg-own-balance")).to_have_text(self.amount(amount))
