"""Orders placed through the host's own REST views."""

import pytest

from tests.hosts.oscar_api_checkout.shop import cash, voucher


def test_one_voucher_pays_an_order(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher())

    assert answer.status_code == 200, answer.content
    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "30.00")})
    assert api_shop.payments == [("authorized", 30, 0)]
    assert api_shop.sources == [("Gift voucher", 30, 0, 0)]
    assert api_shop.confirmed == [True]


def test_two_vouchers_and_cash_pay_an_order(api_shop):
    api_shop.voucher("10.00", code="GIFT-A")
    api_shop.voucher("5.00", code="GIFT-B")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-B", "5.00"), cash=cash())

    assert buyer.states() == (
        "Authorized",
        {"v1": ("Consumed", "10.00"), "v2": ("Consumed", "5.00"), "cash": ("Consumed", "15.00")},
    )
    assert api_shop.payments == [("authorized", 10, 0), ("authorized", 5, 0)]
    assert api_shop.sources == [("Gift voucher", 10, 0, 0), ("Gift voucher", 5, 0, 0), ("Cash", 15, 15, 0)]


def test_a_voucher_that_holds_less_than_asked_leaves_the_rest_to_the_other_method(api_shop):
    api_shop.voucher("12.34")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher(amount="30.00"), cash=cash())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "12.34"), "cash": ("Consumed", "17.66")})


def test_a_voucher_that_should_pay_the_balance_and_cannot_is_declined_and_holds_nothing(api_shop):
    api_shop.voucher("12.34")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher())

    assert buyer.states() == ("Payment Declined", {"v1": ("Declined", "30.00")})
    assert api_shop.payments == [("cancelled", 0, 0)]
    assert "12.34" in buyer.message("v1")


def test_an_unusable_voucher_is_declined_and_says_why(api_shop):
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher("GIFT-NONE"))

    assert answer.status_code == 200, answer.content
    assert buyer.states() == ("Payment Declined", {"v1": ("Declined", "30.00")})
    assert "cannot be redeemed" in buyer.message("v1")
    assert api_shop.payments == []


def test_a_second_attempt_keeps_the_reservation_of_the_voucher_that_held(api_shop):
    api_shop.voucher("10.00", code="GIFT-A")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE"))
    reserved = api_shop.reservations

    buyer.checkout(v1=voucher("GIFT-A", "10.00"), cash=cash())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "10.00"), "cash": ("Consumed", "20.00")})
    assert api_shop.reservations == reserved
    assert api_shop.payments == [("authorized", 10, 0)]


def test_a_second_attempt_with_another_amount_voids_the_first_reservation(api_shop):
    api_shop.voucher("50.00", code="GIFT-A")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE"))

    buyer.checkout(v1=voucher("GIFT-A", "25.00"), cash=cash())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "25.00"), "cash": ("Consumed", "5.00")})
    assert api_shop.payments == [("cancelled", 0, 0), ("authorized", 25, 0)]
    assert api_shop.sources == [("Gift voucher", 0, 0, 0), ("Gift voucher", 25, 0, 0), ("Cash", 5, 5, 0)]
    assert api_shop.transactions("Void") == [10]


@pytest.mark.parametrize("payment", [{"cash": cash()}, {"v2": voucher("GIFT-B")}], ids=["cash", "voucher"])
def test_a_voucher_that_the_next_attempt_leaves_out_is_released(api_shop, payment):
    api_shop.voucher("10.00", code="GIFT-A")
    api_shop.voucher("30.00", code="GIFT-B")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE"))

    buyer.checkout(**payment)

    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments[0] == ("cancelled", 0, 0)
    assert sum(held for _, held, _ in api_shop.payments) == (30 if "v2" in payment else 0)


def test_another_code_under_the_same_key_and_amount_is_another_voucher(api_shop):
    api_shop.voucher("10.00", code="GIFT-A")
    other = api_shop.voucher("10.00", code="GIFT-B")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE"))

    buyer.checkout(v1=voucher("GIFT-B", "10.00"), cash=cash())

    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments == [("cancelled", 0, 0), ("authorized", 10, 0)]
    api_shop.ship()
    assert api_shop.bookings(other) == [("charge", 10)]


def test_an_order_that_is_posted_twice_is_paid_once(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher())

    again = buyer.checkout(v1=voucher())

    assert again.status_code == 406
    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments == [("authorized", 30, 0)]
    assert len(api_shop.reservations) == 1


def test_a_basket_that_grew_after_a_decline_is_paid_with_its_new_total(api_shop):
    api_shop.voucher("100.00", code="GIFT-A")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE"))
    first = api_shop.order.number
    buyer.buy(api_shop.product("40.00"))

    buyer.checkout(v1=voucher("GIFT-A"))

    assert api_shop.order.number == first
    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "70.00")})
    assert [held for _, held, _ in api_shop.payments] == [0, 70]


def test_a_method_that_is_not_enabled_reserves_nothing(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher(enabled=False, amount="10.00"), cash=cash())

    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments == []


def test_an_order_that_costs_nothing_needs_no_voucher(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("0.00")

    buyer.checkout(v1=voucher())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "0.00")})
    assert api_shop.payments == []


def test_the_same_voucher_twice_in_one_request_is_refused_before_an_order_is_made(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher(amount="10.00"), v2=voucher("\u200bGIFT-2000-ABCD"))

    assert answer.status_code == 406
    assert api_shop.payments == []
    assert buyer.checkout(v1=voucher()).status_code == 200


def test_two_spellings_of_one_voucher_do_not_pay_twice(api_shop):
    """The local cloud takes a code in either case; ours are two codes until it answers."""
    api_shop.voucher("50.00", code="GIFT-A")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("gift-a"))

    status, _ = buyer.states()
    held = sum(held for _, held, _ in api_shop.payments)
    assert (status, held) in [("Payment Declined", 20), ("Payment Declined", 10), ("Payment Declined", 0)]
    buyer.checkout(v1=voucher("GIFT-A"))
    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "30.00")})
    assert sum(held for _, held, _ in api_shop.payments) == 30


def test_without_the_calculator_the_method_is_not_offered(api_shop, monkeypatch):
    from oscarapicheckout import settings

    monkeypatch.setattr(
        settings, "ORDER_AUTHORIZED_AMOUNT_CALCULATOR", "oscarapicheckout.utils.get_order_authorized_amount"
    )
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher())

    assert answer.status_code == 500
    assert api_shop.orders == 0


def test_the_methods_that_the_host_lists_show_the_fields_of_a_voucher(api_shop):
    listed = api_shop.buyer().client.get("/api/checkout/payment-methods/").json()

    assert listed["gift-voucher"]["label"] == "Gift voucher"
    assert {"code", "pin"} <= listed["gift-voucher"]["children"].keys()
