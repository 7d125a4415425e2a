"""Select and authorize_selected: codes are stored sealed, and reserved together."""

from decimal import Decimal as D

import pytest
from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import UnavailableError, VoucherUnusableError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.orders import OrderFacts


def test_select_sends_nothing_and_keeps_no_code_in_clear(shop):
    payment = gateway.select(shop.order("50.00"), "GIFT-2000-ABCD", pin="2468")
    assert shop.calls() == []
    assert (payment.status, payment.code_hint) == ("selected", "ABCD")
    stored = str(list(VoucherPayment.objects.values_list()))
    assert "GIFT" not in stored
    assert "2468" not in stored


def test_selecting_twice_is_one_payment_with_the_newer_pin(shop):
    shop.voucher("80.00", pin="2468")
    order = shop.order("50.00")
    first = gateway.select(order, "GIFT-2000-ABCD", pin="wrong")
    assert gateway.select(order, "GIFT-2000-ABCD", pin="2468") == first
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == D("50.00")


def test_without_a_sealing_key_nothing_can_be_selected(shop, gateway_settings):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(ImproperlyConfigured, match="SEALING_KEYS"):
        gateway.select(shop.order("50.00"), "GIFT-2000-ABCD")


def test_several_vouchers_share_the_total_and_the_earlier_is_used_first(shop):
    shop.voucher("20.00")
    shop.voucher("40.00", code="GIFT-4000-EFGH")
    shop.voucher("40.00", code="GIFT-4000-WXYZ")
    order = shop.order("50.00")
    for code in ("GIFT-2000-ABCD", "GIFT-4000-EFGH", "GIFT-4000-WXYZ"):
        gateway.select(order, code)
    held = [payment.amount_authorized for payment in gateway.authorize_selected(order)]
    assert held == [D("20.00"), D("30.00")]
    assert (order.voucher_authorized, order.voucher_due) == (D("50.00"), D("0.00"))
    assert VoucherPayment.objects.last().status == "selected"
    gateway.capture(order)
    assert order.voucher_captured == D("50.00")


def test_the_first_refusal_is_raised_after_all_were_tried(shop):
    shop.voucher("20.00", code="GIFT-2000-WXYZ")
    order = shop.order("50.00")
    gateway.select(order, "NO-SUCH-VOUCHER")
    gateway.select(order, "GIFT-2000-WXYZ")
    with pytest.raises(VoucherUnusableError):
        gateway.authorize_selected(order)
    bad, good = VoucherPayment.objects.all()
    assert (bad.status, bad.sealed_code) == ("failed", "")
    assert (good.status, good.amount_authorized) == ("authorized", D("20.00"))


def test_a_voucher_cloud_that_is_down_leaves_the_vouchers_selected(shop):
    shop.voucher("20.00")
    order = shop.order("50.00")
    gateway.select(order, "GIFT-2000-ABCD")
    shop.cloud.faults.next("before:503", times=9)
    with pytest.raises(UnavailableError):
        gateway.authorize_selected(order)
    assert VoucherPayment.objects.get().status == "selected"
    shop.cloud.faults.clear()
    assert gateway.authorize_selected(order)[0].amount_authorized == D("20.00")


def test_a_reservation_that_has_ended_is_made_again(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD", amount="10.00")
    VoucherPayment.objects.update(reserved_until="2020-01-01T00:00:00Z")
    (payment,) = gateway.authorize_selected(order)
    assert payment.reservation_id != first.reservation_id
    assert payment.amount_authorized == D("10.00")


def test_nothing_selected_is_nothing_to_do(shop):
    assert gateway.authorize_selected(shop.order("50.00")) == []
    assert shop.calls() == []


def test_no_call_is_made_after_the_first_row_was_written(shop):
    """In a transaction the first write takes a lock, which must not be held during an HTTP call."""
    from django.db import connection, transaction

    shop.voucher("40.00", code="GIFT-4000-EFGH")
    shop.voucher("40.00", code="GIFT-4000-WXYZ")
    order = shop.order("50.00")
    for code in ("GIFT-4000-EFGH", "GIFT-4000-WXYZ"):
        gateway.select(order, code)
    calls_before_writing = []

    def watch(execute, sql, params, many, context):
        if sql.startswith(("UPDATE", "INSERT")):
            calls_before_writing.append(len(shop.cloud.requests))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(watch):
        gateway.authorize_selected(order)
    assert calls_before_writing[0] == len(shop.cloud.requests)
    assert [payment.amount_authorized for payment in order.voucher_payments] == [D("40.00"), D("10.00")]


def test_a_refusal_of_the_call_that_trims_is_raised_after_the_others_were_recorded(shop, monkeypatch):
    shop.voucher("40.00", code="GIFT-4000-EFGH")
    shop.voucher("40.00", code="GIFT-4000-WXYZ")
    order = shop.order("50.00")
    for code in ("GIFT-4000-EFGH", "GIFT-4000-WXYZ"):
        gateway.select(order, code)
    from voucher_payment_gateway.gateway.verbs import authorize_selected

    share_out = authorize_selected.share_out

    def the_line_breaks_now(*args):
        shop.cloud.faults.next("before:503", path="*/reservations", times=9)
        share_out(*args)

    monkeypatch.setattr(authorize_selected, "share_out", the_line_breaks_now)
    with pytest.raises(UnavailableError):
        gateway.authorize_selected(order)
    assert [p.amount_authorized for p in order.voucher_payments] == [D("40.00"), D("0.00")]


@pytest.mark.parametrize(("total", "held"), [("30.00", "30.00"), ("70.00", "70.00"), ("95.00", "80.00")])
def test_an_order_that_costs_more_or_less_is_held_again(shop, total, held):
    shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    order.total = D(total)
    order.save()
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == payment.amount_agreed == D(held)


def test_a_voucher_that_is_used_up_or_limited_is_not_asked_for_more(shop):
    shop.voucher("20.00")
    shop.voucher("80.00", code="GIFT-8000-WXYZ")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.authorize(order, "GIFT-8000-WXYZ", amount="10.00")
    shop.calls()
    gateway.authorize_selected(order)
    assert shop.calls() == []


def test_a_hold_near_its_end_is_renewed_when_the_customer_confirms(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD").reservation_id
    shop.later(minutes=19)
    assert gateway.authorize_selected(order)[0].reservation_id == first
    shop.later(minutes=2)
    assert gateway.authorize_selected(order)[0].reservation_id != first


def test_a_good_hold_outlives_a_refused_renewal(shop):
    shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    shop.later(minutes=21)
    shop.cloud.faults.next("before:422", path="*/reservations", times=9)
    (payment,) = gateway.authorize_selected(order)
    assert (payment.status, payment.amount_authorized) == ("authorized", D("50.00"))


def test_a_voucher_that_is_not_needed_any_more_is_let_go(shop, record_signal):
    lapsed = record_signal("payment_lapsed")
    shop.voucher("40.00", code="GIFT-4000-EFGH")
    shop.voucher("40.00", code="GIFT-4000-WXYZ")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-4000-EFGH")
    gateway.authorize(order, "GIFT-4000-WXYZ")
    order.total = D("35.00")
    order.save()
    (payment,) = gateway.authorize_selected(order)
    assert (payment.code_hint, payment.amount_authorized) == ("EFGH", D("35.00"))
    assert (order.voucher_authorized, order.voucher_due) == (D("35.00"), D("0.00"))
    assert lapsed == [("A-1001", D("10.00"))]


def test_two_spellings_of_one_code_are_one_payment(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher = shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.select(order, "GIFT-2000-ABCD")
    gateway.select(order, "gift-2000-abcd")
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == D("50.00")
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("50.00"))]
    assert VoucherPayment.objects.exclude(pk=payment.pk).get().status == "cancelled"


def test_another_spelling_of_what_is_held_already_leaves_one_good_hold(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    voucher = shop.voucher("80.00")
    order = shop.order("50.00")
    gateway.authorize(order, "GIFT-2000-ABCD", amount="30.00")
    gateway.select(order, "gift-2000-abcd")
    (payment,) = gateway.authorize_selected(order)
    assert payment.amount_authorized == D("30.00")
    shop.calls()
    gateway.capture(order)
    assert len(shop.calls()) == 1
    assert shop.bookings(voucher) == [("charge", D("30.00"))]


def test_a_selected_duplicate_of_what_is_authorized_is_given_up(shop):
    shop.cloud.behaviour = shop.cloud.behaviour.but(code_case_sensitive=False)
    shop.voucher("80.00")
    order = shop.order("50.00")
    first = gateway.authorize(order, "GIFT-2000-ABCD", amount="30.00")
    gateway.select(order, "gift-2000-abcd")
    assert gateway.authorize(order, "gift-2000-abcd") == first
    assert VoucherPayment.objects.exclude(pk=first.pk).get().status == "cancelled"


def test_an_order_row_that_comes_after_its_vouchers_gets_their_reservation_ids(shop):
    """A host that places its order after the payment. The ids are written once, however often it is confirmed."""
    shop.voucher("20.00")
    facts = OrderFacts("A-1001", D("20.00"), "EUR")
    payment = gateway.authorize(facts, "GIFT-2000-ABCD")
    order = shop.order("20.00")

    gateway.authorize_selected(order)
    gateway.authorize_selected(order)

    assert order.voucher_reservation_ids == [payment.reservation_id]
    order.refresh_from_db()
    assert order.voucher_reservation_ids == [payment.reservation_id]
    assert VoucherPayment.objects.get().has_order_row


def test_facts_of_an_order_with_a_row_write_its_reservation_id_once(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    payment = gateway.authorize(OrderFacts("A-1001", D("20.00"), "EUR"), "GIFT-2000-ABCD")

    gateway.authorize_selected(order)

    order.refresh_from_db()
    assert order.voucher_reservation_ids == [payment.reservation_id]
