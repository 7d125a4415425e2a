"""Orders placed through the host's own REST views."""

from tests.hosts.oscar_api_checkout.shop import cash, voucher


def test_one_voucher_pays_an_order(api_shop):
    api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher())

    assert answer.status_code == 200, answer.content
    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "30.00")})
    assert api_shop.payments == [("authorized", 30, 0)]
    assert api_shop.sources == [("Gift voucher", 30, 0, 0)]


def test_two_vouchers_and_cash_pay_an_order(api_shop):
    api_shop.voucher("10.00", code="GIFT-A")
    api_shop.voucher("5.00", code="GIFT-B")
    buyer = api_shop.buyer("30.00")

    answer = buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-B", "5.00"), cash=cash())

    assert answer.status_code == 200, answer.content
    assert buyer.states() == (
        "Authorized",
        {"v1": ("Consumed", "10.00"), "v2": ("Consumed", "5.00"), "cash": ("Consumed", "15.00")},
    )
    assert api_shop.payments == [("authorized", 10, 0), ("authorized", 5, 0)]


def test_a_voucher_that_holds_less_than_asked_leaves_the_rest_to_the_other_method(api_shop):
    api_shop.voucher("12.34")
    buyer = api_shop.buyer("30.00")

    buyer.checkout(v1=voucher(amount="30.00"), cash=cash())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "12.34"), "cash": ("Consumed", "17.66")})
