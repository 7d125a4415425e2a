"""The constraints of the database: rows that break them cannot be written."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import translation

from tests.shop.models import Order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale

pytestmark = pytest.mark.django_db

PAYMENT = {
    "order_number": "A-1",
    "currency": "EUR",
    "code_hint": "ABCD",
    "code_fingerprint": "f",
    "status": "selected",
}


def payment(**fields):
    return VoucherPayment.objects.create(**{**PAYMENT, **fields})


@pytest.mark.parametrize(
    "impossible",
    [
        {"status": "paid"},
        {"amount_authorized": D("-0.01")},
        {"amount_refunded": D("0.01")},
        {"status": "captured"},
        {"status": "captured", "amount_captured": D("5.00"), "amount_refunded": D("5.01")},
        {"status": "refunded", "amount_captured": D("5.00"), "amount_refunded": D("4.99")},
        {"status": "cancelled", "amount_captured": D("5.00"), "amount_refunded": D("4.99")},
        {"status": "authorized"},
        {"status": "authorized", "amount_authorized": D("5.00")},
        {"status": "lapsed", "amount_authorized": D("5.00"), "reservation_id": "r"},
    ],
)
def test_an_impossible_payment_cannot_be_written(impossible):
    with pytest.raises(IntegrityError), transaction.atomic():
        payment(**impossible)


def test_a_voucher_stands_once_on_an_order():
    payment()
    with pytest.raises(IntegrityError), transaction.atomic():
        payment()
    payment(order_number="A-2")


@pytest.mark.parametrize(
    "impossible",
    [
        {"state": "done"},
        {"voucher_id": ""},
        {"amount": D("0.00")},
        {"state": "succeeded"},
        {"payment": None},
    ],
)
def test_an_impossible_operation_cannot_be_written(impossible):
    fields = {
        "order_number": "A-1", "number": 1, "kind": "charge", "state": "due", "amount": D("5.00"), "currency": "EUR",
        "voucher_id": "v", "reference": "A-1-1.x", "payment": payment(),
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        VoucherOperation.objects.create(**{**fields, **impossible})
    VoucherOperation.objects.create(**fields)


def test_one_booking_belongs_to_one_operation():
    fields = {
        "order_number": "A-1",
        "amount": D("5.00"),
        "currency": "EUR",
        "voucher_id": "v",
        "state": "succeeded",
        "payment": payment(),
    }
    VoucherOperation.objects.create(number=1, kind="charge", reference="a", remote_id="b1", **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        VoucherOperation.objects.create(number=2, kind="refund", remote_id="b1", **fields)


def sale(**fields):
    given = {"order_number": "A-1", "key": "a", "amount": D("50.00"), "currency": "EUR"}
    return VoucherSale.objects.create(**{**given, **fields})


@pytest.mark.parametrize(
    "impossible",
    [
        {"status": "paid"},
        {"target": "ordered"},
        {"amount": D("-0.01")},
        {"key": "a"},
        {"key": "b", "voucher_id": "vpg-1"},
    ],
)
def test_an_impossible_sale_cannot_be_written(impossible):
    sale(voucher_id="vpg-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        sale(**{"key": "c", **impossible})


@pytest.mark.parametrize("reason", ["unpaid", "replaced", "refused"])
def test_an_order_may_be_sold_a_voucher_again_under_the_same_key(reason):
    sale(end_reason=reason)
    again = sale()
    assert list(VoucherSale.objects.all().of_order("A-1").standing()) == [again]


def test_an_operation_is_of_a_payment_or_of_a_sale_never_of_both():
    fields = {"order_number": "A-1", "number": 1, "kind": "issue", "amount": D("5.00"), "currency": "EUR"}
    sold = sale()
    with pytest.raises(IntegrityError), transaction.atomic():
        VoucherOperation.objects.create(state="due", payment=payment(), sale=sold, **fields)
    VoucherOperation.objects.create(state="due", sale=sold, **fields)
    fields |= {"number": 2, "kind": "activate"}
    with pytest.raises(IntegrityError), transaction.atomic():
        VoucherOperation.objects.create(state="unknown", sale=sold, **fields)
    VoucherOperation.objects.create(state="succeeded", sale=sold, **fields)


def test_nothing_about_money_is_ever_deleted():
    row = payment()
    sold = sale()
    for delete in (
        row.delete,
        VoucherPayment.objects.all().delete,
        sold.delete,
        VoucherSale.objects.all().delete,
    ):
        with pytest.raises(models.ProtectedError):
            delete()
    assert (VoucherPayment.objects.count(), VoucherSale.objects.count()) == (1, 1)


def test_a_payment_shows_no_secret():
    row = payment(sealed_code="sealed", voucher_id="v-1")
    assert "sealed" not in repr(row) + str(row)
    assert row.code_fingerprint not in repr(row)


def test_titles_are_in_the_language_of_the_page():
    charge = VoucherOperation(
        order_number="A-1", number=1, kind="charge", state="succeeded", amount=D("20.00"), currency="EUR"
    )
    rows = [VoucherPayment(**PAYMENT), VoucherSale(order_number="A-1", code_hint="ABCD"), charge]
    with translation.override("de"):
        assert [str(row) for row in rows] == [
            "A-1: Gutschein …ABCD",
            "A-1: verkaufter Gutschein …ABCD",
            "A-1 #1: Abbuchung 20.00 EUR (erledigt)",
        ]


def test_a_saved_order_keeps_its_reservation_ids_and_a_new_one_may_bring_some():
    order = Order.objects.create(number="A-1", total=D("5.00"), voucher_reservation_ids=["r0"])
    Order.objects.update(voucher_reservation_ids=["r0", "r1"])
    order.total = D("6.00")
    order.save()
    order.save(update_fields=["voucher_reservation_ids"])
    fresh = Order.objects.get()
    assert (fresh.voucher_reservation_ids, fresh.total) == (["r0", "r1"], D("6.00"))


def loaded_order():
    Order.objects.create(number="A-1", total=D("5.00"), voucher_reservation_ids=["r0"])
    return Order.objects.get()


def created_order():
    order = Order.objects.create(number="A-1", total=D("5.00"))
    order.voucher_reservation_ids.append("r0")  # as ``authorize`` shows it on the order that it was given
    Order.objects.update(voucher_reservation_ids=["r0"])
    return order


@pytest.mark.parametrize("original", [loaded_order, created_order])
def test_a_copied_order_does_not_take_the_reservation_ids_along(original):
    order = original()
    order.pk, order.number = None, "A-2"
    order.save()
    assert order.voucher_reservation_ids == []
    rows = dict(Order.objects.values_list("number", "voucher_reservation_ids"))
    assert rows == {"A-1": ["r0"], "A-2": []}


def test_sums_have_two_places():
    payment(status="captured", amount_captured=D("20.00"))
    sums = VoucherPayment.objects.all().sums()
    assert {name: str(value) for name, value in sums.items()} == {
        "authorized": "0.00",
        "captured": "20.00",
        "refunded": "0.00",
    }
