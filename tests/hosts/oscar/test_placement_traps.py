"""The traps of Oscar's checkout, each by its number and closed: orders are placed through Oscar's own views."""

from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections
from oscar.apps.order.exceptions import UnableToPlaceOrder
from oscar.core.loading import get_class, get_model

from tests.hosts.oscar.records import sources, steps
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderFacts

CODE = "GIFT-2000-ABCD"
TWENTY, THIRTY = Decimal("20.00"), Decimal("30.00")


@pytest.fixture
def voucher(oscar_shop):
    return oscar_shop.voucher("20.00", CODE)


@pytest.fixture
def visitor(oscar_shop, voucher):
    """A guest at the preview, with a voucher entered."""
    visitor = oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview()
    assert visitor.enter(CODE).status_code == 303
    return visitor


def fail(monkeypatch, path, name, error, method):
    """Let a method of one of Oscar's classes raise."""

    def raising(*_, **__):
        raise error

    monkeypatch.setattr(get_class(path, name), method, raising)


def basket_status(order_or_number):
    number = int(getattr(order_or_number, "number", order_or_number))
    return get_model("basket", "Basket").objects.get(pk=number - 100000).status


def payment():
    return VoucherPayment.objects.get()


@pytest.mark.parametrize("error", [UnableToPlaceOrder("no stock left"), RuntimeError("a bug")])
def test_1_an_order_that_cannot_be_placed_lets_go_of_its_vouchers(
    oscar_shop, visitor, voucher, monkeypatch, error
):
    with monkeypatch.context() as patch:
        fail(patch, "order.utils", "OrderCreator", error, "place_order")
        assert visitor.place(card="tok_1").status_code == 200

    assert not oscar_shop.orders.exists()
    assert payment().status == "cancelled"
    assert basket_status(payment().order_number) == "Open"
    # the voucher is free again, and the customer can place the order after all
    visitor.enter(CODE)
    assert visitor.place(card="tok_1").status_code == 302
    assert sources(oscar_shop.orders.get()) == [(TWENTY, 0, 0)]


def test_1_a_declined_card_keeps_the_vouchers_held(oscar_shop, visitor):
    response = visitor.place(card="declined")

    assert "The card was declined." in response.content.decode()
    assert payment().status == "authorized"
    assert visitor.place(card="tok_1").status_code == 302


def test_2_an_order_whose_confirmation_is_not_sent_is_placed_once(oscar_shop, visitor, monkeypatch):
    fail(
        monkeypatch,
        "order.utils",
        "OrderDispatcher",
        OSError("no mail server"),
        "send_order_placed_email_for_user",
    )

    response = visitor.place(card="tok_1")

    order = oscar_shop.orders.get()
    assert (response.status_code, response["Location"]) == (302, "/checkout/thank-you/")
    assert basket_status(order) == "Submitted"
    assert payment().confirmed_at is not None
    assert visitor.client.get("/checkout/thank-you/").context["order"] == order


def test_2_a_thawed_basket_that_is_placed_again_pays_nothing_again(oscar_shop, visitor, voucher, monkeypatch):
    """As a shop does it whose code after the order raises, or that was deployed in between."""
    checkout = visitor.client.session["checkout_data"]
    visitor.place(card="tok_1")
    order = oscar_shop.orders.get()
    order.basket.thaw()
    session = visitor.client.session
    session["checkout_data"] = checkout
    session.save()
    oscar_shop.cloud.forget_requests()
    behind = get_class("checkout.views", "PaymentDetailsView").__mro__[2]
    monkeypatch.setattr(behind, "handle_payment", lambda *_, **__: pytest.fail("the card was asked again"))

    response = visitor.place(card="tok_2")

    assert (response.status_code, response["Location"]) == (302, "/checkout/thank-you/")
    assert oscar_shop.orders.get() == order
    assert basket_status(order) == "Submitted"
    assert oscar_shop.cloud.requests == []
    assert sources(order) == [(TWENTY, 0, 0)]
    assert sources(order, "Card") == [(10, 0, 0)]


def test_2_code_of_the_shop_that_fails_after_the_order_leaves_it_placed(oscar_shop, visitor, monkeypatch):
    fail(monkeypatch, "checkout.views", "PaymentDetailsView", RuntimeError("a receiver"), "send_signal")

    response = visitor.place(card="tok_1")

    assert response["Location"] == "/checkout/thank-you/"
    assert payment().status == "authorized"
    assert basket_status(oscar_shop.orders.get()) == "Submitted"


def test_3_what_the_customer_can_mend_is_said_on_the_payment_page(oscar_shop, visitor, voucher, later):
    """The customer was away for an hour, and the voucher was spent at a till."""
    later(minutes=50)
    oscar_shop.spend_at_a_till(CODE, "20.00")

    response = visitor.place(card="tok_1")

    assert response.template_name == ["voucher_payment_gateway/oscar/payment_details.html"]
    assert "was used elsewhere meanwhile" in response.content.decode()
    assert not oscar_shop.orders.exists()
    assert visitor.place(card="tok_1").status_code == 302
    assert sources(oscar_shop.orders.get(), "Card") == [(30, 0, 0)]


def test_6_a_code_is_posted_to_a_view_of_its_own_and_is_not_in_the_session(oscar_shop, visitor):
    assert visitor.client.post("/checkout/payment-details/", {"code": CODE}).status_code == 400
    session = dict(visitor.client.session.items())
    assert CODE not in repr(session)
    assert session["checkout_data"]["voucher_payment_gateway"]["order"]["number"] == payment().order_number


def test_6_a_form_of_another_site_enters_nothing(oscar_shop, voucher):
    visitor = oscar_shop.visitor(enforce_csrf_checks=True)
    assert visitor.client.post("/gift-vouchers/apply/", {"code": CODE}).status_code == 403
    assert not VoucherPayment.objects.exists()


def test_6_a_voucher_is_taken_off_again(oscar_shop, visitor):
    response = visitor.client.post(
        "/gift-vouchers/remove/", {"payment": payment().pk, "next": "/checkout/preview/"}
    )

    assert response["Location"] == "/checkout/preview/"
    assert payment().status == "cancelled"
    assert visitor.place(card="tok_1").status_code == 302
    assert sources(oscar_shop.orders.get()) == []


def test_guesses_are_throttled(oscar_shop, gateway_settings):
    gateway_settings(THROTTLE={"refusal_seconds": 0, "session": "2/h"})
    visitor = oscar_shop.visitor().buy(oscar_shop.product()).to_preview()
    headers = {"Accept": "application/json"}
    answers = [
        visitor.client.post(
            "/gift-vouchers/apply/", {"code": f"WRONG-{number}-ABCD"}, headers=headers
        ).status_code
        for number in range(4)
    ]
    assert answers[0] == 422
    assert answers[-1] == 429


if connection.vendor == "postgresql":  # on SQLite a request may find the database locked by the other one

    def test_a_double_click_places_one_order(oscar_shop, visitor, voucher, monkeypatch):
        """Both requests have read the open basket before either freezes it."""
        view = get_class("checkout.views", "PaymentDetailsView")
        submit, meet = view.submit, Barrier(2, timeout=60)

        def submit_together(self, *args, **kwargs):
            meet.wait()
            return submit(self, *args, **kwargs)

        monkeypatch.setattr(view, "submit", submit_together)
        responses = []

        def click():
            try:
                responses.append(visitor.place(card="tok_1"))
            finally:
                connection.close()

        clicks = [Thread(target=click) for _ in range(2)]
        for each in clicks:
            each.start()
        for each in clicks:
            each.join()

        order = oscar_shop.orders.get()
        assert "/checkout/thank-you/" in [each.get("Location") for each in responses]
        held = VoucherPayment.objects.get(status="authorized")
        assert held.confirmed_at is not None
        assert sources(order) == [(TWENTY, 0, 0)]
        assert sources(order, "Card") == [(10, 0, 0)]


def test_a_second_click_that_finds_the_basket_frozen_does_nothing(oscar_shop, visitor, monkeypatch):
    """The first one is still placing the order, and its own failure would be its own affair."""
    view = get_class("checkout.views", "PaymentDetailsView")
    submit = view.submit

    def first_click_meanwhile(self, user, basket, *args, **kwargs):
        get_model("basket", "Basket").objects.filter(pk=basket.pk).update(status="Frozen")
        return submit(self, user, basket, *args, **kwargs)

    monkeypatch.setattr(view, "submit", first_click_meanwhile)
    monkeypatch.setattr(view.__mro__[2], "handle_payment", lambda *_, **__: pytest.fail("it was asked again"))

    response = visitor.place(card="tok_1")

    assert response["Location"] == "/catalogue/"
    assert payment().status == "authorized"
    assert basket_status(payment().order_number) == "Frozen"


def test_two_tabs_the_one_that_shows_less_than_is_due_places_nothing(oscar_shop, visitor):
    """One tab shows 10.00 for the card; in the other one a second teapot came into the basket."""
    shown = visitor.client.get("/checkout/preview/").context["voucher_due"]
    visitor.buy(oscar_shop.product("30.00", title="Second"))

    response = visitor.place(card="tok_1", gift_voucher_due=f"{shown:.2f}")

    assert shown == Decimal("10.00")
    assert "cover less of your order now" in response.content.decode()
    assert not oscar_shop.orders.exists()
    assert visitor.place(card="tok_1", gift_voucher_due="40.00").status_code == 302
    assert sources(oscar_shop.orders.get(), "Card") == [(40, 0, 0)]


def test_a_hold_that_was_stolen_before_the_placement_is_made_again(oscar_shop, visitor, voucher):
    """Another shop has reserved the same voucher, and its reservation replaced ours; the money is still there."""
    stolen = payment().reservation_id
    gateway.authorize(OrderFacts("another-order", THIRTY, "EUR"), CODE)
    assert VoucherPayment.objects.get(pk=payment_of(oscar_shop, visitor).pk).status == "lapsed"

    assert visitor.place(card="tok_1").status_code == 302

    order = oscar_shop.orders.get()
    assert order.sources.get(source_type__name="Gift voucher").reference not in ("", stolen)
    assert sources(order) == [(TWENTY, 0, 0)]


def payment_of(shop, visitor):
    number = visitor.client.session["checkout_data"]["voucher_payment_gateway"]["order"]["number"]
    return VoucherPayment.objects.get(order_number=number)


def test_a_hold_that_lapsed_before_the_placement_is_made_again(oscar_shop, visitor, later):
    old = payment().reservation_id
    later(minutes=50)

    assert visitor.place(card="tok_1").status_code == 302

    assert payment().reservation_id != old
    assert steps(oscar_shop.orders.get()) == [("Authorise", TWENTY)]


def test_9_nothing_of_it_is_called_like_the_discount_codes_of_oscar(oscar_shop, visitor):
    assert apps.get_app_config("voucher_gateway_oscar").name == "voucher_payment_gateway.hosts.oscar"
    assert apps.get_app_config("voucher").name == "oscar.apps.voucher"
    page = visitor.client.get("/checkout/preview/").content.decode()
    block = page[
        page.index('<section class="vpg"') : page.index("</section>", page.index('<section class="vpg"'))
    ]
    assert "Gift voucher" in block
    assert "Redeem" in visitor.client.get("/checkout/preview/").content.decode()
    words = block.replace("vpg-", "").lower().replace("gift voucher", "").replace("gift-voucher", "")
    assert ">voucher" not in words


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.mark.usefixtures("atomic_requests")
def test_6_a_request_in_a_transaction_places_the_order(oscar_shop, visitor, voucher):
    assert visitor.place(card="tok_1").status_code == 302

    assert payment().confirmed_at is not None
    assert sources(oscar_shop.orders.get()) == [(TWENTY, 0, 0)]
    assert oscar_shop.bookings(voucher) == []


@pytest.mark.usefixtures("atomic_requests")
def test_6_a_request_that_is_rolled_back_moves_no_money(oscar_shop, visitor, voucher, monkeypatch):
    """The order is gone with the transaction; what was reserved before it is held as before it."""
    visitor.client.raise_request_exception = False
    with monkeypatch.context() as patch:
        fail(patch, "checkout.views", "PaymentDetailsView", KeyboardInterrupt(), "get_success_url")
        with pytest.raises(KeyboardInterrupt):
            visitor.place(card="tok_1")

    assert not oscar_shop.orders.exists()
    assert oscar_shop.bookings(voucher) == []
    assert (payment().status, payment().confirmed_at) == ("authorized", None)
    assert visitor.place(card="tok_1").status_code == 302
    assert sources(oscar_shop.orders.get()) == [(TWENTY, 0, 0)]


@pytest.mark.usefixtures("atomic_requests")
def test_6_an_order_that_cannot_be_placed_in_a_transaction_lets_go_after_it(oscar_shop, visitor, monkeypatch):
    fail(monkeypatch, "order.utils", "OrderCreator", UnableToPlaceOrder("no stock left"), "place_order")

    assert visitor.place(card="tok_1").status_code == 200

    assert payment().status == "cancelled"


def test_7_the_rows_that_the_dashboard_needs_are_there_after_migrate(oscar_shop):
    kinds = [
        *get_model("order", "PaymentEventType").objects.all(),
        *get_model("order", "ShippingEventType").objects.all(),
        *get_model("payment", "SourceType").objects.all(),
    ]
    names = sorted(kind.name for kind in kinds)
    assert names == ["Gift voucher", "Refunded", "Returned", "Settled", "Shipped"]
    for kind in kinds:
        kind.delete()

    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0)

    assert get_model("order", "PaymentEventType").objects.count() == 2
    assert sorted(each.code for each in get_model("order", "ShippingEventType").objects.all()) == [
        "returned",
        "shipped",
    ]
    assert get_model("payment", "SourceType").objects.get().code == "gift-voucher"


def test_8_no_app_of_ours_supersedes_one_of_oscar():
    labels = {
        config.label for config in apps.get_app_configs() if config.name.startswith("voucher_payment_gateway")
    }
    assert labels == {"voucher_payment_gateway", "voucher_gateway_oscar"}


def test_another_basket_lets_go_of_the_vouchers_of_the_earlier_one(oscar_shop, visitor):
    """A guest logs in, and Oscar merges the baskets: the order has another number then."""
    number = payment().order_number
    get_model("basket", "Basket").objects.all().update(status="Saved")
    visitor.buy(oscar_shop.product("30.00", title="Cup")).to_preview()

    assert VoucherPayment.objects.get(order_number=number).status == "cancelled"
    assert visitor.place(card="tok_1").status_code == 302
    assert sources(oscar_shop.orders.get()) == []


def test_an_order_of_another_basket_with_this_number_is_left_alone(oscar_shop):
    """As where orders were imported: Oscar places none under the number, and the earlier one keeps what it was paid."""
    order, voucher = oscar_shop.ordered("30.00")
    visitor = oscar_shop.visitor().buy(oscar_shop.product("10.00", title="Cup")).to_preview()
    number = str(100000 + get_model("basket", "Basket").objects.latest("pk").pk)
    VoucherPayment.objects.update(order_number=number)
    type(order).objects.update(number=number)
    oscar_shop.cloud.forget_requests()

    assert visitor.place().status_code == 200
    assert visitor.enter(CODE).status_code == 303
    assert oscar_shop.orders.count() == 1
    assert oscar_shop.cloud.requests == []
    assert (payment().status, payment().amount_authorized) == ("authorized", THIRTY)
    gateway.capture(oscar_shop.orders.get())
    assert oscar_shop.bookings(voucher) == [("charge", THIRTY)]
