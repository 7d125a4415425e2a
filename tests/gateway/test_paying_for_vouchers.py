"""No gift voucher pays for a gift voucher: of an order that sells some, vouchers pay the rest."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals, sold
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, RefusedError, WrongStateError
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import OrderFacts


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def goods_and_voucher(seller):
    """An order of 70.00: a gift voucher worth 50.00, and goods."""
    return seller.order("70.00", note="a=50.00")


@pytest.fixture
def asked(monkeypatch):
    """The orders for which the shop was asked what they sell."""
    orders, vouchers = [], sold.vouchers
    monkeypatch.setattr(sold, "vouchers", lambda order: orders.append(order) or vouchers(order))
    return orders


def fails(order):
    raise ValueError("the shop's own")


def test_a_voucher_pays_the_goods_of_the_order_alone(seller, goods_and_voucher):
    voucher = seller.voucher("100.00")
    payment = gateway.authorize(goods_and_voucher, voucher.code)
    cover = gateway.cover(goods_and_voucher)
    assert (payment.amount_authorized, cover.due, cover.is_firm) == (D("20.00"), D("50.00"), True)
    assert goods_and_voucher.voucher_due == D("50.00")
    gateway.authorize_selected(goods_and_voucher)
    gateway.capture(goods_and_voucher)
    assert seller.bookings(voucher) == [("charge", D("20.00"))]


def test_the_worth_counts_and_not_the_price(seller):
    order = seller.order("60.00", note="a=50.00")  # sold for 40.00
    assert gateway.authorize(order, seller.voucher("100.00").code).amount_authorized == D("10.00")


def test_no_more_may_be_asked_for(seller, goods_and_voucher):
    code = seller.voucher("100.00").code
    with pytest.raises(
        AmountError, match=r"only 20\.00 EUR are due on order A-1001 that gift vouchers may pay"
    ) as more:
        gateway.authorize(goods_and_voucher, code, amount="20.01")
    assert more.value.code == "more_than_due"
    assert gateway.authorize(goods_and_voucher, code, amount="20.00").amount_authorized == D("20.00")


@pytest.mark.parametrize(
    ("total", "note"), [("50.00", "a=50.00"), ("45.00", "a=50.00"), ("70.00", "a=50.00 b=20.00")]
)
@pytest.mark.parametrize("verb", [gateway.authorize, gateway.select])
def test_an_order_of_vouchers_alone_takes_none(seller, total, note, verb):
    order, code = seller.order(total, note=note), seller.voucher("100.00").code
    seller.calls()
    with pytest.raises(
        AmountError, match="gift vouchers that it sells, which gift vouchers cannot pay"
    ) as refused:
        verb(order, code)
    assert (refused.value.code, refused.value.money_moved) == ("only_vouchers_due", "no")
    assert (seller.calls(), order.voucher_payments.count(), order.voucher_due) == ([], 0, D(total))


@pytest.mark.parametrize("verb", [gateway.authorize, gateway.select])
def test_once_the_goods_are_covered_another_voucher_is_refused(seller, goods_and_voucher, verb):
    first, second = seller.voucher("20.00"), seller.voucher("30.00", code="GIFT-3000-ABCD")
    gateway.authorize(goods_and_voucher, first.code)
    seller.calls()
    with pytest.raises(AmountError) as refused:
        verb(goods_and_voucher, second.code)
    assert (refused.value.code, seller.calls()) == ("only_vouchers_due", [])
    assert gateway.authorize(goods_and_voucher, first.code).amount_authorized == D("20.00")  # the same again


def test_with_the_setting_vouchers_pay_for_vouchers(seller, gateway_settings):
    gateway_settings(VOUCHERS_PAY_FOR_VOUCHERS=True)
    order = seller.order("50.00", note="a=50.00")
    voucher = seller.voucher("50.00")
    gateway.select(order, voucher.code)
    gateway.authorize_selected(order)
    gateway.capture(order)
    assert seller.bookings(voucher) == [("charge", D("50.00"))]


def test_selected_vouchers_are_held_for_the_goods_and_let_go_without_any(seller, goods_and_voucher):
    voucher = seller.voucher("100.00")
    gateway.select(goods_and_voucher, voucher.code)
    (payment,) = gateway.authorize_selected(goods_and_voucher)
    assert (payment.amount_authorized, payment.amount_agreed) == (D("20.00"), D("20.00"))
    goods_and_voucher.total = D("50.00")
    goods_and_voucher.save()
    assert not gateway.cover(goods_and_voucher).is_firm
    assert gateway.authorize_selected(goods_and_voucher) == []
    payment.refresh_from_db()
    assert payment.amount_authorized == D("0.00")


@pytest.mark.parametrize(("total", "charged"), [("60.00", [("charge", D("10.00"))]), ("50.00", [])])
def test_goods_taken_off_after_the_confirmation_are_not_charged(seller, goods_and_voucher, total, charged):
    voucher = seller.voucher("100.00")
    gateway.select(goods_and_voucher, voucher.code)
    gateway.authorize_selected(goods_and_voucher)
    goods_and_voucher.total = D(total)
    goods_and_voucher.save()
    assert (goods_and_voucher.voucher_due, gateway.cover(goods_and_voucher).due) == (D("50.00"), D("50.00"))
    gateway.capture(goods_and_voucher)
    assert seller.bookings(voucher) == charged
    assert (goods_and_voucher.voucher_due, gateway.cover(goods_and_voucher).due) == (D("50.00"), D("50.00"))


@pytest.mark.parametrize("changes", [{"total": D("60.00")}, {"note": "a=50.00 b=10.00"}])
def test_a_charge_follows_the_order_as_it_is_committed(seller, goods_and_voucher, changes):
    voucher = seller.voucher("100.00")
    gateway.authorize(goods_and_voucher, voucher.code)
    gateway.authorize_selected(goods_and_voucher)
    with transaction.atomic():
        gateway.capture(goods_and_voucher)
        type(goods_and_voucher).objects.update(**changes)
    assert seller.bookings(voucher) == [("charge", D("10.00"))]


def test_a_hold_follows_the_lines_as_they_are_committed(seller, goods_and_voucher):
    with transaction.atomic():
        payment = gateway.authorize(goods_and_voucher, seller.voucher("100.00").code)
        type(goods_and_voucher).objects.update(note="a=50.00 b=10.00")
    payment.refresh_from_db()
    assert payment.amount_authorized == D("10.00")


@pytest.mark.parametrize(("total", "held"), [("70.00", "20.00"), ("60.00", "10.00"), ("50.00", "20.00")])
def test_a_renewed_hold_is_for_the_goods_of_the_order_as_it_is(
    seller, goods_and_voucher, gateway_settings, total, held
):
    gateway_settings(RENEW_HOLDS=True)
    payment = gateway.authorize(goods_and_voucher, seller.voucher("100.00").code)
    gateway.authorize_selected(goods_and_voucher)
    type(goods_and_voucher).objects.update(total=total)
    seller.later(minutes=22)
    reservation = payment.reservation_id
    assert gateway.settle().renewed == (total != "50.00")
    payment.refresh_from_db()
    assert payment.amount_authorized == D(held)
    assert (payment.reservation_id == reservation) == (total == "50.00")  # which ends by itself


@pytest.mark.parametrize(("total", "lapsed"), [("70.00", [("A-1001", D("20.00"))]), ("50.00", [])])
def test_a_promise_that_ends_is_told_where_the_goods_still_need_it(
    seller, goods_and_voucher, record_signal, total, lapsed
):
    told = record_signal("payment_lapsed")
    gateway.authorize(goods_and_voucher, seller.voucher("100.00").code)
    gateway.authorize_selected(goods_and_voucher)
    type(goods_and_voucher).objects.update(total=total)
    seller.later(days=31)
    gateway.settle()
    assert told == lapsed


def test_the_shop_is_asked_once_by_each_verb(seller, goods_and_voucher, asked):
    code = seller.voucher("20.00").code

    def count(verb, *arguments):
        asked.clear()
        verb(*arguments)
        return len(asked)

    verbs = [
        (gateway.select, code),
        (gateway.authorize_selected,),
        (gateway.authorize, code),
        (gateway.cover,),
    ]
    assert [count(verb, goods_and_voucher, *more) for verb, *more in [*verbs, (gateway.capture,)]] == [1] * 5
    assert count(gateway.issue, goods_and_voucher) == 1
    assert count(gateway.activate, goods_and_voucher) == 1


def test_an_order_without_vouchers_is_not_asked_about(seller, goods_and_voucher, asked):
    gateway.authorize_selected(goods_and_voucher)
    gateway.capture(goods_and_voucher)
    gateway.cover(goods_and_voucher)
    assert asked == []


@pytest.mark.parametrize("verb", [gateway.authorize, gateway.select])
def test_an_error_of_the_shop_passes_through_and_nothing_is_held(
    seller, gateway_settings, goods_and_voucher, verb
):
    gateway_settings(SOLD_VOUCHERS=f"{__name__}.fails")
    code = seller.voucher("100.00").code
    seller.calls()
    with pytest.raises(ValueError, match="the shop's own"):
        verb(goods_and_voucher, code)
    assert (seller.calls(), goods_and_voucher.voucher_payments.count()) == ([], 0)


@pytest.mark.parametrize("verb", [gateway.authorize_selected, gateway.capture])
def test_such_an_error_at_the_confirmation_holds_and_charges_nothing(
    seller, gateway_settings, goods_and_voucher, verb
):
    voucher = seller.voucher("100.00")
    gateway.authorize(goods_and_voucher, voucher.code)
    gateway_settings(SOLD_VOUCHERS=f"{__name__}.fails")
    seller.calls()
    with pytest.raises(ValueError, match="the shop's own"):
        verb(goods_and_voucher)
    assert seller.calls() == []


def test_a_charge_that_waits_for_the_shops_code_stays_due_and_is_reviewed(
    seller, gateway_settings, goods_and_voucher, reviews
):
    voucher = seller.voucher("100.00")
    gateway.authorize(goods_and_voucher, voucher.code)
    with transaction.atomic():
        gateway.capture(goods_and_voucher)
        gateway_settings(SOLD_VOUCHERS=f"{__name__}.fails")
    charge = VoucherOperation.objects.get(kind="charge")
    assert (charge.state, charge.error_code, reviews) == ("due", "sold_vouchers_failed", [D("20.00")])
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    seller.later(hours=1)
    gateway.settle()
    assert seller.bookings(voucher) == [("charge", D("20.00"))]


def test_facts_are_of_the_stored_order_or_say_what_is_sold(seller, goods_and_voucher):
    voucher = seller.voucher("100.00")
    facts = OrderFacts("A-1001", D("70.00"), "EUR")
    assert gateway.authorize(facts, voucher.code).amount_authorized == D("20.00")
    other = OrderFacts("B-1", D("70.00"), "EUR", sold=D("60.00"))
    assert gateway.authorize(
        other, seller.voucher("99.00", code="GIFT-9900-ABCD").code
    ).amount_authorized == D("10.00")


# the shop drives it: its own signals, its status field, and the sweep that notices a bulk update


def send(order):
    signals.confirmed.send(sender=None, order=order)
    signals.shipped.send(sender=None, order=order)


def save(order):
    for order.status in ("confirmed", "shipped"):
        order.save()


def update_and_settle(order):
    for status in ("confirmed", "shipped"):
        type(order).objects.update(status=status)
        gateway.settle()


DRIVEN = {
    send: {"authorize": "tests.shop.signals.confirmed", "capture": "tests.shop.signals.shipped"},
    save: {"field": "status", "authorize": ["confirmed"], "capture": ["shipped"]},
}


@pytest.mark.parametrize(("note", "charged"), [("a=50.00", [("charge", D("20.00"))]), ("a=70.00", [])])
@pytest.mark.parametrize("drive", [send, save, update_and_settle])
def test_whatever_drives_the_order_vouchers_pay_its_goods_alone(
    seller, gateway_settings, drive, note, charged
):
    """The voucher was selected while there were goods alone in the basket."""
    kind = "EVENTS" if drive is send else "ON_STATUS"
    gateway_settings(**{"EVENTS": {}, "ON_STATUS": {}, kind: DRIVEN.get(drive, DRIVEN[save])})
    order, voucher = seller.order("70.00"), seller.voucher("100.00")
    gateway.select(order, voucher.code)
    order.note = note
    order.save()
    drive(order)
    assert (seller.bookings(voucher), order.voucher_due) == (charged, D("70.00") - sum(a for _, a in charged))
    assert not order.voucher_authorized


# activate: what pays for the vouchers is charged first


def test_goods_that_are_held_and_not_charged_do_not_stop_the_activation(seller, goods_and_voucher):
    gateway.authorize(goods_and_voucher, seller.voucher("100.00").code)
    gateway.authorize_selected(goods_and_voucher)
    assert [sale.status for sale in gateway.activate(goods_and_voucher)] == ["active"]


def test_vouchers_that_pay_for_these_are_charged_first(seller, gateway_settings, goods_and_voucher):
    gateway_settings(VOUCHERS_PAY_FOR_VOUCHERS=True)
    gateway.authorize(goods_and_voucher, seller.voucher("100.00").code)
    gateway.authorize_selected(goods_and_voucher)
    with pytest.raises(WrongStateError, match="capture them first") as refused:
        gateway.activate(goods_and_voucher)
    assert refused.value.code == "not_paid"
    gateway.capture(goods_and_voucher)
    assert [sale.status for sale in gateway.activate(goods_and_voucher)] == ["active"]


def test_a_confirmed_payment_that_failed_is_not_paid(seller, gateway_settings, goods_and_voucher):
    gateway_settings(VOUCHERS_PAY_FOR_VOUCHERS=True)
    voucher = seller.voucher("70.00")
    payment = gateway.authorize(goods_and_voucher, voucher.code)
    gateway.authorize_selected(goods_and_voucher)
    seller.later(minutes=40)
    seller.cloud.set_status(voucher.id, "inactive")
    with pytest.raises(RefusedError):
        gateway.capture(goods_and_voucher)
    payment.refresh_from_db()
    assert payment.status == "failed"
    with pytest.raises(WrongStateError) as refused:
        gateway.activate(goods_and_voucher)
    assert refused.value.code == "not_paid"
    gateway.cancel(payment, refund=False)  # paid another way
    assert [sale.status for sale in gateway.activate(goods_and_voucher)] == ["active"]
