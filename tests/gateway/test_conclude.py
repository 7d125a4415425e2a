"""Conclude: a person decides an operation that the evidence could not."""

from decimal import Decimal as D

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.transaction import TransactionManagementError

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError, PaymentStateError, WrongStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"
BY = {"actor": "mia", "reason": "seen in the list of bookings"}


@pytest.fixture
def order(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    return order


@pytest.fixture
def undecided(shop, order):
    """Our refund of 5.00 without an answer, and a clerk's of the same amount: a person must decide."""
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    voucher_cloud().refund(the("charge").remote_id, D("5.00"), "EUR")
    shop.later(minutes=1)
    gateway.settle()
    assert the("refund").state == "manual"
    return the("refund")


def the(kind):
    return VoucherOperation.objects.filter(kind=kind).latest("pk")


def refunds_of(shop, voucher):
    return [row.id for row in shop.cloud.bookings(voucher.id) if row.type == "refund"]


def test_a_booking_that_a_person_names_is_booked(shop, order, voucher, undecided, record_signal):
    refunded = record_signal("payment_refunded")
    ours = refunds_of(shop, voucher)[0]
    gateway.conclude(undecided, remote_id=ours, **BY)
    done = the("refund")
    assert (done.state, done.remote_id, done.concluded_by, done.conclusion) == (
        "succeeded",
        ours,
        "mia",
        "seen in the list of bookings",
    )
    assert order.voucher_refunded == D("5.00")
    assert refunded == [("A-1001", D("5.00"))]


def test_what_was_not_booked_can_be_asked_for_again(shop, order, undecided):
    gateway.conclude(undecided, **BY)
    assert (the("refund").state, order.voucher_refunded) == ("not_applied", D("0.00"))
    gateway.refund(order, "10.00")
    assert order.voucher_refunded == D("10.00")


def test_a_cancel_request_that_waited_for_the_person_is_carried_out(shop, order, voucher):
    shop.cloud.faults.next("before:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    VoucherOperation.objects.filter(kind="refund").update(state="manual")
    undecided = the("refund")
    gateway.cancel(order)
    gateway.settle()
    assert VoucherPayment.objects.get().status == "captured"
    gateway.conclude(undecided, **BY)
    gateway.settle()
    assert VoucherPayment.objects.get().status == "cancelled"
    assert [amount for _, amount in shop.bookings(voucher)] == [D("20.00"), D("15.00"), D("5.00")]


def test_a_charge_that_a_person_found_is_captured(shop, voucher):
    order = shop.order("20.00", "A-1002")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    VoucherOperation.objects.filter(kind="charge").update(state="manual", settled_at=the("charge").created_at)
    gateway.conclude(the("charge"), remote_id=shop.cloud.bookings(voucher.id)[0].id, **BY)
    payment = VoucherPayment.objects.get()
    assert (payment.status, payment.amount_captured, payment.sealed_code) == ("captured", D("20.00"), "")


@pytest.mark.parametrize("id_of", ["nothing", "the charge", "another operation"])
def test_a_booking_that_is_not_that_of_the_operation_is_refused(shop, order, voucher, undecided, id_of):
    remote_id = {"nothing": "no-such-booking", "the charge": the("charge").remote_id}.get(id_of)
    if remote_id is None:
        remote_id = refunds_of(shop, voucher)[0]
        VoucherOperation.objects.filter(kind="charge").update(remote_id=remote_id)
    with pytest.raises(WrongStateError):
        gateway.conclude(undecided, remote_id=remote_id, **BY)
    assert (the("refund").state, the("refund").concluded_by) == ("manual", "")


def test_what_is_decided_already_is_left_alone(shop, order, voucher, undecided):
    gateway.conclude(undecided, **BY)
    with pytest.raises(WrongStateError, match="not_applied"):
        gateway.conclude(undecided, remote_id=refunds_of(shop, voucher)[0], **BY)


@pytest.mark.parametrize("missing", ["actor", "reason"])
def test_a_decision_needs_a_name_and_a_reason(undecided, missing):
    with pytest.raises(PaymentStateError, match=missing):
        gateway.conclude(undecided, **BY | {missing: " "})
    assert the("refund").state == "manual"


def test_nothing_is_concluded_inside_of_a_transaction(undecided):
    with transaction.atomic(), pytest.raises(TransactionManagementError):
        gateway.conclude(undecided, **BY)


def test_the_command_lists_and_decides(shop, order, voucher, undecided, capsys):
    call_command("voucher_review")
    listed = capsys.readouterr().out
    assert f"{undecided.pk}: order A-1001, refund of 5.00 EUR on voucher {voucher.id}" in listed
    assert "1 gift voucher operations need a person" in listed
    call_command(
        "voucher_review", str(undecided.pk), "--not-booked", "--reason", "the clerk's", "--actor", "mia"
    )
    assert "not_applied" in capsys.readouterr().out
    assert (the("refund").conclusion, the("refund").concluded_by) == ("the clerk's", "mia")


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["--not-booked"], "name the operation"),
        (["1"], "say how it ended"),
        (["999999", "--not-booked", "--reason", "x"], "no operation 999999"),
    ],
)
def test_the_command_says_what_it_lacks(db, arguments, cure):
    with pytest.raises(CommandError, match=cure):
        call_command("voucher_review", *arguments)


def test_the_command_needs_a_reason(undecided):
    with pytest.raises(CommandError, match="reason"):
        call_command("voucher_review", str(undecided.pk), "--not-booked")
