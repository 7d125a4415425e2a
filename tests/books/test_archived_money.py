"""What is archived does not go back by itself: that is told before anything is done, and stops nothing else."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from tests.admin.conftest import VIEW
from tests.admin.test_actions import FOLDER, MAY, confirm, stated, told
from tests.books.old_orders import before
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.archive import archive
from voucher_payment_gateway.exceptions import AmountError, OutcomeUnknownError, WrongStateError
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherArchivedOrder,
    VoucherOperation,
    VoucherPayment,
)

NOTE = "Of gift voucher …ABCD, €20.00 was moved to the archive and is not refunded: give it back as store credit."


def address(slug, number):
    return f"{FOLDER}order/{slug}/?number={number}"


@pytest.fixture
def clerk(desk):
    return desk(*VIEW, *MAY).client


@pytest.fixture
def archived(old):
    assert archive(before()).orders == 4
    return old


@pytest.fixture
def mixed(seller, archived):
    """The order A-2: 20.00 of it are archived, and 30.00 were charged to another voucher since."""
    order = archived[1]
    order.total = D("50.00")
    order.save()
    seller.voucher("30.00", code="GIFT-3000-WXYZ")
    gateway.authorize(order, "GIFT-3000-WXYZ")
    gateway.capture(order)
    return order


def refunded():
    payments = VoucherPayment.objects.filter(order_number="A-2").order_by("pk")
    return [payment.amount_refunded for payment in payments]


def test_what_was_charged_since_is_refunded_and_the_rest_is_told(mixed):
    gateway.refund(mixed, "5.00")
    assert refunded() == [0, D("5.00")]
    with pytest.raises(AmountError, match=r"only 25.00 .* without what is archived"):
        gateway.refund(mixed, "26.00")
    with pytest.raises(
        WrongStateError,
        match=r"All else that was charged goes back\. .*…ABCD were archived: give 20.00 EUR back",
    ) as raised:
        gateway.refund(mixed, key="return")
    assert (raised.value.code, raised.value.money_moved) == ("archived", "maybe")
    assert refunded() == [0, D("30.00")]
    with pytest.raises(WrongStateError, match="were archived") as raised:
        gateway.refund(mixed)
    assert raised.value.money_moved == "no"


@pytest.mark.parametrize("key", ["", "basket"])
def test_a_cancel_ends_what_is_not_archived(mixed, key):
    with pytest.raises(WrongStateError, match="were archived"):
        gateway.cancel(mixed, key=key)
    payments = VoucherPayment.objects.filter(order_number="A-2").order_by("pk")
    assert [payment.status for payment in payments] == ["captured", "cancelled"]
    assert refunded() == [0, D("30.00")]


def test_the_pages_of_an_archived_order_offer_and_state_no_refund(archived, clerk):
    page = clerk.get(f"{FOLDER}order/?number=A-2").text
    for slug in ("refund", "cancel"):
        assert f"order/{slug}/" not in page
        shown = clerk.get(address(slug, "A-2"))
        assert "were archived: give 20.00 EUR back as store credit" in shown.context["preview"].problem
        assert "€20.00 is refunded" not in shown.text
        told(confirm(clerk, address(slug, "A-2"), shown))
    assert VoucherOperation.objects.count() == 0
    assert VoucherPayment.objects.filter(cancel_requested_at__isnull=False).count() == 0


def test_the_pages_of_an_order_that_is_archived_in_part_state_the_rest(mixed, clerk):
    page = clerk.get(f"{FOLDER}order/?number=A-2").text
    refund, cancel = (clerk.get(address(slug, "A-2")) for slug in ("refund", "cancel"))
    assert "order/refund/" in page
    assert NOTE in refund.context["preview"].notes
    assert refund.context["preview"].most == D("30.00")
    assert NOTE in cancel.context["preview"].notes
    assert "€30.00 is refunded" in cancel.context["preview"].sentence
    assert "Gift voucher …ABCD: nothing is refunded." in stated(cancel)
    assert "€30.00 was refunded." in str(told(confirm(clerk, address("cancel", "A-2"), cancel)))
    assert refunded() == [0, D("30.00")]


def test_a_cancel_that_is_noted_is_told_beside_what_is_archived(seller, archived, clerk):
    order = archived[1]
    order.total = D("50.00")
    order.save()
    seller.voucher("30.00", code="GIFT-3000-WXYZ")
    gateway.authorize(order, "GIFT-3000-WXYZ")
    seller.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    noted, left = told(confirm(clerk, address("cancel", "A-2")))
    assert noted == "It is noted and not done yet: it follows what is still open."
    assert "give 20.00 EUR back as store credit" in left


@pytest.mark.parametrize(
    ("request_", "is_kept"),
    [
        ({}, True),
        ({"expires": -1}, False),
        ({"outcome": "rejected"}, False),
        ({"outcome": "approved"}, True),  # and not carried out yet
    ],
)
def test_an_order_with_a_request_that_waits_is_kept(old, request_, is_kept):
    now, outcome = timezone.now(), request_.get("outcome", "open")
    decided = {} if outcome == "open" else {"decided_by": "ben", "decided_at": now}
    VoucherApproval(
        order_number="A-1",
        verb="refund",
        amount=D("15.00"),
        currency="EUR",
        key="f" * 32,
        requester_id="1",
        requested_by="mia",
        reason="Returned",
        requested_at=now,
        expires_at=now + timedelta(hours=request_.get("expires", 1)),
        outcome=outcome,
        **decided,
    ).save()
    archive(before())
    assert VoucherArchivedOrder.objects.filter(order_number="A-1").exists() is not is_kept
