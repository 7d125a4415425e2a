"""Above ``REFUND_APPROVAL_ABOVE`` two different people give money back: one asks, the other one approves, once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone, translation

from tests.admin.test_actions import FOLDER, MAY, ORDER, confirm, moved, stated, told
from tests.admin.two_people import address, ask, charge_without_answer, decide
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions import approve
from voucher_payment_gateway.admin.actions.approve import APPROVE
from voucher_payment_gateway.admin.actions.refund import Refund
from voucher_payment_gateway.admin.actions.target import of_order
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.refunded_alone import refunded_alone
from voucher_payment_gateway.models import VoucherApproval
from voucher_payment_gateway.orders import OrderFacts


def confirm_as_read(request, outcome, user):
    """Confirm a page of the order as it is now, about the request as it was read before."""
    preview = APPROVE.preview(request)
    return APPROVE.confirm(request, preview, {"decision": outcome, "reason": "x", "seen": preview.seen}, user)


def test_what_one_asks_for_another_one_approves_and_it_is_refunded_once(charged, mia, ben):
    page = mia.get(ORDER["refund"])
    assert "More than €100.00 must be approved by a second person, within 72 hours" in page.text
    for _ in range(2):
        (noted,) = told(confirm(mia, ORDER["refund"], page, amount="120,00"))
        assert noted.startswith(
            "Your request is noted, and nothing is done yet: €120.00 is refunded once a second"
        )
    request = VoucherApproval.objects.get()
    assert (request.requested_by, request.reason, request.outcome) == ("mia", "asked by phone", "open")
    assert moved("refund") == []

    order = ben.get(f"{FOLDER}order/?number=A-1001")
    assert "A refund of €120.00 was asked for" in order.context["lines"][-1].text
    for page in (order, ben.get(f"{FOLDER}attention/")):
        assert address() in page.text
    page = ben.get(address())
    assert stated(page) == [
        "mia asks to refund €120.00 of order A-1001.",
        "Up to €300.00 goes back to gift voucher …ABCD.",
    ]
    assert told(decide(ben, "approved")) == ["€120.00 was refunded."]
    assert told(decide(ben, "approved")) == ["It has changed meanwhile: there is nothing to do any more."]
    assert told(confirm(mia, ORDER["refund"], amount="1")) == ["€1.00 was refunded."]
    assert moved("refund") == [
        (D("120.00"), "succeeded", "mia", "asked by phone"),
        (D("1.00"), "succeeded", "mia", "asked by phone"),
    ]
    request.refresh_from_db()
    assert (request.outcome, request.decided_by, request.conclusion) == ("approved", "ben", "seen the parcel")
    order = ben.get(f"{FOLDER}order/?number=A-1001")
    assert ("The refund of €120.00 was approved.", "ben") in [
        (line.text, line.actor) for line in order.context["lines"]
    ]
    assert address() not in order.text + ben.get(f"{FOLDER}attention/").text


def test_who_asked_approves_nothing_not_even_as_a_superuser(charged, mia, person, django_user_model):
    ask(mia)
    root = person("root", is_superuser=True)
    ask(root, "130")
    mine, theirs = VoucherApproval.objects.order_by("-pk")
    for client, own, other in ((root, mine, theirs), (mia, theirs, mine)):
        seen = client.get(f"{FOLDER}attention/").text + client.get(f"{FOLDER}order/?number=A-1001").text
        assert (f'{address(own)}"' in seen, f'{address(other)}"' in seen) == (False, True)
        assert client.post(address(own), {"decision": "approved", "reason": "x"}).status_code == 403
    plain = person("eva", *MAY)
    assert plain.get(address(mine)).status_code == 403, "without the permission"
    assert moved("refund") == []


@pytest.mark.parametrize("first", ["60", "100"])
def test_a_refund_that_is_split_in_two_is_no_smaller(charged, mia, first):
    assert told(ask(mia, first)) == [f"€{first}.00 was refunded."]
    left = 100 - int(first)
    noted = told(ask(mia, f"{left}.01"))[0]
    assert noted.startswith("Your request is noted")
    assert [amount for amount, *_ in moved("refund")] == [D(first)]
    # what is asked for counts too
    assert told(ask(mia, "1"))[0].startswith("Your request is noted")
    assert VoucherApproval.objects.count() == 2


def test_what_code_refunds_is_neither_limited_nor_counted(charged, mia):
    gateway.refund(charged, "150.00")
    assert told(ask(mia, "100")) == ["€100.00 was refunded."]


def test_a_refund_that_came_to_nothing_does_not_count(charged, mia, django_user_model):
    refund, target = Refund(), of_order("A-1001")
    preview = refund.preview(target)
    given = {"amount": D(90), "key": "0" * 32, "seen": preview.seen, "reason": "x"}
    without_vouchers = replace(target, what=OrderFacts("A-9", D(90), "EUR"))
    assert refund.confirm(without_vouchers, preview, given, django_user_model.objects.get()) == []
    assert refunded_alone("A-1001") == 0
    assert told(ask(mia, "100")) == ["€100.00 was refunded."]


def test_taking_the_vouchers_off_is_no_way_round(charged, mia, ben):
    page = mia.get(ORDER["cancel"])
    assert "must be approved by a second person" in page.text
    assert told(confirm(mia, ORDER["cancel"], page))[0].startswith("Your request is noted")
    assert moved("refund") == []
    assert stated(ben.get(address()))[0] == (
        "mia asks to take the gift vouchers off order A-1001, by which €300.00 is refunded."
    )
    assert told(decide(ben, "approved")) == ["€300.00 was refunded."]


def test_a_charge_of_which_the_outcome_is_open_is_refunded_by_a_second_person_too(charged, shop, mia, ben):
    """To take it off stores the wish, by which all that was charged goes back later, without anyone."""
    charge_without_answer(shop)
    off = ORDER["cancel"].replace("A-1001", "A-2")
    assert told(confirm(mia, off))[0].startswith("Your request is noted, and nothing is done yet: €200.00")
    assert told(decide(ben, "approved")) == ["It is noted and not done yet: it follows what is still open."]
    assert VoucherApproval.objects.get().outcome == "approved"
    for _ in range(2):
        shop.later(minutes=45)
        gateway.settle()
    assert [amount for amount, *_ in moved("refund")] == [D(200)]


def test_a_request_is_rejected_or_ends_by_itself(charged, mia, ben):
    ask(mia)
    assert told(decide(ben, "rejected")) == ["The request is rejected; nothing is refunded."]
    ask(mia)
    VoucherApproval.objects.filter(outcome="open").update(expires_at=timezone.now() - timedelta(seconds=1))
    assert told(decide(ben, "approved")) == ["It has changed meanwhile: there is nothing to do any more."]
    assert moved("refund") == []
    texts = [line.text for line in ben.get(f"{FOLDER}order/?number=A-1001").context["lines"]]
    assert "The refund of €120.00 was rejected: nothing was refunded." in texts
    assert "The refund of €120.00 was not approved in time: nothing was refunded." in texts
    assert told(ask(mia, "100")) == ["€100.00 was refunded."], "neither counts any more"


def test_the_amount_is_checked_again_when_it_is_approved(charged, mia, ben):
    ask(mia)
    gateway.refund(charged, "200.00")
    page = ben.get(address())
    assert "The amounts have changed since it was asked for" in page.text
    assert [value for value, _label in page.context["form"].fields["decision"].choices] == ["rejected"]
    assert decide(ben, "approved").context["form"].errors
    assert [amount for amount, *_ in moved("refund")] == [D(200)]


def test_a_page_whose_choice_is_gone_says_that_it_has_changed(charged, mia, ben):
    """The amount was left when the page was opened, and is not when it is approved."""
    ask(mia)
    page = ben.get(address())
    gateway.refund(charged, "200.00")
    answer = decide(ben, "approved", page)
    assert (answer.status_code, [amount for amount, *_ in moved("refund")]) == (409, [D(200)])
    assert "It has changed meanwhile. Nothing was done" in answer.text


def test_of_two_who_approve_at_the_same_moment_one_does(charged, mia, ben, django_user_model):
    """The second one has read the request before the first one decided."""
    ask(mia)
    as_read = VoucherApproval.objects.get()
    decide(ben, "approved")
    for outcome in ("approved", "rejected"):
        with pytest.raises(ConflictError):
            confirm_as_read(as_read, outcome, django_user_model.objects.first())
    assert [amount for amount, *_ in moved("refund")] == [D(120)]


def test_what_was_approved_and_not_carried_out_is_carried_out_by_approving_it_again(charged, mia, ben):
    ask(mia)
    now = timezone.now()
    VoucherApproval.objects.update(outcome="approved", decided_by="eva", decided_at=now)
    assert address() in ben.get(f"{FOLDER}order/?number=A-1001").text
    assert told(decide(ben, "approved")) == ["€120.00 was refunded."]
    assert VoucherApproval.objects.get().decided_by == "eva"


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"outcome": "rejected", "decided_by": "eva"},
        {"decided_at": timezone.now() + timedelta(hours=1)},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
    ids=["rejected", "resumed by another person", "expired"],
)
def test_what_was_approved_is_carried_out_only_as_it_was_read(
    charged, mia, ben, django_user_model, meanwhile
):
    ask(mia)
    VoucherApproval.objects.update(outcome="approved", decided_by="eva", decided_at=timezone.now())
    as_read = VoucherApproval.objects.get()
    VoucherApproval.objects.update(**meanwhile)
    with pytest.raises(ConflictError):
        confirm_as_read(as_read, "approved", django_user_model.objects.get(username="ben"))
    assert moved("refund") == []


def test_what_another_person_is_refunding_is_not_opened_again(
    charged, mia, ben, django_user_model, monkeypatch
):
    """The first one reopens what was refused, after the second one has resumed it."""
    ask(mia)
    request = VoucherApproval.objects.get()
    request.amount = D(301)
    later = timezone.now() + timedelta(minutes=1)

    def resumed(subject):
        VoucherApproval.objects.update(decided_at=later)
        return False

    monkeypatch.setattr(approve, "_was_written", resumed)
    confirm_as_read(request, "approved", django_user_model.objects.get(username="ben"))
    assert VoucherApproval.objects.get().outcome == "approved"


def test_what_the_gateway_refuses_may_be_approved_again(charged, mia, ben, django_user_model):
    ask(mia)
    request = VoucherApproval.objects.get()
    request.amount = D(301)
    (refusal,) = confirm_as_read(request, "approved", django_user_model.objects.get(username="ben"))
    assert "can still go back to gift vouchers. Nothing was sent." in refusal.text
    assert VoucherApproval.objects.get().outcome == "open"
    assert told(decide(ben, "approved")) == ["€120.00 was refunded."]


def test_a_currency_without_a_limit_always_needs_a_second_person(charged, mia, gateway_settings):
    gateway_settings(REFUND_APPROVAL_ABOVE={"CHF": "100.00"})
    assert "A second person must approve it" in mia.get(ORDER["refund"]).text
    assert told(ask(mia, "1"))[0].startswith("Your request is noted")


def test_it_is_german(charged, mia, ben):
    with translation.override("de"):
        assert "Mehr als 100,00\xa0€ muss ein zweiter Mensch" in mia.get(ORDER["refund"]).text
        ask(mia)
        assert "<title>Erstattung von 120,00\xa0€ freigeben oder ablehnen" in ben.get(address()).text
