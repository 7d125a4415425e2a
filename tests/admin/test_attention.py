"""One page has all that needs a person: each kind with what to do, and a link to where it is decided."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone, translation

from tests.admin.test_lists import operation, payment
from voucher_payment_gateway.cases import KINDS_OF_ATTENTION
from voucher_payment_gateway.models import (
    VoucherApproval,
    VoucherDifference,
    VoucherIdempotencyKey,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)

NOW = timezone.now()
LONG_AGO = NOW - timedelta(hours=3)
ORDER = "/admin/voucher_payment_gateway/voucherpayment/order/?number="


def difference(kind, **fields):
    given = {"voucher_id": f"v-{kind}", "code_hint": "ABCD", "sentence": "…", "currency": "EUR"}
    return VoucherDifference.objects.create(kind=kind, first_seen_at=NOW, last_seen_at=NOW, **given | fields)


@pytest.fixture
def trouble(transactional_db):
    """One of each kind, and beside each one that is none."""
    operation(payment("manual"), state="manual", settled_at=NOW, reference="manual-1.abc")
    operation(payment("open"), state="unknown", due_at=NOW)
    VoucherOperation.objects.filter(order_number="open").update(created_at=LONG_AGO)
    operation(payment("just-now"), state="unknown", due_at=NOW)
    payment("unpaid", status="failed", amount_captured=0)
    operation(payment("refused"), kind="refund", state="refused", settled_at=NOW)
    operation(payment("refused-before"), kind="refund", state="refused", settled_at=NOW - timedelta(days=40))
    sale("failed", status="failed")
    sale("sold-again", status="failed", key="a", end_reason="refused")
    sale("sold-again", status="active", key="a")
    sale("not-activated", status="issued", target="active")
    sale("being-activated", status="issued", target="active", due_at=NOW)
    sale("unpaid-yet", status="issued", target="issued")
    sale("undelivered", delivery_error="SMTPServerDisconnected", deliver_due_at=NOW, delivery_attempts=2)
    sale("waiting", deliver_due_at=NOW)
    difference("theirs_only", amount_theirs=D(5), remote_id="b-7", reference="TILL-1")
    difference("ours_only", explained_at=NOW)
    difference("order_gone", order_number="gone", amount_ours=D(20))
    approval("waiting-for-a-second", expires_at=NOW + timedelta(hours=1))
    approval(
        "approved", expires_at=NOW + timedelta(hours=1), outcome="approved", decided_by="eva", decided_at=NOW
    )
    VoucherIdempotencyKey.objects.create(order_number="approved", verb="refund", key="admin:k")
    approval(
        "not-carried-out",
        expires_at=NOW + timedelta(hours=1),
        outcome="approved",
        decided_by="eva",
        decided_at=NOW,
    )
    approval("too-late", expires_at=NOW)


def approval(number, **fields):
    given = {
        "verb": "refund",
        "amount": D(120),
        "currency": "EUR",
        "key": "k",
        "requester_id": "0",
        "reason": "late",
    }
    return VoucherApproval.objects.create(
        order_number=number, requested_by="ben", requested_at=NOW, **given | fields
    )


def sale(number, **fields):
    given = {"key": "k", "amount": D(10), "currency": "EUR", "recipient_email": "ada@example.org"}
    return VoucherSale.objects.create(order_number=number, **given | fields)


def kinds(page):
    return {section.kind: section.items for section in page.context["sections"]}


def test_every_kind_is_there_and_nothing_else(trouble, desk):
    found = kinds(desk().attention())
    assert {kind: [item.order for item in items] for kind, items in found.items()} == {
        "approvals": ["not-carried-out", "waiting-for-a-second"],
        "manual": ["manual"],
        "open": ["open"],
        "unpaid": ["unpaid"],
        "refused": ["refused"],
        "sales": ["not-activated", "failed"],
        "deliveries": ["undelivered"],
        "orders": ["gone"],
        "differences": [""],
    }
    assert set(found) == set(KINDS_OF_ATTENTION)


def test_the_query_finds_the_payments_that_are_there(trouble, desk):
    found = kinds(desk().attention())
    shown = {item.order for kind in ("manual", "unpaid", "refused") for item in found[kind]}
    assert {each.order_number for each in VoucherPayment.current.needing_attention()} == shown


def test_each_kind_says_what_to_do_and_each_row_leads_to_the_decision(trouble, desk):
    page = desk().attention()
    manual = VoucherOperation.objects.get(order_number="manual")
    for kind, (title, advice) in KINDS_OF_ATTENTION.items():
        assert str(title) in page.text, kind
        assert str(advice).replace('"', "&quot;") in page.text, kind
    found = {kind: items[0].address for kind, items in kinds(page).items()}
    undelivered = VoucherSale.objects.get(order_number="undelivered")
    assert (
        found
        | {
            "manual": f"{ORDER}manual#operation-{manual.pk}",
            "unpaid": f"{ORDER}unpaid",
            "deliveries": f"/admin/voucher_payment_gateway/vouchersale/{undelivered.pk}/change/",
        }
        == found
    )
    assert found["differences"].startswith("/admin/voucher_payment_gateway/voucherdifference/")


def test_the_number_of_the_operation_and_what_was_sent_are_visible(trouble, desk):
    (item,) = kinds(desk().attention())["manual"]
    manual = VoucherOperation.objects.get(order_number="manual")
    facts = dict(item.facts)
    assert (facts["operation"], facts["order number sent"]) == (str(manual.pk), "manual-1.abc")


def test_the_sentences_name_voucher_and_amount(trouble, desk):
    texts = {kind: items[-1].text for kind, items in kinds(desk().attention()).items()}
    assert texts["unpaid"] == "€10.00 agreed with gift voucher …ABCD is not paid (failed)."
    assert texts["sales"] == "The gift voucher of €10.00 that was sold could not be created."
    assert "it was tried 2 times" in texts["deliveries"]
    assert texts["orders"] == "Gift voucher …ABCD has paid for an order that is gone."


def test_where_nothing_is_to_do_it_says_so(transactional_db, desk):
    page = desk().attention()
    assert "Nothing needs a person." in page.text
    assert len(page.context["quiet"]) == len(KINDS_OF_ATTENTION)


def test_only_what_a_clerk_may_see_is_shown(trouble, desk):
    found = kinds(desk("view_voucherpayment").attention())
    assert set(found) == {"approvals", "manual", "open", "unpaid", "refused"}
    assert desk("view_vouchersale", name="eva").attention().status_code == 403


def test_more_than_fit_are_cut(trouble, desk, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.admin.attention.MAX_ROWS", 1)
    assert "Only the newest 1 are shown." in desk().attention().text
    monkeypatch.setattr("voucher_payment_gateway.admin.attention.MAX_ROWS", 2)
    assert "are shown." not in desk(name="eva").attention().text  # no kind has more than two


def test_it_is_german(trouble, desk):
    with translation.override("de"):
        text = desk().attention().text
    assert "<title>Braucht Aufmerksamkeit" in text
    assert "Vorgänge, die ein Mensch entscheiden muss" in text
