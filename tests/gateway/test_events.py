"""EVENTS and ON_STATUS: the shop's own signals and status changes call the verbs."""

from decimal import Decimal as D

import pytest
from django.db import transaction

from tests.shop import signals
from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import AmountError, PaymentStateError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": ["tests.shop.signals.shipped"],
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}
ON_STATUS = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}


@pytest.fixture
def order(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.select(order, "GIFT-2000-ABCD")
    return order


def status():
    return VoucherPayment.objects.get().status


def test_the_shops_signals_drive_a_payment_from_end_to_end(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    signals.confirmed.send(sender=None, order=order)
    assert status() == "authorized"
    signals.shipped.send(sender=None, order=order)
    assert status() == "captured"
    signals.returned.send(sender=None, order=order, amount=D("5.00"))
    assert order.voucher_refunded == D("5.00")
    signals.returned.send(sender=None, order=order)
    assert status() == "refunded"


def test_a_signal_aborts(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    signals.confirmed.send(sender=None, order=order)
    signals.aborted.send(sender=None, order=order)
    assert status() == "cancelled"


def test_a_refused_authorize_reaches_the_checkout(shop, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    order = shop.order("50.00")
    gateway.select(order, "NO-SUCH-VOUCHER")
    with pytest.raises(VoucherUnusableError):
        signals.confirmed.send(sender=None, order=order)


def test_a_refund_of_more_than_was_captured_reaches_the_clerk(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    signals.confirmed.send(sender=None, order=order)
    signals.shipped.send(sender=None, order=order)
    with pytest.raises(AmountError):
        signals.returned.send(sender=None, order=order, amount=D("20.01"))


def test_a_signal_without_an_order_says_how_to_send_it(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    with pytest.raises(PaymentStateError, match=r"shipped\.send\(sender, order=order\)"):
        signals.shipped.send(sender=None, invoice=order)


@pytest.mark.parametrize("fault", ["before:drop", "before:503"])
def test_shipping_goes_on_while_the_voucher_cloud_does_not_answer(shop, order, gateway_settings, fault):
    gateway_settings(EVENTS=EVENTS)
    signals.confirmed.send(sender=None, order=order)
    shop.cloud.faults.next(fault, method="POST", times=9)
    signals.shipped.send(sender=None, order=order)
    assert VoucherOperation.objects.get(kind="charge").state in ("unknown", "due")


def test_captured_at_once_where_the_setting_says_so(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS, CAPTURE="immediate")
    signals.confirmed.send(sender=None, order=order)
    assert status() == "captured"


def test_without_events_nothing_listens(order, gateway_settings):
    gateway_settings(EVENTS=EVENTS)
    gateway_settings(EVENTS={})
    signals.confirmed.send(sender=None, order=order)
    assert status() == "selected"


def test_a_status_field_drives_a_payment_from_end_to_end(order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    for value, expected in [("confirmed", "authorized"), ("shipped", "captured"), ("returned", "refunded")]:
        order.status = value
        order.save()
        assert status() == expected


def test_a_status_cancels(order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    order.status = "cancelled"
    order.save()
    assert status() == "cancelled"


def test_saving_a_shipped_order_again_charges_nothing_more(shop, order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    for value in ("confirmed", "shipped"):
        order.status = value
        order.save()
    shop.calls()
    order.note = "left at the door"
    order.save()
    order.save(update_fields=["note"])
    assert shop.calls() == []
    assert order.voucher_captured == D("20.00")


def test_a_cancelled_order_that_is_shipped_can_still_be_saved(order, gateway_settings, caplog):
    gateway_settings(ON_STATUS=ON_STATUS)
    for value in ("cancelled", "shipped"):
        order.status = value
        order.save()
    assert Order.objects.get().status == "shipped"
    assert "no capture" in caplog.text


def test_status_and_charge_commit_together_or_not_at_all(shop, order, gateway_settings):
    gateway_settings(ON_STATUS=ON_STATUS)
    order.status = "confirmed"
    order.save()
    with pytest.raises(RuntimeError), transaction.atomic():
        order.status = "shipped"
        order.save()
        raise RuntimeError
    assert status() == "authorized"
    with transaction.atomic():
        order.save()
    assert status() == "captured"


def test_an_order_model_that_was_never_changed_is_driven_by_its_own_names(shop, gateway_settings):
    gateway_settings(
        ORDER_MODEL="shop.Invoice",
        ORDER_FIELDS={"number": "reference", "total": "gross", "currency": "money"},
        ON_STATUS={"field": "state", "authorize": ["open"], "capture": ["sent"]},
    )
    shop.voucher("20.00")
    invoice = Invoice.objects.create(reference="R-1", gross=D("20.00"))
    gateway.select(invoice, "GIFT-2000-ABCD")
    for value in ("open", "sent"):
        invoice.state = value
        invoice.save()
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


@pytest.mark.parametrize(
    "wrong",
    [
        {"EVENTS": {**EVENTS, "no_verb": "tests.shop.signals.confirmed"}},
        {"EVENTS": {"authorize": "tests.shop.signals.confirmed", "capture": [7, None]}},
        {"EVENTS": EVENTS, "NO_SUCH_KEY": 1},
        {"EVENTS": 7, "ON_STATUS": 7, "ORDER_MODEL": 7},
        {"EVENTS": ["authorize"], "ON_STATUS": ["status"], "ORDER_MODEL": "order"},
        {"EVENTS": {"authorize": 7}, "ON_STATUS": {"field": 7}, "ORDER_MODEL": "shop.NoSuchModel"},
        {"ON_STATUS": {"authorize": ["new"]}},
        {"ON_STATUS": ON_STATUS, "ORDER_MODEL": None},
    ],
)
def test_while_a_setting_is_wrong_nothing_happens_to_the_shops_orders(order, gateway_settings, wrong):
    """The system checks report it. Signals are connected to as the settings are written, without checking them all."""
    gateway_settings(**wrong)
    signals.confirmed.send(sender=None, order=order)
    order.status = "confirmed"
    order.save()
    assert status() == "selected"
    Order.objects.create(number="A-1", total=D("1.00")).delete()
