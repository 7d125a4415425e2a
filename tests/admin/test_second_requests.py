"""Two requests for the same return: each page shows the other one, and one that is out of date approves nothing."""

from decimal import Decimal as D

import pytest
from django.utils import translation

from tests.admin.test_actions import MAY, ORDER, confirm, moved, told
from tests.admin.two_people import address, ask, decide
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions import meanwhile
from voucher_payment_gateway.models import VoucherApproval


@pytest.fixture
def eva(person):
    return person("eva", *MAY)


def texts(page):
    return [(line.text.partition(":")[0], line.actor) for line in page.context["preview"].lines]


def test_a_page_that_is_out_of_date_approves_nothing_and_shows_how_things_are(charged, mia, eva, ben):
    for client in (mia, eva):
        ask(client)
    first, second = VoucherApproval.objects.order_by("pk")
    stale = ben.get(address(first))
    page = ben.get(address(second))
    assert told(decide(ben, "approved", page, second)) == ["€120.00 was refunded."]
    assert told(decide(ben, "approved", page, second)) == [
        "It has changed meanwhile: there is nothing to do any more."
    ]
    page = decide(ben, "approved", stale, first)
    assert page.status_code == 409
    assert "It has changed meanwhile. Nothing was done" in page.text
    assert [line.text for line in page.context["since"]] == ["€120.00 was refunded to gift voucher …ABCD."]
    assert [amount for amount, *_ in moved("refund")] == [D(120)]
    first.refresh_from_db()
    assert first.outcome == "open"
    assert told(decide(ben, "approved", page, first)) == ["€120.00 was refunded."], "as it is shown now"


def test_a_request_that_is_made_meanwhile_is_shown_before_another_one_is_approved(charged, mia, eva, ben):
    ask(mia)
    first = VoucherApproval.objects.get()
    stale = ben.get(address(first))
    ask(eva)
    page = decide(ben, "rejected", stale, first)
    assert (page.status_code, texts(page)) == (409, [("A refund of €120.00 was asked for", "eva")])
    assert VoucherApproval.objects.filter(outcome="open").count() == 2


def test_what_waits_and_what_was_refunded_since_is_shown_where_more_is_refunded(charged, mia, eva, ben):
    gateway.refund(charged, "10.00", actor="before")
    ask(mia)
    gateway.refund(charged, "20.00", actor="shop")
    waiting, since = (
        ("A refund of €120.00 was asked for", "mia"),
        ("€20.00 was refunded to gift voucher …ABCD.", "shop"),
    )
    for slug in ("refund", "cancel"):
        page = eva.get(ORDER[slug])
        assert texts(page) == [waiting, since]
        assert "see that it is not for the same return" in page.text
    ask(eva)
    assert texts(ben.get(address())) == [waiting]
    assert texts(ben.get(address(VoucherApproval.objects.first())))[0] == since
    with translation.override("de"):
        assert "nicht um dieselbe Rücksendung" in eva.get(ORDER["refund"]).text


def test_of_many_refunds_the_newest_are_shown(charged, mia, ben, monkeypatch):
    monkeypatch.setattr(meanwhile, "MAX_LINES", 2)
    ask(mia)
    for amount in ("1.00", "2.00", "3.00"):
        gateway.refund(charged, amount)
    shown = [text for text, _ in texts(ben.get(address()))]
    assert [text.partition(" ")[0] for text in shown] == ["€2.00", "€3.00"]


def test_without_a_version_nothing_is_approved(charged, mia, ben):
    ask(mia)
    for wrong in ({"seen": ""}, {}):
        page = ben.post(address(), {"decision": "approved", "reason": "x", **wrong})
        assert (page.status_code, moved("refund")) == (200, [])
    assert ben.post(address(), {"decision": "approved", "reason": "x", "seen": "7-7-7"}).status_code == 409
    assert moved("refund") == []


def test_a_refund_page_that_was_open_before_a_request_was_decided_is_out_of_date(charged, mia, eva, ben):
    ask(mia)
    page = eva.get(ORDER["refund"])
    decide(ben, "rejected")
    assert confirm(eva, ORDER["refund"], page, amount="1").status_code == 409
    assert moved("refund") == []
