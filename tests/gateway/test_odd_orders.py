"""Orders that are odd: hidden from their managers, with facts that no voucher can pay, or of which nothing is due."""

from decimal import Decimal as D

import pytest

from tests.gateway.test_events import EVENTS, ON_STATUS
from tests.shop import signals
from tests.shop.models import Order, StoreOrder
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError
from voucher_payment_gateway.models import VoucherPayment

CODE = "GIFT-2000-ABCD"
ODD = {
    "a total below zero": {"total": D("-5.00")},
    "a total below zero as text": {"total": "-5.00"},
    "a total of zero": {"total": D("0.00")},
    "a third decimal": {"total": D("12.345")},
    "a float": {"total": 12.5},
    "no total": {"total": None},
    "no currency": {"currency": None},
    "an empty currency": {"currency": ""},
    "a number of 60 characters": {"number": "A" * 60},
    "a number with a line break": {"number": "A\n1"},
    "no number yet": {"number": ""},
    "no number at all": {"number": None},
}
VERBS = {
    "authorize_selected": gateway.authorize_selected,
    "capture": gateway.capture,
    "capture of an amount": lambda order: gateway.capture(order, "5.00"),
    "capture of a large amount": lambda order: gateway.capture(order, "150000.00"),
    "refund": gateway.refund,
    "refund of an amount": lambda order: gateway.refund(order, "5.00"),
    "refund of a large amount": lambda order: gateway.refund(order, "150000.00"),
    "refund of nothing": lambda order: gateway.refund(order, "0.00"),
    "cancel": gateway.cancel,
}


@pytest.fixture(params=ODD.values(), ids=ODD)
def odd_order(request, shop):
    """An order without vouchers, not stored: a shop's database may hold what that of the test shop refuses."""
    return Order(**{"number": "A-1001", "total": D("50.00"), "currency": "EUR", **request.param})


def test_every_verb_leaves_an_odd_order_without_vouchers_alone(shop, odd_order):
    assert {name: verb(odd_order) for name, verb in VERBS.items()} == {name: [] for name in VERBS}
    assert shop.calls() == []


def test_no_voucher_covers_anything_of_an_odd_order(odd_order):
    cover = gateway.cover(odd_order)
    figures = (cover.total, cover.captured, cover.held, cover.covered, cover.due)
    assert list(map(str, figures)) == ["0.00"] * 5
    assert (cover.held_until, cover.is_firm) == (None, True)


def test_an_order_that_costs_less_than_nothing_owes_nothing(shop):
    assert Order(number="A-1", total=D("-5.00")).voucher_due == D("0.00")
    assert gateway.cover(Order(number="A-1", total=D("-5.00"))).currency == "EUR"


def test_every_event_leaves_an_odd_order_without_vouchers_alone(shop, odd_order, gateway_settings, caplog):
    gateway_settings(EVENTS=EVENTS, CAPTURE="immediate")
    for order in (odd_order, None):
        for signal in (signals.confirmed, signals.shipped, signals.returned, signals.aborted):
            signal.send(sender=None, order=order)
            signal.send(sender=None, order=order, amount=D("150000.00"))
    assert (shop.calls(), caplog.records) == ([], [])


@pytest.mark.parametrize(
    "fields", [{"number": "A" * 60}, {"number": ""}, {"total": D("-5.00")}, {"currency": ""}]
)
def test_every_status_leaves_an_odd_order_without_vouchers_alone(shop, gateway_settings, caplog, fields):
    gateway_settings(ON_STATUS=ON_STATUS)
    order = Order(**{"number": "A-1001", "total": D("50.00"), **fields})
    for status in ("confirmed", "shipped", "returned", "cancelled"):
        order.status = status
        order.save()
    assert (shop.calls(), caplog.records) == ([], [])


def test_an_order_whose_invoice_is_not_written_yet_has_no_number(shop, gateway_settings):
    gateway_settings(ORDER_FIELDS={"number": "invoice.number"})
    order = Order(number="A-1001", total=D("50.00"))
    order.invoice = None
    assert gateway.capture(order) == []
    with pytest.raises(PaymentStateError, match="has no number yet"):
        gateway.select(order, CODE)


REFUSALS = {
    *("amount_bounds", "amount_malformed", "currency_malformed", "nothing_due"),
    *("order_number_malformed", "order_number_missing", "order_unsaved"),
}


def test_no_voucher_is_put_on_an_odd_order(shop, odd_order):
    may_grow = odd_order.total == D("0.00")
    for verb in (gateway.authorize,) if may_grow else (gateway.authorize, gateway.select):
        with pytest.raises(PaymentStateError) as caught:
            verb(odd_order, CODE)
        assert caught.value.code in REFUSALS
    assert (shop.calls(), VoucherPayment.objects.count()) == ([], 0)


@pytest.mark.parametrize("fields", [{"total": None}, {"total": D("12.345")}, {"currency": ""}])
@pytest.mark.parametrize("verb", [gateway.authorize_selected, gateway.capture, gateway.cover])
def test_an_odd_order_with_a_voucher_is_a_clear_error(shop, order, verb, fields):
    shop.calls()
    for name, value in fields.items():
        setattr(order, name, value)
    with pytest.raises(AmountError, match="Nothing was sent"):
        verb(order)
    assert shop.calls() == []


@pytest.mark.parametrize("verb", [gateway.capture, gateway.refund])
def test_an_impossible_amount_is_a_clear_error_where_there_is_a_voucher(shop, order, verb):
    with pytest.raises(AmountError, match="amount: must be from"):
        verb(order, "150000.00")


@pytest.mark.parametrize("total", [D("-5.00"), D("0.00")])
@pytest.mark.parametrize("of_payment", [False, True])
def test_an_order_of_which_nothing_is_due_any_more_is_charged_nothing(shop, order, caplog, total, of_payment):
    shop.calls()
    order.total = total
    order.save()
    assert gateway.capture(order.voucher_payments.get() if of_payment else order) == []
    assert "nothing is due on order A-1001 any more, so nothing was captured" in caplog.text
    assert (shop.calls(), order.voucher_captured, order.voucher_due) == ([], D("0.00"), D("0.00"))
    with pytest.raises(AmountError, match=r"only 0\.00 are due"):
        gateway.capture(order, "5.00")


def test_a_hold_of_an_order_that_costs_less_than_nothing_is_let_go(shop, order):
    order.total = D("-5.00")
    assert gateway.authorize_selected(order) == []
    assert order.voucher_authorized == D("0.00")


def test_a_single_payment_of_a_hidden_order_is_charged_by_the_order_s_total(shop, gateway_settings):
    gateway_settings(ORDER_MODEL="shop.StoreOrder")
    shop.voucher("20.00")
    order = StoreOrder.visible.create(number="A-1001", total=D("20.00"))
    payment = gateway.authorize(order, CODE)
    order.total, order.is_deleted = D("15.00"), True
    order.save()
    gateway.capture(payment)
    payment.refresh_from_db()
    assert payment.amount_captured == D("15.00")
