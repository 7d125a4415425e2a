"""A clerk decides what the evidence could not: from the bookings there are, with a reason, once."""

import pytest
from django.utils import timezone, translation

from tests.admin.conftest import VIEW
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"
MAY = (*VIEW, "change_voucheroperation")


@pytest.fixture
def refund(shop):
    """A refund of 5.00 that a person has to decide; by hand the same amount was refunded twice meanwhile."""
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    shop.cloud.faults.next("before:drop", path="*/refund", times=None)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00", key="r")
    shop.cloud.faults.clear()
    charge = VoucherOperation.objects.get(kind="charge")
    shop.cloud.refund(charge.remote_id, "5.00")
    shop.cloud.refund(charge.remote_id, "5.00")
    VoucherOperation.objects.filter(kind="refund").update(state="manual")
    return VoucherOperation.objects.get(kind="refund")


def address(operation):
    return f"/admin/voucher_payment_gateway/voucherpayment/operation/{operation.pk}/"


def test_the_bookings_that_fit_are_offered_and_one_is_chosen(refund, desk):
    clerk = desk(*MAY)
    page = clerk.client.get(address(refund))
    first, second, none = (value for value, _label in page.context["form"].fields["decision"].choices)
    assert none == "-"
    assert "€5.00" in page.text
    assert address(refund) in clerk.attention().text
    assert address(refund) in clerk.order().text
    answer = clerk.client.post(address(refund), {"decision": second, "reason": "the later one is ours"})
    assert answer["Location"].endswith(f"order/?number=A-1001#operation-{refund.pk}")
    refund.refresh_from_db()
    assert (refund.state, refund.remote_id) == ("succeeded", second)
    assert (refund.concluded_by, refund.conclusion) == ("mia", "the later one is ours")
    assert VoucherPayment.objects.get().amount_refunded == 5
    again = clerk.client.post(address(refund), {"decision": first, "reason": "no"}, follow=True)
    assert "There is nothing to decide (any more)." in again.text
    assert VoucherOperation.objects.get(pk=refund.pk).remote_id == second


def test_nothing_was_booked_is_a_decision_too_and_needs_a_reason(refund, desk):
    clerk = desk(*MAY)
    for form in (
        {"decision": "-", "reason": " "},
        {"reason": "looked"},
        {"decision": "x", "reason": "looked"},
    ):
        assert clerk.client.post(address(refund), form).status_code == 200
    refund.refresh_from_db()
    assert refund.state == "manual"
    clerk.client.post(address(refund), {"decision": "-", "reason": "looked"})
    refund.refresh_from_db()
    assert (refund.state, refund.concluded_by) == ("not_applied", "mia")


def test_a_cancel_that_follows_the_decision_is_told(refund, desk):
    sentence = desk(*MAY).client.get(address(refund)).context["preview"].sentence
    assert sentence.startswith("Your decision moves no money.")
    VoucherPayment.objects.update(cancel_requested_at=timezone.now())
    page = desk(*MAY, name="eva").client.get(address(refund))
    assert "what is charged to it is refunded by itself" in page.context["preview"].sentence


def test_without_the_bookings_nothing_can_be_decided(shop, refund, desk):
    shop.cloud.faults.next("before:503", path="*/charges", method="GET", times=None)
    page = desk(*MAY).client.post(address(refund), {"decision": "-", "reason": "looked"})
    assert "cannot be reached just now" in page.text
    assert '<form method="post" class="vpg-decision"' not in page.text
    refund.refresh_from_db()
    assert refund.state == "manual"


def test_it_needs_its_permission(refund, desk):
    clerk = desk()
    assert clerk.client.post(address(refund), {"decision": "-", "reason": "looked"}).status_code == 403
    assert address(refund) not in clerk.attention().text + clerk.order().text


def test_it_is_german(refund, desk):
    with translation.override("de"):
        text = desk(*MAY).client.get(address(refund)).text
    assert f"<title>Vorgang {refund.pk} entscheiden" in text
    assert "Es ist diese Buchung:" in text
