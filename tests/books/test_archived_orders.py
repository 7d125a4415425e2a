"""What an archived order is still needed for: reconcile, late outcomes, refunds, decisions, and the clerk's pages."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from tests.books.old_orders import YEAR, age, before, spend
from tests.gateway.sales import settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.archive import archive
from voucher_payment_gateway.books.periods import NotClosedError, close_period
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.exceptions import OutcomeUnknownError, WrongStateError
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def archived(seller, old):
    """The orders of a year ago, all archived."""
    assert archive(before(), actor="anna").orders == 4
    return old


def booking(kind="charge", number="A-1"):
    return VoucherArchivedOperation.objects.get(kind=kind, order_number=number)


def compared(since=2 * YEAR):
    """Reconcile what happened from that long ago on, and return the kinds and sentences of the differences."""
    now = timezone.now()
    return [
        (row.kind, row.remote_id, row.order_number, row.operation)
        for row in gateway.reconcile(now - since, now)
    ]


def test_reconcile_compares_an_archived_period_as_before(seller, archived):
    assert compared() == []
    lost = booking(number="A-3").remote_id
    state = seller.cloud.store.state
    state.vouchers[state.bookings.pop(lost).voucher_id].booking_ids.remove(lost)
    assert compared() == [("ours_only", lost, "A-3", None)]
    with pytest.raises(NotClosedError, match="1 differences"):
        close_period(timezone.now() - 2 * YEAR, before(), actor="anna")


def test_reconcile_finds_what_was_booked_twice_or_given_back_by_hand_for_an_archived_order(seller, archived):
    old_charge = booking()
    seller.cloud.charge(seller.cloud.reserve(CODE, "20.00"), old_charge.more["reference"])
    till = seller.cloud.add_client(name="Office").id
    seller.cloud.refund(old_charge.remote_id, "4.00", client_id=till)
    spend(seller, CODE, "1.00", "A-9")  # the voucher is used again, so it is compared tonight
    seller.later(hours=1)
    found = compared(timedelta(days=2))
    assert {(kind, number) for kind, _, number, _ in found} == {
        ("theirs_only", "A-1"),
        ("refund_by_hand", "A-1"),
    }
    row = VoucherDifference.objects.get(kind="theirs_only")
    assert row.payment == VoucherPayment.objects.get(order_number="A-1")
    assert "booked twice, or late" in row.sentence


def test_a_till_that_books_on_an_old_voucher_is_no_difference(seller, archived):
    till = seller.cloud.add_client(name="Till").id
    seller.cloud.charge(seller.cloud.reserve(CODE, "3.00", client_id=till), "TILL-1", client_id=till)
    assert compared() == []


def test_a_booking_of_the_archive_is_nothing_that_a_lost_answer_may_have_made(seller, archived):
    seller.cloud.faults.next("after:drop", method="POST", path="*/charge")
    order = seller.order("20.00", number="A-9")
    gateway.authorize(order, CODE)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    operation = VoucherOperation.objects.get(kind="charge")
    VoucherOperation.objects.update(state="manual", due_at=None, settled_at=timezone.now())
    with pytest.raises(WrongStateError, match="belongs to another operation"):
        gateway.conclude(operation, remote_id=booking().remote_id, actor="anna", reason="It looks like it.")
    (own,) = [
        row.id
        for row in seller.cloud.bookings(operation.voucher_id)
        if row.order_number == operation.reference
    ]
    assert gateway.conclude(operation, remote_id=own, actor="anna", reason="Its number.").state == "succeeded"


def test_an_unknown_charge_is_resolved_beside_bookings_of_the_archive(seller, archived):
    seller.cloud.faults.next("after:drop", method="POST", path="*/charge")
    order = seller.order("20.00", number="A-9")
    gateway.authorize(order, CODE)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    settle_all(seller)
    operation = VoucherOperation.objects.get(kind="charge")
    archived_ids = set(VoucherArchivedOperation.objects.values_list("remote_id", flat=True))
    assert (operation.state, operation.remote_id in archived_ids) == ("succeeded", False)
    gateway.refund(order, "20.00")
    assert compared() == []


def test_refunds_of_the_archive_do_not_stop_a_refund_of_today(seller, archived, gateway_settings):
    seller.cloud.behaviour = seller.cloud.behaviour.but(refund_carries_order_number=False)
    order = spend(seller, CODE, "20.00", "A-9")
    gateway.refund(order)
    assert VoucherOperation.objects.get(kind="refund").state == "succeeded"
    gateway_settings(REFUND_FALLBACK=["recharge"])
    other = spend(seller, CODE, "10.00", "A-10")
    seller.cloud.faults.next("before:422", method="POST", path="*/refund", times=9)
    gateway.refund(other)
    assert VoucherOperation.objects.get(kind="recharge").state == "succeeded"


def test_a_call_with_a_key_answers_after_the_archive_as_before(seller):
    seller.voucher("100.00")
    order = seller.order("20.00", number="A-1")
    payment = gateway.authorize(order, CODE, key="basket")
    gateway.capture(order, key="parcel")
    (sale,) = gateway.activate(seller.order("50.00", number="S-1", note="multi=50.00"))
    gateway.top_up(sale, "5.00", key="bonus")
    age()
    VoucherSale.objects.update(valid_until=timezone.now() - YEAR / 2 - (timezone.now() - before()))
    assert archive(before()).orders == 2
    seller.calls()
    assert gateway.authorize(order, CODE, key="basket") == payment
    assert gateway.capture(order, key="parcel") == [payment]
    assert gateway.capture(payment, key="parcel") == [payment]
    assert gateway.top_up(sale, "5.00", key="bonus").amount == D("5.00")
    assert seller.calls() == []
    assert VoucherOperation.objects.count() == 0


def test_a_sale_of_the_archive_is_taken_back_by_what_the_voucher_cloud_says(seller, archived):
    (sale,) = VoucherSale.objects.all()
    (taken,) = gateway.take_back(sale)
    assert taken.status == "taken_back"
    assert compared() == []


def test_an_archived_order_is_deleted_only_once_its_money_went_back(seller, archived):
    with pytest.raises(ProtectedError, match="have paid something"):
        archived[0].delete()
    VoucherPayment.objects.filter(order_number="A-1").update(amount_refunded=D("20.00"), status="refunded")
    archived[0].delete()
    assert VoucherPayment.objects.get(order_number="A-1").status == "cancelled"
    assert compared() == []


def test_people_are_erased_from_an_archived_order(seller, archived):
    (sale,) = VoucherSale.objects.all()
    VoucherSale.objects.update(recipient_email="mia@example.com", message="For you")
    assert gateway.erase_people(sale) == []
    sale.refresh_from_db()
    assert (sale.recipient_email, sale.message) == ("", "")
    assert compared() == []


def test_the_story_of_an_archived_order_is_whole(seller, old, desk):
    shown, told = desk().order("A-1").context["lines"], [line.text for line in story_of(old[0])]
    archive(before(), actor="anna")
    page = desk(name="eva").order("A-1")
    *lines, last = page.context["lines"]
    assert [(line.text, line.at, line.facts) for line in lines] == [
        (line.text, line.at, line.facts) for line in shown
    ]
    assert (last.actor, "moved to the archive" in last.text) == ("anna", True)
    assert "moved to the archive" in page.text
    assert [line.text for line in story_of(old[0])] == told != []


def test_the_statement_knows_the_bookings_of_the_archive(seller, archived, desk):
    page = desk().statement(booking().voucher_id)
    assert [row["comparison"] for row in page.context["rows"]] == ["as in our records"] * 4
    assert [row["ours"].order_number for row in page.context["rows"]] == ["A-1", "A-2", "A-3", "A-1"]


def test_the_search_finds_what_is_archived(seller, archived, desk):
    charge, clerk = booking(number="A-2"), desk()
    for term in (charge.remote_id, charge.more["reference"], booking("reserve", "A-2").remote_id):
        assert "number=A-2" in clerk.search(term)["Location"]
    (sold,) = VoucherSale.objects.all()
    assert "number=S-1" in clerk.search(sold.voucher_id)["Location"]
