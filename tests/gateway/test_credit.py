"""Store credit for an order that was paid otherwise: a new voucher, or a recharge of one. No payment is touched."""

from decimal import Decimal as D

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import transaction

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    CurrencyMismatchError,
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
    WrongStateError,
)
from voucher_payment_gateway.models import (
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)
from voucher_payment_gateway.orders import SoldVoucher
from voucher_payment_gateway.sold import checked

CREATE = "/v1/vouchers"
RECHARGE = "/v1/vouchers/recharge"
ADA = "ada@example.org"


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


def look_again():
    VoucherOperation.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    VoucherSale.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    return gateway.settle()


def test_an_order_without_vouchers_gets_an_active_one_by_mail(shop):
    order = shop.order("50.00")
    sale = gateway.credit(
        order, "12.50", key="return-1", recipient_email=ADA, message="Sorry!", actor="clerk", reason="late"
    )
    assert (sale.origin, sale.status, sale.amount, sale.order_number) == (
        "credit",
        "active",
        D("12.50"),
        "A-1001",
    )
    assert (sale.actor, sale.reason, sale.message) == ("clerk", "late", "Sorry!")
    assert shop.cloud.balance(sale.voucher_id) == D("12.50")
    (message,) = mail.outbox
    assert message.to == [ADA]
    assert shop.cloud.voucher(sale.voucher_id).code in message.body
    assert not VoucherPayment.objects.exists()


def test_without_a_recipient_it_is_shown_on_a_page(shop):
    assert gateway.credit(shop.order("50.00"), "12.50", key="return-1").delivery == "page"


def test_the_same_key_gives_once_and_another_amount_is_refused(shop):
    order = shop.order("50.00")
    first = gateway.credit(order, "12.50", key="return-1")
    assert gateway.credit(order, D("12.50"), key="return-1").pk == first.pk
    with pytest.raises(AmountError) as refused:
        gateway.credit(order, "12.51", key="return-1")
    assert refused.value.code == "key_reused"
    assert gateway.credit(order, "12.50", key="return-2").pk != first.pk
    assert VoucherSale.objects.count() == 2


def test_payments_are_never_touched_and_the_total_is_no_limit(shop):
    voucher = shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    gateway.credit(order, "99999.99", key="goodwill")
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert (order.voucher_refunded, gateway.cover(order).kept) == (D("0.00"), D("20.00"))
    with pytest.raises(AmountError):
        gateway.credit(order, "100000.00", key="more")


def test_a_sale_is_recharged_once(seller):
    (sale,) = gateway.activate(seller.order("50.00", note="a=50.00"))
    order = seller.order("30.00", number="A-2")
    for _ in range(2):
        credited = gateway.credit(order, "12.50", key="return-1", sale=sale)
        assert (credited.pk, credited.amount_topped_up) == (sale.pk, D("12.50"))
    assert seller.cloud.balance(sale.voucher_id) == D("62.50")
    key = VoucherIdempotencyKey.objects.get()
    assert (key.verb, key.order_number, key.operations.get().kind) == ("credit", "A-2", "recharge")
    for other in (None, gateway.credit(order, "5.00", key="other")):
        with pytest.raises(WrongStateError) as refused:
            gateway.credit(order, "12.50", key="return-1", sale=other)
        assert refused.value.code == "key_reused"
    with pytest.raises(WrongStateError) as refused:
        gateway.credit(order, "5.00", key="other", sale=sale)
    assert refused.value.code == "key_reused"


def test_a_sale_must_be_active_and_in_the_currency_of_the_order(seller):
    (sale,) = gateway.issue(seller.order("50.00", note="a=50.00"))
    with pytest.raises(WrongStateError, match="not activated yet"):
        gateway.credit(seller.order("30.00", number="A-2"), "12.50", key="k", sale=sale)
    with pytest.raises(CurrencyMismatchError):
        gateway.credit(seller.order("30.00", number="A-3", currency="CHF"), "12.50", key="k", sale=sale)
    with pytest.raises(PaymentStateError, match=r"^sale: "):
        gateway.credit(seller.order("30.00", number="A-4"), "12.50", key="k", sale="1")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"key": ""}, "key"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"recipient_email": "nobody"}, "recipient_email"),
        ({"message": "m" * 1001}, "message"),
    ],
)
def test_bad_input_is_named_and_nothing_is_sent(shop, arguments, named):
    order = shop.order("50.00")
    shop.calls()
    given = {"amount": "10.00", "key": "k"} | arguments
    with pytest.raises(PaymentStateError, match=rf"^{named}.*Nothing was sent"):
        gateway.credit(order, given.pop("amount"), **given)
    assert (shop.calls(), VoucherSale.objects.count(), VoucherIdempotencyKey.objects.count()) == ([], 0, 0)


def test_without_sealing_keys_no_voucher_is_given(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(PaymentStateError, match="SEALING_KEYS"):
        gateway.credit(shop.order("50.00"), "10.00", key="k")
    assert not VoucherSale.objects.exists()


def test_its_key_is_none_that_a_sold_voucher_can_have(seller):
    order = seller.order("50.00", note="a=50.00")
    credited = gateway.credit(order, "10.00", key="a")
    (sold,) = gateway.activate(order)
    assert sold.pk != credited.pk
    for key in ("credit:a", "refund:1"):
        with pytest.raises(PaymentStateError, match="must not begin"):
            checked(SoldVoucher(key, D("1.00")), "EUR")


def test_the_vouchers_of_a_returned_order_are_taken_back_and_its_credit_stays(seller):
    order = seller.order("50.00", note="a=50.00")
    (sold,) = gateway.activate(order)
    credited = gateway.credit(order, "10.00", key="return")
    assert [sale.pk for sale in gateway.take_back(order)] == [sold.pk]
    credited.refresh_from_db()
    assert credited.status == "active"
    assert [sale.status for sale in gateway.take_back(credited)] == ["taken_back"]


def test_inside_a_transaction_it_is_given_after_the_commit(shop):
    order = shop.order("50.00")
    shop.calls()
    with transaction.atomic():
        sale = gateway.credit(order, "10.00", key="k")
        assert (sale.status, shop.calls()) == ("ordered", [])
    sale.refresh_from_db()
    assert sale.status == "active"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        gateway.credit(order, "10.00", key="k2")
        raise ZeroDivisionError
    gateway.settle()
    assert VoucherSale.objects.count() == 1


@pytest.mark.parametrize("fault", ["after:drop", "before:drop", "after:500", "before:503", "after:truncated"])
def test_a_creation_without_a_clear_answer_gives_one_voucher(shop, fault):
    order = shop.order("50.00")
    shop.cloud.faults.next(fault, method="POST", path=CREATE, times=2 if fault == "before:503" else 1)
    with pytest.raises((OutcomeUnknownError, UnavailableError)):
        gateway.credit(order, "10.00", key="k")
    shop.cloud.faults.clear()
    for _ in range(3):
        look_again()
    sale = gateway.credit(order, "10.00", key="k")
    assert (sale.status, VoucherSale.objects.count()) == ("active", 1)
    assert len(shop.cloud.store.state.vouchers) == 1


def test_a_refused_creation_gives_nothing_and_stays_refused(shop, record_signal):
    told = record_signal("voucher_needs_review")
    order = shop.order("50.00")
    shop.cloud.faults.next("before:422", method="POST", path=CREATE)
    for _ in range(2):
        with pytest.raises(RefusedError):
            gateway.credit(order, "10.00", key="k")
    assert told == [("A-1001", D("10.00"))]
    assert VoucherSale.objects.get().status == "failed"
    assert gateway.credit(order, "10.00", key="k2").status == "active"


def test_a_crash_between_the_row_and_its_creation_is_made_up_for(shop, during):
    order = shop.order("50.00")
    during("create_voucher", lambda: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        gateway.credit(order, "10.00", key="k")
    shop.later(minutes=10)
    for _ in range(3):
        look_again()
    assert gateway.credit(order, "10.00", key="k").status == "active"
    assert len(shop.cloud.store.state.vouchers) == 1


def test_the_async_form_does_the_same(shop):
    assert async_to_sync(gateway.acredit)(shop.order("50.00"), "10.00", key="k").status == "active"
