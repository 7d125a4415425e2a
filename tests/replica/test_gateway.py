"""Money is decided by what is committed: no verb, and nothing that calls one, reads the replica.

A test is named after the verb it covers; a verb without a test fails here.
"""

from decimal import Decimal as D

import pytest
from asgiref.sync import async_to_sync

from tests.replica.lagging import CODE, covered, payment_of, stored, window
from tests.shop import signals
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])


def test_verb_select(order):
    selected = gateway.select(order, CODE)
    assert gateway.select(order, CODE) == selected
    assert payment_of(order).status == "selected"


def test_verb_authorize(order, shop):
    payment = gateway.authorize(order, CODE)
    assert gateway.authorize(order, CODE) == payment
    assert payment_of(order).amount_authorized == D("20.00")
    gateway.authorize(shop.order("5.00", number="A-1002"), CODE)  # the later reservation wins
    assert payment_of(order).status == "lapsed"


def test_verb_authorize_selected(order):
    selected = gateway.select(order, CODE)
    assert gateway.authorize_selected(order) == [selected]
    assert payment_of(order).amount_authorized == D("20.00")


def test_verb_cover(held):
    cover = gateway.cover(held)
    assert (cover.held, cover.due) == (D("20.00"), D("30.00"))


def test_verb_capture(held, shop, voucher):
    gateway.capture(held)
    gateway.capture(held)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_verb_refund(captured, shop, voucher):
    gateway.refund(captured, "5.00")
    gateway.refund(payment_of(captured))
    assert shop.bookings(voucher)[1:] == [("refund", D("5.00")), ("refund", D("15.00"))]


def test_a_repeated_call_finds_its_key(order, shop, voucher):
    for _ in range(2):
        gateway.authorize(order, CODE, key="once")
        gateway.authorize_selected(order, key="once")
        gateway.capture(order, "5.00", key="once")
        gateway.refund(order, "2.00", key="once")
    assert shop.bookings(voucher) == [("charge", D("5.00")), ("refund", D("2.00"))]
    assert gateway.cancel(order, key="once") == gateway.cancel(order, key="once")
    assert shop.bookings(voucher)[2:] == [("refund", D("3.00"))]


@pytest.mark.parametrize("what", ["held", "captured"])
def test_verb_cancel(request, what):
    order = request.getfixturevalue(what)
    (cancelled,) = gateway.cancel(order)
    assert cancelled.status == payment_of(order).status == "cancelled"


def test_verb_settle(unknown):
    report = gateway.settle()
    assert (report.found, report.still_open) == (1, 0)
    assert payment_of(unknown).status == "captured"


def test_verb_conclude(manual, shop, voucher):
    (booking,) = shop.cloud.bookings(voucher.id)
    gateway.conclude(manual, remote_id=booking.id, actor="mia", reason="seen there")
    assert stored(VoucherPayment).get().amount_captured == D("20.00")


def test_verb_reconcile(difference):
    assert gateway.reconcile(*window()) == [difference]


def test_verb_explain(difference):
    gateway.explain(difference, "Known.", actor="mia")
    assert difference.explained_by == stored(VoucherDifference).get().explained_by == "mia"
    assert gateway.reconcile(*window()) == []


@pytest.fixture
def selling(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop.order("50.00", note="a=50.00")


def test_verb_issue(selling):
    assert gateway.issue(selling) == gateway.issue(selling)
    assert stored(VoucherSale).get().status == "issued"


def test_verb_activate(selling):
    assert gateway.activate(selling) == gateway.activate(selling)
    assert stored(VoucherSale).get().status == "active"


def test_verb_take_back(selling):
    gateway.activate(selling)
    gateway.take_back(selling)
    assert stored(VoucherSale).get().status == "taken_back"


def test_settling_a_sale(selling, shop):
    shop.cloud.faults.next("before:503", method="POST", path="/v1/vouchers")
    with pytest.raises(UnavailableError):
        gateway.activate(selling)
    shop.later(minutes=5)
    gateway.settle()
    assert stored(VoucherSale).get().status == "active"


def test_verb_resend(selling):
    (sale,) = gateway.activate(selling)
    gateway.resend(sale, actor="mia")
    assert stored(VoucherSale).get().actor == "mia"


def test_verb_erase_people(selling):
    gateway.activate(selling)
    assert (gateway.erase_people(selling), stored(VoucherSale).get().recipient_email) == ([], "")


def test_verb_top_up(order, shop, voucher):
    gateway.authorize(order, CODE)
    first = gateway.top_up(CODE, "5.00", key="k")
    assert gateway.top_up(CODE, "5.00", key="k") == gateway.top_up(first.sale, "5.00", key="k") == first
    assert shop.bookings(voucher) == [("recharge", D("5.00"))]


def test_verb_credit(order, shop):
    sale = gateway.credit(order, "5.00", key="k")
    assert gateway.credit(order, "5.00", key="k") == sale
    assert gateway.credit(order, "2.00", key="more", sale=sale).amount_topped_up == D("2.00")
    assert shop.cloud.balance(sale.voucher_id) == D("7.00")


@pytest.mark.parametrize("rungs", [["recharge"], ["new_voucher"]])
def test_what_stands_in_place_of_a_refund_counts(captured, shop, gateway_settings, rungs):
    gateway_settings(REFUND_FALLBACK=rungs)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund", times=None)
    gateway.refund(captured, "5.00", key="k")
    gateway.refund(captured, "5.00", key="k")
    gateway.refund(captured)
    assert payment_of(captured).status == "refunded"
    shop.later(minutes=5)
    assert gateway.reconcile(*window()) == []


def test_an_async_verb(held, shop, voucher):
    async_to_sync(gateway.acapture)(held)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_settling_a_hold_that_ended(held, shop):
    shop.later(minutes=40)
    assert gateway.settle().lapsed == 1
    assert payment_of(held).status == "lapsed"


def test_every_verb_is_covered():
    verbs = {name for name in gateway.__all__ if name.islower()}
    twins = {f"a{name}" for name in verbs} & verbs
    assert covered(globals(), "verb") == verbs - twins


# What drives the verbs: a status of the order, and signals of the shop


@pytest.fixture
def save(order, gateway_settings):
    verbs = ("authorize", "capture", "refund", "cancel")
    gateway_settings(ON_STATUS={"field": "status", **{verb: [verb] for verb in verbs}})
    gateway.select(order, CODE)

    def change(*statuses):
        for order.status in statuses:
            order.save()

    return change


def test_a_status_acts_once(save, shop, voucher):
    save("authorize", "authorize", "capture", "capture", "refund", "refund", "cancel")
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


def test_a_status_refunds_nothing_that_waits_for_a_person(save, shop, voucher):
    save("authorize", "capture")
    gateway.refund(stored(Order).get(), "5.00")
    VoucherOperation.objects.filter(kind="refund").update(state="manual")
    save("cancel")
    assert len(shop.bookings(voucher)) == 2


def test_a_signal_acts(order, gateway_settings):
    gateway_settings(EVENTS={"authorize": "tests.shop.signals.confirmed"})
    gateway.select(order, CODE)
    signals.confirmed.send(sender=None, order=order)
    assert payment_of(order).status == "authorized"
