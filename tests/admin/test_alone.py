"""What counts toward the limit of one person: what has moved money alone or may still, and nothing else."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.admin.test_actions import ORDER, confirm, moved, told
from tests.admin.two_people import ask, charge_without_answer
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions import refund
from voucher_payment_gateway.admin.actions.target import of_order
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.gateway.records.order_version import PAGE
from voucher_payment_gateway.gateway.records.refunded_alone import ABANDONED_AFTER, refunded_alone
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherPayment, VoucherSale


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def killed(charged, mia, monkeypatch):
    """A page of 90.00 whose process was killed between the confirmation and the refund."""
    page = mia.get(ORDER["refund"])

    def kill(*_, **__):
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(refund.gateway, "refund", kill)
        confirm(mia, ORDER["refund"], page, amount="90")
    return page


def test_a_refund_that_was_refused_does_not_count(charged, shop, mia):
    shop.cloud.faults.next("before:422", path="*/refund")
    assert moved("refund") == []
    ask(mia, "90")
    assert [state for _, state, *_ in moved("refund")] == ["refused"]
    assert refunded_alone("A-1001") == 0
    assert told(ask(mia, "100")) == ["€100.00 was refunded."]
    assert told(ask(mia, "1"))[0].startswith("Your request is noted")


def test_a_refund_whose_outcome_is_open_counts(charged, shop, mia):
    shop.cloud.faults.next("before:503", path="*/refund", times=None)
    ask(mia, "90")
    assert refunded_alone("A-1001") == D(90)


def test_a_page_whose_process_was_killed_counts_for_a_while(killed, mia, django_user_model):
    assert told(ask(mia, "50"))[0].startswith("Your request is noted")
    VoucherIdempotencyKey.objects.filter(verb=PAGE).update(created_at=timezone.now() - ABANDONED_AFTER * 2)
    assert refunded_alone("A-1001") == 0
    assert "More than €50.00 must be approved" in mia.get(ORDER["refund"]).text, "the request counts"
    assert told(ask(mia, "50")) == ["€50.00 was refunded."]
    # the process was frozen, and goes on: its key is used up
    call = {"key": killed.context["form"]["key"].value(), "reason": "x"}
    assert refund.Refund().carried_out(of_order("A-1001"), call, D(90), "mia") == []
    assert [amount for amount, *_ in moved("refund")] == [D(50)]
    assert told(confirm(mia, ORDER["refund"], killed, amount="90")) == [
        "This page was confirmed before: look at the order before you open it again."
    ]


def test_a_cancel_that_is_noted_counts_with_what_it_refunds_in_the_end(charged, shop, mia, gateway_settings):
    gateway_settings(REFUND_APPROVAL_ABOVE={"EUR": "250.00"})
    charge_without_answer(shop)
    off = ORDER["cancel"].replace("A-1001", "A-2")
    assert told(confirm(mia, off)) == ["It is noted and not done yet: it follows what is still open."]
    assert refunded_alone("A-2") == D(200)
    for _ in range(2):
        shop.later(minutes=45)
        gateway.settle()
    assert [amount for amount, *_ in moved("refund")] == [D(200)]
    assert refunded_alone("A-2") == D(200)


def test_a_cancel_of_two_vouchers_tells_what_is_done_and_what_is_noted(shop, mia):
    order = shop.order("250.00", number="A-2")
    for code, balance in (("GIFT-2000-WXYZ", "200.00"), ("GIFT-3000-WXYZ", "50.00")):
        shop.voucher(balance, code=code)
        gateway.authorize(order, code)
    first, second = VoucherPayment.objects.filter(order_number="A-2").order_by("pk")
    gateway.capture(first)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(second)
    assert told(confirm(mia, ORDER["cancel"].replace("A-1001", "A-2"))) == [
        "€200.00 was refunded.",
        "It is noted and not done yet: it follows what is still open.",
    ]


def test_a_cancel_of_which_nothing_was_charged_counts_no_more(charged, shop, mia, gateway_settings):
    gateway_settings(REFUND_APPROVAL_ABOVE={"EUR": "250.00"})
    charge_without_answer(shop, "before:drop")
    confirm(mia, ORDER["cancel"].replace("A-1001", "A-2"))
    for _ in range(3):
        shop.later(minutes=45)
        gateway.settle()
    assert (moved("refund"), refunded_alone("A-2")) == ([], D(0))


def test_a_new_voucher_in_place_of_a_refund_that_was_noted_counts(charged, shop, mia, gateway_settings):
    gateway_settings(REFUND_APPROVAL_ABOVE={"EUR": "250.00"}, REFUND_FALLBACK=["new_voucher"])
    charge_without_answer(shop)
    confirm(mia, ORDER["cancel"].replace("A-1001", "A-2"))
    shop.cloud.faults.next("before:422", path="*/refund")
    for _ in range(3):
        shop.later(minutes=45)
        gateway.settle()
    assert [state for _, state, *_ in moved("refund")] == ["refused"]
    assert VoucherSale.objects.get().status == "active"
    assert refunded_alone("A-2") == D(200)


def test_many_refunds_take_as_many_statements_as_two(charged, mia, django_assert_num_queries):
    for amount in ("1", "2"):
        ask(mia, amount)
    with CaptureQueriesContext(connection) as two:
        assert refunded_alone("A-1001") == D(3)
    count = len(two)
    for amount in ("3", "4"):
        ask(mia, amount)
    with django_assert_num_queries(count):
        assert refunded_alone("A-1001") == D(10)
