"""What a shop set up a little wrong, or a customer in a hurry, sees at the checkout."""

from decimal import Decimal as D

import pytest

from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError, ReservationClosedError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderAdapter

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def order(shop, client):
    order = shop.order("50.00")
    session = client.session
    session["order_number"] = order.number
    session.save()
    return order


def post(client, path, **fields):
    return client.post(f"/vouchers/{path}/", fields, HTTP_ACCEPT="application/json")


@pytest.mark.parametrize("total", [50.0, None, "50,00", D("50.001"), True])
def test_an_adapter_whose_total_is_wrong_is_told_to_the_operator(
    shop, client, order, monkeypatch, caplog, total
):
    shop.voucher("20.00", code=CODE)
    plain = OrderAdapter._read
    monkeypatch.setattr(
        OrderAdapter, "_read", lambda self, o, path: total if path == "total" else plain(self, o, path)
    )
    answer = post(client, "apply", code=CODE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "payment_state")
    (line,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "total: " in line.getMessage()
    assert CODE not in caplog.text


def test_an_order_of_another_model_is_refused(shop):
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    other = Invoice.objects.create(reference="X", gross=D("7.00"))
    other.number, other.total, other.currency = order.number, D("7.00"), "EUR"
    with pytest.raises(PaymentStateError, match=r"Invoice is another model: give an order of shop\.Order"):
        gateway.authorize(other, CODE)
    assert not VoucherPayment.objects.exists()


def test_reserving_again_counts_only_what_is_sent(shop, client, order, gateway_settings):
    gateway_settings(THROTTLE={"holds": "2/1h"})
    shop.voucher("20.00", code=CODE)
    assert post(client, "apply", code=CODE).status_code == 200
    shop.calls()
    for _ in range(5):
        assert post(client, "renew").status_code == 200
    assert shop.calls() == []


def test_a_vendor_media_type_of_json_is_json(shop, client, order):
    shop.voucher("20.00", code=CODE)
    answer = client.post("/vouchers/apply/", {"code": CODE}, content_type="application/vnd.api+json")
    assert answer.status_code == 200


def test_a_reservation_that_ended_and_cannot_be_made_again_is_told_at_the_confirmation(
    shop, gateway_settings
):
    gateway_settings(SEALING_KEYS=[])
    shop.voucher("20.00", code=CODE)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    shop.later(minutes=31)
    with pytest.raises(ReservationClosedError):
        gateway.authorize_selected(order)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.confirmed_at) == ("lapsed", None)
    assert Order.objects.get().voucher_due == D("50.00")
