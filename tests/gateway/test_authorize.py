"""Authorize: the amount held, the amount still due, and refusals that leave no row."""

from decimal import Decimal as D

import pytest

from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    AmountError,
    CurrencyMismatchError,
    PaymentStateError,
    VoucherUnusableError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderFacts


def test_a_voucher_that_holds_enough_is_reserved_for_what_is_due(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    payment = gateway.authorize(order, "GIFT-2000-ABCD")
    assert (payment.status, payment.amount_authorized) == ("authorized", D("50.00"))
    assert (order.voucher_authorized, order.voucher_due) == (D("50.00"), D("0.00"))
    assert payment.code_hint == "ABCD"


def test_a_voucher_that_holds_less_is_reserved_for_all_it_holds(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    payment = gateway.authorize(order, "GIFT-2000-ABCD")
    assert payment.amount_authorized == D("20.00")
    assert order.voucher_due == D("30.00")


def test_the_reservation_ids_stand_on_the_order_oldest_first(shop):
    shop.voucher("20.00")
    shop.voucher("10.00", code="GIFT-1000-WXYZ")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD")
    second = gateway.authorize(order, "GIFT-1000-WXYZ")
    expected = [first.reservation_id, second.reservation_id]
    assert order.voucher_reservation_ids == expected
    assert Order.objects.get().voucher_reservation_ids == expected


def test_an_order_loaded_before_and_saved_afterwards_keeps_the_reservation_ids(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    stale = Order.objects.get(pk=order.pk)
    payment = gateway.authorize(order, "GIFT-2000-ABCD")
    stale.note = "leave it at the door"
    stale.save()
    saved = Order.objects.get()
    assert saved.voucher_reservation_ids == [payment.reservation_id]
    assert saved.note == "leave it at the door"


def test_the_same_code_twice_is_one_payment_and_one_call(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD")
    shop.calls()
    second = gateway.authorize(order, "  GIFT-2000-ABCD ")
    assert first == second
    assert shop.calls() == []


def test_a_part_can_be_asked_for(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    assert gateway.authorize(order, "GIFT-2000-ABCD", amount="12.50").amount_authorized == D("12.50")
    assert order.voucher_due == D("37.50")


def test_the_pin_is_sent_and_a_wrong_one_is_unusable(shop):
    shop.voucher("80.00", pin="2468")
    order = shop.order("50.00")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(order, "GIFT-2000-ABCD", pin="1357")
    assert gateway.authorize(order, "GIFT-2000-ABCD", pin="2468").amount_authorized == D("50.00")


def test_the_sum_of_payments_never_exceeds_the_total(shop):
    shop.voucher("80.00")
    shop.voucher("80.00", code="GIFT-8000-WXYZ")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD", amount="40.00")
    assert gateway.authorize(order, "GIFT-8000-WXYZ").amount_authorized == D("10.00")
    with pytest.raises(AmountError) as caught:
        shop.voucher("5.00", code="GIFT-0500-MNOP")
        gateway.authorize(order, "GIFT-0500-MNOP")
    assert caught.value.code == "nothing_due"


def test_a_total_that_fell_is_reserved_again_for_less(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    Order.objects.update(total=D("30.00"))
    order.refresh_from_db()
    assert gateway.authorize(order, "GIFT-2000-ABCD").amount_authorized == D("30.00")
    assert VoucherPayment.objects.count() == 1


def test_a_payment_stays_after_its_order_model_was_never_changed(shop):
    shop.voucher("20.00")
    payment = gateway.authorize(OrderFacts("B-1", D("50.00"), "EUR"), "GIFT-2000-ABCD")
    assert payment.order_number == "B-1"


@pytest.mark.parametrize(
    "amount",
    [
        "12,5",
        "0",
        "-1",
        "100000.00",
        "1.005",
        "NaN",
        "",
        "1e1",
        " 5",
        D("NaN"),
        D("Infinity"),
        1.5,
        True,
        b"5",
    ],
)
def test_an_impossible_amount_is_refused_and_nothing_is_sent(shop, amount):
    shop.voucher("20.00")
    with pytest.raises(AmountError, match="amount"):
        gateway.authorize(shop.order("50.00"), "GIFT-2000-ABCD", amount=amount)
    assert shop.calls() == []


def test_more_than_is_due_is_refused_and_nothing_is_clamped(shop):
    shop.voucher("80.00")
    with pytest.raises(AmountError, match=r"only 50\.00 EUR are due"):
        gateway.authorize(shop.order("50.00"), "GIFT-2000-ABCD", amount="50.01")
    assert shop.calls() == []


@pytest.mark.parametrize("code", ["", "   ", "x" * 256, "GIFT\x00", "GIFT\n2", None, 7])
def test_what_cannot_be_a_code_is_unusable_and_nothing_is_sent(shop, code):
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order("50.00"), code)
    assert shop.calls() == []


@pytest.mark.parametrize("status", ["unknown", "inactive"])
def test_any_unusable_code_gives_the_same_sentence_and_leaves_no_row(shop, status):
    if status == "inactive":
        shop.voucher("20.00", status="inactive")
    with pytest.raises(VoucherUnusableError) as caught:
        gateway.authorize(shop.order("50.00"), "GIFT-2000-ABCD")
    assert str(caught.value) == VoucherUnusableError.default_message
    assert VoucherPayment.objects.count() == VoucherOperation.objects.count() == 0


def test_full_width_characters_are_folded(shop):
    shop.voucher("80.00", code="GIFT-2000")
    assert gateway.authorize(shop.order("50.00"), "ＧＩＦＴ－２０００").amount_authorized == D("50.00")


def test_a_code_that_does_not_fit_the_pattern_is_not_sent(shop, gateway_settings):
    gateway_settings(CODE_PATTERN=r"GIFT-\d{4}")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize(shop.order("50.00"), "SUMMER10")
    assert shop.calls() == []


def test_a_voucher_in_another_currency_is_refused(shop):
    shop.voucher("80.00", currency="CHF")
    with pytest.raises((CurrencyMismatchError, VoucherUnusableError)):
        gateway.authorize(shop.order("50.00"), "GIFT-2000-ABCD")
    assert VoucherPayment.objects.count() == 0


@pytest.mark.parametrize("number", ["", "   ", "x" * 51, "A\n1"])
def test_an_order_without_a_sendable_number_is_refused(shop, number):
    shop.voucher("20.00")
    with pytest.raises(PaymentStateError, match="number"):
        gateway.authorize(shop.order("50.00", number=number), "GIFT-2000-ABCD")
    assert shop.calls() == []


@pytest.mark.parametrize("currency", ["", "EURO", "e1", None])
def test_an_order_without_a_currency_is_refused(shop, currency):
    shop.voucher("20.00")
    order = shop.order("50.00")
    order.currency = currency
    with pytest.raises(AmountError, match="currency"):
        gateway.authorize(order, "GIFT-2000-ABCD")


def test_two_spellings_of_one_code_are_one_payment(shop):
    """Where the remote side does not compare case, both spellings reserve the same voucher."""
    shop.cloud.behaviour = shop.cloud.behaviour.model_copy(update={"code_case_sensitive": False})
    shop.voucher("80.00", code="GIFT-2000-ABCD")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD", amount="20.00")
    payment = gateway.authorize(order, "gift-2000-abcd")
    assert VoucherPayment.objects.filter(status="authorized").get() == payment
    assert payment.amount_authorized == D("50.00")
    order.total = D("70.00")
    order.save()
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == D("70.00")


def test_inside_of_a_transaction_that_rolls_back_nothing_is_recorded(shop):
    from django.db import transaction

    shop.voucher("20.00")
    order = shop.order("50.00")
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.authorize(order, "GIFT-2000-ABCD")
        raise RuntimeError
    assert VoucherPayment.objects.count() == 0


def test_the_reservation_in_the_records_is_the_newest_one(shop, monkeypatch):
    """Another tab reserves before this one and records after it: its reservation is dead, so it reserves again."""
    from voucher_payment_gateway.gateway.verbs import authorize

    voucher = shop.voucher("80.00")
    order = shop.order("50.00")
    record, first = authorize.record_authorization, []

    def let_another_tab_be_first(*args, **options):
        if not first:
            first.append(True)
            gateway.authorize(order, "GIFT-2000-ABCD")
        return record(*args, **options)

    monkeypatch.setattr(authorize, "record_authorization", let_another_tab_be_first)
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.calls()
    gateway.capture(order)
    assert [method for method, _ in shop.calls()] == ["POST"]
    assert shop.bookings(voucher) == [("charge", D("50.00"))]


def test_an_order_whose_currency_changed_is_refused(shop):
    from voucher_payment_gateway.exceptions import WrongStateError

    shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    order.currency = "CHF"
    shop.calls()
    with pytest.raises(WrongStateError, match="CHF"):
        gateway.authorize(order, "GIFT-2000-ABCD")
    assert shop.calls() == []
