"""Who asked for a refund: what they are told of their request later, and whether it may still be done in their name."""

import html
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone, translation

from tests.admin.test_actions import FOLDER, ORDER, confirm, moved, told
from tests.admin.two_people import address, ask, charge_without_answer, decide
from voucher_payment_gateway.admin.actions.withdraw import WITHDRAW
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.models import VoucherApproval

REQUESTS = "/admin/voucher_payment_gateway/voucherapproval/"


@pytest.mark.parametrize("what", ["deactivated", "without the permission", "deleted"])
def test_nothing_is_refunded_in_the_name_of_who_may_not_refund_any_more(
    charged, mia, ben, django_user_model, what
):
    ask(mia)
    user = django_user_model.objects.get(username="mia")
    if what == "deactivated":
        django_user_model.objects.filter(pk=user.pk).update(is_active=False)
    elif what == "deleted":
        user.delete()
    else:
        user.user_permissions.clear()
    page = decide(ben, "approved")
    assert "mia may not refund any more, or has no account any more: reject it." in page.text
    assert [value for value, _ in page.context["form"].fields["decision"].choices] == ["rejected"]
    assert moved("refund") == []
    with translation.override("de"):
        assert "mia darf nicht mehr erstatten" in ben.get(address()).text
    assert told(decide(ben, "rejected")) == ["The request is rejected; nothing is refunded."]


def test_a_page_that_has_asked_tells_what_became_of_it(charged, mia, ben):
    page = mia.get(ORDER["refund"])

    def again():
        return told(confirm(mia, ORDER["refund"], page, amount="120"))

    assert again()[0].startswith("Your request is noted")
    request = VoucherApproval.objects.filter()
    request.update(expires_at=timezone.now() - timedelta(hours=1))
    assert again() == ["The refund of €120.00 was not approved in time: nothing was refunded."]
    request.update(expires_at=timezone.now() + timedelta(hours=1))
    decide(ben, "rejected")
    assert again() == ["The refund of €120.00 was rejected: nothing was refunded."]
    request.update(outcome="approved")
    assert again() == ["The refund of €120.00 was approved. It is not carried out yet."]


def test_who_asked_withdraws_it_and_no_other_person_does(charged, mia, ben, person):
    ask(mia)
    page = mia.get(f"{FOLDER}order/?number=A-1001")
    own = f"{address()}withdraw/"
    assert f'href="{own}">Withdraw your request to refund €120.00</a>' in page.text
    for other in (ben, person("root", is_superuser=True)):
        assert own not in other.get(f"{FOLDER}order/?number=A-1001").text
        assert (other.get(own).status_code, other.post(own, {"reason": "x"}).status_code) == (403, 403)
    stale = ben.get(address())
    assert mia.post(own, {"reason": " "}).status_code == 200, "a reason is needed"
    done = mia.post(own, {"reason": "asked twice"}, follow=True)
    assert told(done) == ["Your request is withdrawn; nothing is refunded."]
    line = done.context["lines"][-1]
    assert (line.text, line.actor, line.reason) == (
        "The request to refund €120.00 was withdrawn: nothing was refunded.",
        "mia",
        "asked twice",
    )
    assert VoucherApproval.objects.get().decided_at is not None
    assert told(decide(ben, "approved", stale)) == [
        "It has changed meanwhile: there is nothing to do any more."
    ]
    assert told(mia.post(own, {"reason": "x"}, follow=True)) == [
        "It has changed meanwhile: there is nothing to do any more."
    ]
    assert told(ask(mia, "100")) == ["€100.00 was refunded."], "it counts no more"


def test_who_approves_at_the_moment_of_a_withdrawal_is_first_or_not(charged, mia, ben):
    ask(mia)
    as_read = VoucherApproval.objects.get()
    decide(ben, "approved")
    with pytest.raises(ConflictError):
        WITHDRAW.confirm(as_read, WITHDRAW.preview(as_read), {"reason": "x"}, None)
    assert VoucherApproval.objects.get().outcome == "approved"


def test_a_page_that_only_asks_says_so_on_its_button(charged, mia):
    def button():
        return re.search('type="submit" value="([^"]+)"></p>', mia.get(ORDER["refund"]).text)[1]

    assert button() == "Refund now, or ask for it"
    ask(mia, "100")
    assert button() == "Ask for the refund"
    assert 'value="Take them off now, or ask for it"' in mia.get(ORDER["cancel"]).text
    with translation.override("de"):
        assert button() == "Um die Erstattung bitten"


def test_requests_are_shown_and_decided_after_the_limit_is_gone(charged, mia, ben, gateway_settings):
    ask(mia)
    gateway_settings(REFUND_APPROVAL_ABOVE=None)
    assert address() in ben.get(f"{FOLDER}order/?number=A-1001").text
    assert told(decide(ben, "approved")) == ["€120.00 was refunded."]


def test_an_approved_cancel_that_is_noted_is_not_offered_again(charged, shop, mia, ben):
    charge_without_answer(shop)
    confirm(mia, ORDER["cancel"].replace("A-1001", "A-2"))
    assert address() in ben.get(f"{FOLDER}order/?number=A-2").text
    decide(ben, "approved")
    assert address() not in ben.get(f"{FOLDER}order/?number=A-2").text


def test_the_list_of_requests_says_who_asked_and_who_decided(charged, mia, ben, person):
    ask(mia)
    decide(ben, "rejected")
    ask(mia, "130")
    auditor = person("ada", "view_voucherapproval")
    order = f"{FOLDER}order/?number=A-1001"
    assert "All requests for refunds" not in ben.get(order).text
    (link,) = re.findall('href="([^"]+)">All requests for refunds', auditor.get(order).text)
    page = auditor.get(html.unescape(link))
    found = [(row.amount, row.requested_by, row.decided_by) for row in page.context["cl"].result_list]
    assert found == [(D(130), "mia", ""), (D(120), "mia", "ben")]
    assert "<title>Requests for refunds" in page.text
    assert list(auditor.get(f"{REQUESTS}?order_number=A-9").context["cl"].result_list) == []
    rejected = VoucherApproval.objects.first()
    assert "seen the parcel" in auditor.get(f"{REQUESTS}{rejected.pk}/change/").text
    for change in ({"decision": "approved"}, {"post": "yes"}):
        for page in ("change", "delete"):
            assert auditor.post(f"{REQUESTS}{rejected.pk}/{page}/", change).status_code == 403
    VoucherApproval.objects.filter(outcome="open").update(expires_at=timezone.now() - timedelta(hours=1))
    with translation.override("de"):
        assert "nicht rechtzeitig freigegeben" in auditor.get(REQUESTS).text


def test_what_was_approved_and_never_carried_out_is_not_told_as_a_refund(charged, mia, person):
    page = mia.get(ORDER["refund"])
    confirm(mia, ORDER["refund"], page, amount="120,00")
    ask(mia, "110")
    assert told(decide(person("ben", "approve_voucherapproval"), "approved")) == ["€110.00 was refunded."]
    now = timezone.now()
    VoucherApproval.objects.filter(amount=120).update(outcome="approved", decided_by="eva", decided_at=now)
    dropped = "The refund of €120.00 was approved and not carried out in time: nothing was refunded."
    assert dropped not in mia.get(f"{FOLDER}order/?number=A-1001").text
    VoucherApproval.objects.update(expires_at=now)
    story = mia.get(f"{FOLDER}order/?number=A-1001").text
    assert dropped in story
    assert story.count("not carried out in time") == 1
    assert told(confirm(mia, ORDER["refund"], page, amount="120,00")) == [dropped]
    requests = person("uwe", "view_voucherapproval").get(REQUESTS).text
    assert requests.count("approved, not carried out in time") == 1
