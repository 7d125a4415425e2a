"""Unknown outcomes are resolved from evidence, after a fence or a grace period, never by guessing."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

LOST = ["before:drop", "before:reset", "before:500", "before:504", "before:html403", "before:garbage"]


@pytest.fixture
def order(shop, voucher):
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    return order


def lose(shop, fault, what):
    shop.cloud.faults.next(fault, method="POST", path=f"*/{what}")


def unknown(action):
    with pytest.raises(OutcomeUnknownError):
        action()


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).last()


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_charge_is_repeated_behind_a_fence_with_the_same_number(shop, order, voucher, fault):
    lose(shop, fault, "charge")
    unknown(lambda: gateway.capture(order))
    reference = the("charge").reference
    shop.later(minutes=1)
    gateway.settle()
    fenced = the("charge")
    assert (fenced.state, shop.bookings(voucher)) == ("unknown", [])
    assert fenced.fence_at
    shop.later(seconds=61)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert [row.order_number for row in shop.cloud.bookings(voucher.id)] == [reference]
    assert (the("charge").state, the("charge").attempts) == ("succeeded", 2)
    assert VoucherPayment.objects.get().status == "captured"


def test_a_charge_is_not_repeated_by_a_read_before_the_lag_is_over(shop, order, voucher):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(minutes=1)
    gateway.settle()
    shop.later(seconds=50)
    VoucherOperation.objects.filter(state="unknown").update(due_at="2020-01-01T00:00:00Z")
    gateway.settle()
    assert (the("charge").state, shop.bookings(voucher)) == ("unknown", [])


def test_a_charge_that_lands_before_the_fence_is_adopted(shop, order, voucher):
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.cloud.faults.land_late()
    shop.later(minutes=1)
    assert gateway.settle().found == 1
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_a_charge_that_comes_after_the_fence_cannot_land(shop, order, voucher):
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(minutes=1)
    gateway.settle()
    shop.cloud.faults.land_late()
    assert shop.bookings(voucher) == []
    shop.later(minutes=2)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


def test_a_booking_that_shows_late_is_adopted_not_repeated(shop, order, voucher):
    """C7: the charge is booked just before the fence, and not listed yet."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(list_lag_seconds=55)
    lose(shop, "after:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(seconds=31)
    gateway.settle()
    for _ in range(3):
        shop.later(seconds=61)
        gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert (the("charge").state, the("charge").attempts) == ("succeeded", 1)


def test_the_read_that_decides_is_sent_a_lag_after_the_fence(shop):
    """C7 with enough balance for the fence: a read at the instant of the fence would not show the booking yet."""
    voucher = shop.voucher("80.00", code="GIFT-8000-ABCD")
    order = shop.order("20.00", number="A-2")
    gateway.authorize(order, "GIFT-8000-ABCD")
    shop.cloud.behaviour = shop.cloud.behaviour.but(list_lag_seconds=55)
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(seconds=31)
    shop.cloud.faults.land_late()
    gateway.settle()
    for _ in range(3):
        shop.later(seconds=61)
        gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert (the("charge").state, the("charge").attempts) == ("succeeded", 1)


def test_a_refused_reservation_is_no_fence(shop, order, voucher):
    """C4: an open hold lowers the balance, so the fence is refused while the charge is still in flight."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(reserve_checks="balance_minus_hold")
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(minutes=1)
    gateway.settle()
    shop.later(minutes=2)
    gateway.settle()
    assert the("charge").state == "unknown"
    shop.cloud.faults.land_late()
    shop.later(minutes=35)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().status == "captured"


def test_where_no_fence_can_be_reserved_the_old_reservation_must_be_dead(shop, order, voucher):
    shop.cloud.behaviour = shop.cloud.behaviour.but(reserve_checks="balance_minus_hold")
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    for _ in range(6):
        shop.later(minutes=5)
        gateway.settle()
        assert shop.bookings(voucher) == []
    shop.later(minutes=7)
    gateway.settle()
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_servers_clock_decides_nothing(shop, order, voucher):
    """C6: a server clock two hours behind would make the hold look expired at once."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(
        clock_offset_seconds=-7200, reserve_checks="balance_minus_hold"
    )
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(minutes=5)
    gateway.settle()
    shop.later(minutes=5)
    gateway.settle()
    assert (the("charge").state, shop.bookings(voucher)) == ("unknown", [])


def test_what_is_being_cancelled_is_not_reserved_or_charged_again(shop, order, voucher):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    gateway.cancel(order)
    shop.calls()
    shop.later(minutes=1)
    gateway.settle()
    assert {method for method, _ in shop.calls()} == {"GET"}
    shop.later(minutes=36)
    gateway.settle()
    payment = VoucherPayment.objects.get()
    assert (payment.status, shop.bookings(voucher)) == ("cancelled", [])
    assert the("charge").state == "not_applied"


@pytest.mark.parametrize("answer", ["absent", "not_allowed"])
def test_a_cancel_call_that_is_not_there_is_no_fence(shop, order, voucher, gateway_settings, answer):
    """C5: a 404 means that there is no such call, not that the reservation has ended."""
    gateway_settings(API_BEHAVIOUR={"cancel_reservation": "works"})
    shop.cloud.behaviour = shop.cloud.behaviour.but(cancel_reservation=answer)
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    gateway.cancel(order)
    shop.later(minutes=1)
    gateway.settle()
    shop.later(minutes=2)
    gateway.settle()
    assert the("charge").state == "unknown"
    shop.cloud.faults.land_late()
    shop.later(minutes=36)
    gateway.settle()
    assert VoucherPayment.objects.get().status == "cancelled"
    assert shop.cloud.balance(voucher.id) == D("20.00")


def test_a_cancel_call_that_works_is_a_fence(shop, order, voucher, gateway_settings):
    gateway_settings(API_BEHAVIOUR={"cancel_reservation": "works"})
    shop.cloud.behaviour = shop.cloud.behaviour.but(cancel_reservation="works")
    lose(shop, "late:drop", "charge")
    unknown(lambda: gateway.capture(order))
    gateway.cancel(order)
    for minutes in (1, 2):
        shop.later(minutes=minutes)
        gateway.settle()
    assert VoucherPayment.objects.get().status == "cancelled"
    shop.cloud.faults.land_late()
    assert shop.bookings(voucher) == []


def test_a_refund_is_repeated_only_after_the_grace_period_and_two_reads(shop, order, voucher):
    gateway.capture(order)
    lose(shop, "before:drop", "refund")
    unknown(lambda: gateway.refund(order, "5.00"))
    for minutes in (1, 13):
        shop.later(minutes=minutes)
        gateway.settle()
        assert the("refund").state == "unknown"
    shop.later(seconds=70)
    gateway.settle()
    assert (the("refund").state, the("refund").attempts) == ("unknown", 1)
    shop.later(seconds=61)
    gateway.settle()
    assert (the("refund").state, the("refund").attempts) == ("succeeded", 2)
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("5.00"))]
    assert order.voucher_refunded == D("5.00")


def test_a_refund_that_lands_late_but_within_the_grace_period_is_adopted(shop, order, voucher):
    gateway.capture(order)
    lose(shop, "late:drop", "refund")
    unknown(lambda: gateway.refund(order, "5.00"))
    shop.later(minutes=10)
    gateway.settle()
    shop.cloud.faults.land_late()
    shop.later(minutes=6)
    assert gateway.settle().found == 1
    assert shop.bookings(voucher)[1:] == [("refund", D("5.00"))]


def test_a_refund_lost_four_times_is_for_a_person(shop, order, voucher, reviews):
    gateway.capture(order)
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund", times=9)
    unknown(lambda: gateway.refund(order, "5.00"))
    for _ in range(12):
        shop.later(minutes=16)
        gateway.settle()
    assert (the("refund").state, the("refund").attempts) == ("manual", 4)
    assert reviews == [D("5.00")]
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_the_refusal_of_a_repeat_is_read_again_before_it_is_believed(shop, order, voucher):
    """The first charge was booked but is listed later than the margin; a remote that enforces unique numbers refuses
    the retry. Trusting that refusal would keep the money and tell the shop that nothing was paid."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(list_lag_seconds=200, order_number_unique=True)
    lose(shop, "after:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.cloud.add_voucher(code="OTHER", amount="1.00")
    balance_back = voucher_cloud().recharge_voucher(
        id=voucher.id, amount=D("20.00"), currency="EUR", order_number="TOP-UP"
    )
    assert balance_back.amount == D("20.00")
    shop.later(seconds=31)
    gateway.settle()
    shop.later(seconds=61)
    gateway.settle()
    assert the("charge").refused_at
    shop.later(seconds=40)
    gateway.settle()
    assert the("charge").state == "unknown", "a read within the lag of the refusal decides nothing"
    shop.later(seconds=110)
    assert gateway.settle().found == 1
    assert [kind for kind, _ in shop.bookings(voucher)].count("charge") == 1
    assert VoucherPayment.objects.get().status == "captured"


def test_a_repeat_that_is_refused_for_good_fails_or_is_reserved_again(shop, order, voucher):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.later(minutes=1)
    gateway.settle()
    till = voucher_cloud()
    till.charge(till.reserve(code="GIFT-2000-ABCD", amount=D("20.00"), currency="EUR").id, "TILL-1")
    for _ in range(4):
        shop.later(minutes=2)
        gateway.settle()
    assert VoucherPayment.objects.get().status == "failed"
    assert [row.order_number for row in shop.cloud.bookings(voucher.id)] == ["TILL-1"]
    assert gateway.settle().still_open == 0


def test_an_unreadable_list_decides_nothing(shop, order, voucher):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    shop.cloud.faults.next("before:404", method="GET", path="*/charges", times=9)
    for _ in range(3):
        shop.later(minutes=3)
        gateway.settle()
    assert (the("charge").state, the("charge").fence_at) == ("unknown", None)


def test_two_settlers_at_once_repeat_once(shop, order, voucher):
    from tests.gateway.test_simultaneous_calls import at_once

    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    for _ in range(3):
        shop.later(minutes=2)
        at_once(*[gateway.settle] * 6)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


def test_what_was_repeated_is_read_once_more_after_two_hours(shop, order, voucher, reviews):
    """C11: an intermediary sends a duplicate of the first request, long after its timeout."""
    gateway.capture(order)
    lose(shop, "late:drop", "refund")
    unknown(lambda: gateway.refund(order, "5.00"))
    for _ in range(3):
        shop.later(minutes=16)
        gateway.settle()
    assert (the("refund").state, the("refund").attempts) == ("succeeded", 2)
    shop.cloud.faults.land_late()
    assert reviews == []
    shop.later(hours=2)
    assert gateway.settle().reviews == 1
    assert reviews == [D("5.00")]
    assert gateway.settle().reviews == 0


def test_what_was_repeated_and_is_in_order_needs_no_person(shop, order, voucher, reviews):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    for minutes in (1, 2, 130):
        shop.later(minutes=minutes)
        gateway.settle()
    assert the("charge").attempts == 2
    assert the("charge").reread_at is None
    assert reviews == []


def test_the_list_of_another_voucher_proves_nothing(shop, order, voucher, monkeypatch):
    lose(shop, "before:drop", "charge")
    unknown(lambda: gateway.capture(order))
    other = shop.voucher("5.00", code="OTHER")
    till = voucher_cloud()
    till.charge(till.reserve(code="OTHER", amount=D("5.00"), currency="EUR").id, "TILL-1")
    crossed = till.list_voucher_charges
    monkeypatch.setattr(till, "list_voucher_charges", lambda _id, **options: crossed(other.id, **options))
    for _ in range(4):
        shop.later(minutes=2)
        gateway.settle()
    assert (the("charge").state, the("charge").fence_at) == ("unknown", None)
    assert shop.bookings(voucher) == []
