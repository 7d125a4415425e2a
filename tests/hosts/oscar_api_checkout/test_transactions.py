"""The host's transaction rolled back, answers lost, and holds that lapse before another method has answered."""

import pytest
from oscar.core.loading import get_model
from rest_framework.exceptions import APIException

from tests.hosts.oscar_api_checkout.shop import card, cash, voucher
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment


class Conflict(APIException):
    status_code = 409


def breaks(error):
    def receiver(**kwargs):
        raise error

    return receiver


def test_records_that_cannot_be_written_release_the_voucher(api_shop, listening):
    from django.db.models.signals import post_save

    bought = api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")
    event = get_model("order", "PaymentEvent")

    def fail(sender, **kwargs):
        if sender is event:
            raise RuntimeError("disk full")

    listening(post_save, fail)
    answer = buyer.checkout(v1=voucher())
    post_save.disconnect(fail)

    assert answer.status_code == 500
    assert api_shop.order.status == "Payment Declined"
    assert api_shop.payments == [("cancelled", 0, 0)]
    assert api_shop.sources == [("Gift voucher", 0, 0, 0)]
    assert event.objects.count() == 0
    assert api_shop.bookings(bought) == []
    buyer.checkout(v1=voucher())
    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments == [("cancelled", 0, 0), ("authorized", 30, 0)]


@pytest.mark.parametrize("error", [RuntimeError("boom"), Conflict()], ids=["crash", "refusal"])
def test_a_rolled_back_request_leaves_no_order_no_payment_and_no_money_moved(
    api_shop, atomic_requests, listening, error
):
    """After a refusal the host's session is stored, although its order is not: its states authorize nothing."""
    from oscarapicheckout.signals import order_payment_authorized

    bought = api_shop.voucher("30.00")
    buyer = api_shop.buyer("30.00")
    fail = breaks(error)
    listening(order_payment_authorized, fail)

    answer = buyer.checkout(v1=voucher())

    assert answer.status_code == getattr(error, "status_code", 500)
    assert (api_shop.orders, api_shop.payments, api_shop.sources) == (0, [], [])
    assert (api_shop.cloud.balance(bought.id), api_shop.bookings(bought)) == (30, [])
    order_payment_authorized.disconnect(fail)
    assert_paid_by_voucher_in_the_end(api_shop, buyer)
    api_shop.ship()
    assert api_shop.bookings(bought) == [("charge", 30)]


def assert_paid_by_voucher_in_the_end(api_shop, buyer):
    """A state of the order that was rolled back may cost one attempt; never is it taken for a hold."""
    for _ in range(3):
        buyer.checkout(v1=voucher())
        status, _ = buyer.states()
        held = sum(held for _, held, _ in api_shop.payments)
        assert (status, held) in [("Authorized", 30), ("Payment Declined", held)]
        if status == "Authorized":
            return
    pytest.fail("not paid after three attempts")


def test_with_a_transaction_around_each_request_two_vouchers_and_cash_pay(api_shop, atomic_requests):
    first = api_shop.voucher("10.00", code="GIFT-A")
    api_shop.voucher("5.00", code="GIFT-B")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher("GIFT-A", "10.00"), v2=voucher("GIFT-NONE", "5.00"), cash=cash())
    assert buyer.states()[0] == "Payment Declined"

    buyer.checkout(v1=voucher("GIFT-A", "8.00"), v2=voucher("GIFT-B", "5.00"), cash=cash())

    assert buyer.states()[0] == "Authorized"
    assert [held for _, held, _ in api_shop.payments if held] == [8, 5]
    api_shop.ship()
    assert api_shop.bookings(first) == [("charge", 8)]


def test_a_lost_answer_to_the_reservation_costs_nothing(api_shop):
    bought = api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")
    api_shop.cloud.faults.next("after:drop", path="*/reservations")

    buyer.checkout(v1=voucher())

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "30.00")})
    api_shop.ship()
    assert api_shop.bookings(bought) == [("charge", 30)]


def test_without_any_answer_the_voucher_is_declined_and_can_be_used_again(api_shop):
    bought = api_shop.voucher("50.00")
    buyer = api_shop.buyer("30.00")
    api_shop.cloud.faults.next("after:500", path="*/reservations", times=None)

    answer = buyer.checkout(v1=voucher())

    assert answer.status_code == 200
    assert buyer.states()[0] == "Payment Declined"
    assert "try again" in buyer.message("v1")
    assert sum(held for _, held, _ in api_shop.payments) == 0
    api_shop.cloud.faults.clear()
    buyer.checkout(v1=voucher())
    assert buyer.states()[0] == "Authorized"
    api_shop.ship()
    assert api_shop.bookings(bought) == [("charge", 30)]


def test_a_hold_that_lapses_while_the_bank_thinks_is_made_again(api_shop, later):
    bought = api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher(amount="20.00"), card=card())
    assert (buyer.states()[0], api_shop.confirmed) == ("Pending", [False])
    later(minutes=40)
    gateway.settle()

    buyer.bank(api_shop.order, "10.00")

    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "20.00"), "card": ("Consumed", "10.00")})
    assert api_shop.payments == [("authorized", 20, 0)]
    assert api_shop.confirmed == [True]
    assert len(api_shop.reservations) == 2
    api_shop.ship()
    assert api_shop.bookings(bought) == [("charge", 20)]


def test_a_voucher_spent_elsewhere_while_the_bank_thinks_declines_the_order(api_shop, later):
    api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher(amount="20.00"), card=card())
    later(minutes=40)
    api_shop.spend_at_a_till("GIFT-2000-ABCD", "20.00")

    buyer.bank(api_shop.order, "10.00")

    assert buyer.states() == (
        "Payment Declined",
        {"v1": ("Declined", "20.00"), "card": ("Complete", "10.00")},
    )
    assert sum(held for _, held, _ in api_shop.payments) == 0
    buyer.checkout(cash=cash("20.00"), card=card())
    assert buyer.states() == ("Authorized", {"cash": ("Consumed", "20.00"), "card": ("Consumed", "10.00")})


def test_a_voucher_that_holds_less_by_then_is_not_confirmed(api_shop, later):
    """Nothing that a declined order holds keeps the voucher from other orders."""
    api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher(amount="20.00"), card=card())
    later(minutes=40)
    api_shop.spend_at_a_till("GIFT-2000-ABCD", "15.00")

    buyer.bank(api_shop.order, "10.00")

    assert buyer.states()[0] == "Payment Declined"
    assert not any(api_shop.confirmed)
    buyer.checkout(v1=voucher(amount="5.00"), cash=cash())
    assert buyer.states() == ("Authorized", {"v1": ("Consumed", "5.00"), "cash": ("Consumed", "25.00")})


def test_a_bank_that_declines_leaves_the_voucher_to_the_next_attempt(api_shop):
    api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    buyer.checkout(v1=voucher(amount="20.00"), card=card())

    buyer.bank(api_shop.order, "10.00", refused="yes")

    assert buyer.states() == (
        "Payment Declined",
        {"v1": ("Complete", "20.00"), "card": ("Declined", "10.00")},
    )
    buyer.checkout(v1=voucher(amount="20.00"), cash=cash())
    assert buyer.states()[0] == "Authorized"
    assert api_shop.payments == [("authorized", 20, 0)]


def test_a_deferred_payment_that_is_completed_without_the_voucher_releases_it(api_shop):
    api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    pay_later = {"method_type": "pay-later", "enabled": True, "pay_balance": True}
    buyer.checkout(v1=voucher(amount="20.00"), rest=pay_later)
    assert buyer.states()[0] == "Pending"

    answer = buyer.complete_deferred(api_shop.order, cash=cash())

    assert answer.status_code == 200, answer.content
    assert buyer.states() == ("Authorized", {"cash": ("Consumed", "30.00")})
    assert api_shop.payments == [("cancelled", 0, 0)]


def test_a_deferred_payment_may_be_completed_with_the_voucher_days_later(api_shop, later):
    bought = api_shop.voucher("20.00")
    buyer = api_shop.buyer("30.00")
    pay_later = {"method_type": "pay-later", "enabled": True, "pay_balance": True}
    buyer.checkout(v1=voucher(amount="20.00"), rest=pay_later)
    later(days=3)
    gateway.settle()

    for _ in range(2):  # the first attempt may find the state of a hold that is gone
        buyer.complete_deferred(api_shop.order, v1=voucher(amount="20.00"), cash=cash())
        if buyer.states()[0] == "Authorized":
            break

    assert buyer.states()[0] == "Authorized"
    assert sum(payment.amount_authorized for payment in VoucherPayment.objects.all()) == 20
    api_shop.ship()
    assert api_shop.bookings(bought) == [("charge", 20)]
