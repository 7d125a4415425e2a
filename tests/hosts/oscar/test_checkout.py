import re
from decimal import Decimal
from itertools import count

from django.contrib.auth import get_user_model
from oscar.core.loading import get_class

from tests.hosts.oscar.records import sources, steps
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"
TWENTY, THIRTY = Decimal("20.00"), Decimal("30.00")


def test_a_guest_pays_with_two_vouchers_and_a_card(oscar_shop):
    order, first, second = oscar_shop.ordered("20.00", "5.00", card="tok_1")

    assert order.guest_email == "mara@example.com"
    assert sources(order) == [(TWENTY, 0, 0), (5, 0, 0)]
    assert sources(order, "Card") == [(5, 0, 0)]
    assert steps(order) == [("Authorise", TWENTY), ("Authorise", 5)]
    assert oscar_shop.bookings(first) == oscar_shop.bookings(second) == []


def test_the_payment_is_confirmed_when_the_order_row_is_there(oscar_shop):
    order, _ = oscar_shop.ordered("30.00")

    payment = VoucherPayment.objects.get()
    assert (payment.order_number, payment.status) == (order.number, "authorized")
    assert payment.confirmed_at >= order.date_placed
    assert payment.has_order_row
    assert order.sources.get().reference == payment.reservation_id


def test_a_customer_with_an_account_pays_with_a_voucher(oscar_shop):
    user = get_user_model().objects.create_user("mara", "mara@example.com", "secret")
    oscar_shop.voucher("30.00", CODE)
    visitor = oscar_shop.visitor(user=user).buy(oscar_shop.product("30.00")).to_preview()
    visitor.enter(CODE)

    assert visitor.place().status_code == 302

    assert oscar_shop.orders.get().user == user
    assert sources(oscar_shop.orders.get()) == [(THIRTY, 0, 0)]


def test_the_number_under_which_a_voucher_was_entered_is_that_of_the_order(oscar_shop, monkeypatch):
    """A shop whose numbers come from a sequence: each call gives another one."""
    numbers = count(7001)
    generator = get_class("order.utils", "OrderNumberGenerator")
    monkeypatch.setattr(generator, "order_number", lambda self, basket: f"W-{next(numbers)}")

    order, _ = oscar_shop.ordered("30.00")

    payment = VoucherPayment.objects.get()
    assert payment.order_number == order.number
    assert payment.confirmed_at is not None


def test_an_order_without_vouchers_takes_one_number_from_the_sequence(oscar_shop, monkeypatch):
    numbers = count(7001)
    generator = get_class("order.utils", "OrderNumberGenerator")
    monkeypatch.setattr(generator, "order_number", lambda self, basket: f"W-{next(numbers)}")

    order, *_ = oscar_shop.ordered(card="tok_1")

    assert order.number == "W-7001"


def test_the_page_shows_what_is_held_and_what_is_left(oscar_shop):
    oscar_shop.voucher("20.00", CODE)
    visitor = oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview()
    visitor.enter(CODE)

    for page in ("/checkout/preview/", "/checkout/payment-details/"):
        shown = visitor.client.get(page).content.decode()
        assert "…ABCD" in shown
        assert "/gift-vouchers/remove/" in shown
    assert (
        'name="gift_voucher_due" value="10.00"' in visitor.client.get("/checkout/preview/").content.decode()
    )
    assert visitor.state()["order"]["due"] == "10.00"


def test_a_german_customer_reads_of_a_geschenkgutschein(oscar_shop):
    """Oscar's German calls its discount codes Gutschein."""
    visitor = oscar_shop.visitor(headers={"accept-language": "de"}).buy(oscar_shop.product()).to_preview()
    page = visitor.client.get("/checkout/preview/").content.decode()

    block = page[
        page.index('<section class="vpg"') : page.index("</section>", page.index('<section class="vpg"'))
    ]
    assert "Geschenkgutschein" in block
    assert not re.search(r"\bGutschein", block)
