"""What an order and the rows say of themselves does not come from the replica, relations included.

A test is named after the property of the order that it covers; a property without a test fails here.
"""

from decimal import Decimal as D

import pytest
from django.apps import apps
from django.utils import timezone

from tests.replica.lagging import covered, payment_of, stored
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherArchivedOperation,
    VoucherArchivedOrder,
    VoucherClosedPeriod,
    VoucherDifference,
    VoucherGatewayState,
    VoucherIdempotencyKey,
    VoucherLiability,
    VoucherOperation,
    VoucherOrderMixin,
    VoucherPayment,
    VoucherSale,
    VoucherStaffCase,
    VoucherStaffNotice,
)
from voucher_payment_gateway.rules.tax import TaxMemo

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "replica"])

MODELS = (
    VoucherPayment,
    VoucherOperation,
    VoucherIdempotencyKey,
    VoucherDifference,
    VoucherSale,
    VoucherApproval,
    VoucherArchivedOrder,
    VoucherArchivedOperation,
)


def test_order_voucher_payments(held):
    assert list(held.voucher_payments) == [payment_of(held)]


def test_order_voucher_authorized(held):
    assert held.voucher_authorized == D("20.00")


def test_order_voucher_captured(captured):
    assert captured.voucher_captured == D("20.00")


def test_order_voucher_refunded(captured):
    gateway.refund(captured, "5.00")
    assert captured.voucher_refunded == D("5.00")


def test_order_voucher_due(held):
    assert held.voucher_due == D("30.00")


def test_order_voucher_sales(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    order = shop.order("50.00", note="a=50.00")
    issued = gateway.issue(order)
    assert list(order.voucher_sales) == issued


def test_order_voucher_tax_memos(captured):
    stored(VoucherPayment).update(taxable=True, tax_rate=D("19.00"))
    assert [type(memo) for memo in captured.voucher_tax_memos] == [TaxMemo]


RELATIONS = [
    (model, field.get_accessor_name() if field.one_to_many else field.name)
    for model in MODELS
    for field in model._meta.get_fields()
    if field.is_relation
]
OF_A_SALE = [
    (VoucherOperation, "sale"),
    (VoucherOperation, "replacements"),
    (VoucherDifference, "sale"),
    (VoucherArchivedOperation, "sale"),
    *((model, name) for model, name in RELATIONS if model is VoucherSale),
]


def archive(pk, **relations):
    order = VoucherArchivedOrder.objects.create(
        order_number="A-1001", operation_count=1, sums={}, archived_at=timezone.now()
    )
    fields = {"order_number": "A-1001", "number": 1, "amount": D("5.00"), "more": {}}
    VoucherArchivedOperation.objects.create(id=pk, archived_order=order, **fields, **relations)


@pytest.mark.parametrize(("model", "name"), [each for each in RELATIONS if each not in OF_A_SALE])
def test_a_relation(difference, model, name):
    charge = stored(VoucherOperation).get(kind="charge")
    VoucherDifference.objects.update(payment=charge.payment_id, operation=charge)
    charge.idempotency_key = VoucherIdempotencyKey.objects.create(
        order_number="A-1001", verb="capture", key="k"
    )
    charge.save()
    charge = stored(VoucherOperation).get(kind="charge")
    VoucherApproval.objects.create(
        **{"order_number": "A-1001", "payment": charge.payment, "amount": D("5.00"), "key": "k"},
        **dict.fromkeys(("requested_at", "expires_at"), charge.created_at),
    )
    archive(charge.pk, payment=charge.payment, idempotency_key=charge.idempotency_key)
    row = charge if model is VoucherOperation else stored(model).get()
    related = getattr(row, name)
    assert related.exists() if hasattr(related, "exists") else related is not None


@pytest.mark.parametrize(("model", "name"), OF_A_SALE)
def test_a_relation_of_a_sale(difference, model, name):
    refund = stored(VoucherOperation).get(kind="charge")
    fields = {"order_number": "A-1001", "amount": D("5.00"), "currency": "EUR"}
    sale = VoucherSale.objects.create(key="a", replaces_refund=refund, **fields)
    issue = VoucherOperation.objects.create(sale=sale, number=1, kind="issue", state="succeeded", **fields)
    VoucherDifference.objects.update(sale=sale)
    archive(issue.pk, sale=sale)
    row = {VoucherOperation: refund if name == "replacements" else issue, VoucherSale: sale}.get(model)
    related = getattr(stored(model).get(pk=row.pk) if row else stored(model).get(), name)
    assert related.exists() if hasattr(related, "exists") else related is not None


def test_a_payment_says_whether_it_is_pending(unknown):
    assert payment_of(unknown).pending


def test_every_property_of_an_order_is_covered():
    properties = {name for name, value in vars(VoucherOrderMixin).items() if isinstance(value, property)}
    assert covered(globals(), "order") == properties


def test_every_model_is_covered():
    without_relation = {
        VoucherGatewayState,
        VoucherClosedPeriod,
        VoucherLiability,
        VoucherStaffCase,
        VoucherStaffNotice,
    }
    models = set(apps.get_app_config("voucher_payment_gateway").get_models())
    assert set(MODELS) == models - without_relation
