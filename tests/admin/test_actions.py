"""A clerk charges, refunds and takes gift vouchers off: amounts first, with a reason, each with a permission, once."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from tests.admin.conftest import VIEW
from tests.admin.test_order_page import difference
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin.actions.refund import Refund
from voucher_payment_gateway.admin.actions.target import of_order
from voucher_payment_gateway.gateway.records.conflicts import ConflictError
from voucher_payment_gateway.gateway.records.order_version import CONFIRMATION, confirm_version, order_version
from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment

CODE, OTHER = "GIFT-2000-ABCD", "GIFT-3000-WXYZ"
FOLDER = "/admin/voucher_payment_gateway/voucherpayment/"
ORDER = {slug: f"{FOLDER}order/{slug}/?number=A-1001" for slug in ("capture", "refund", "cancel")}
MAY = [f"{slug}_voucherpayment" for slug in ORDER]


@pytest.fixture
def held(shop):
    """An order of 50.00 that two vouchers pay: confirmed, not charged yet."""
    vouchers = shop.voucher("20.00"), shop.voucher("40.00", code=OTHER)
    order = shop.order("50.00")
    for code in (CODE, OTHER):
        gateway.authorize(order, code)
    gateway.authorize_selected(order)
    order.vouchers = vouchers
    return order


@pytest.fixture
def charged(held):
    gateway.capture(held)
    return held


@pytest.fixture
def clerk(desk):
    return desk(*VIEW, *MAY).client


@pytest.fixture
def colleague(clerk, django_user_model):
    """Another clerk, at another computer."""
    ben = django_user_model.objects.create_user("ben", is_staff=True)
    ben.user_permissions.set(django_user_model.objects.get(username="mia").user_permissions.all())
    client = Client()
    client.force_login(ben)
    return client


def form_of(page, **given):
    """What a browser sends: the hidden fields and the rest as the page shows them, and what is entered."""
    form = page.context["form"]
    fields = {field.name: field.value() for field in form if field.value() is not None}
    return {"reason": "asked by phone", **fields, **given}


def stated(page):
    preview = page.context["preview"]
    return [str(preview.sentence), *map(str, preview.steps)]


def told(page):
    return [str(message) for message in page.context["messages"]]


def moved(kind):
    return list(VoucherOperation.objects.filter(kind=kind).values_list("amount", "state", "actor", "reason"))


def confirm(client, address, page=None, **given):
    return client.post(address, form_of(page or client.get(address), **given), follow=True)


def test_a_charge_is_stated_voucher_by_voucher_and_made_by_the_clerk(held, clerk):
    page = clerk.get(ORDER["capture"])
    assert stated(page) == [
        "€50.00 is charged, and cannot be taken off the order any more: it can only be refunded.",
        "€20.00 is charged to gift voucher …ABCD.",
        "€30.00 is charged to gift voucher …WXYZ.",
    ]
    assert moved("charge") == []
    done = confirm(clerk, ORDER["capture"], page)
    assert done.redirect_chain == [(f"{FOLDER}order/?number=A-1001", 302)]
    assert told(done) == ["€50.00 was charged."]
    assert moved("charge") == [
        (D("20.00"), "succeeded", "mia", "asked by phone"),
        (D("30.00"), "succeeded", "mia", "asked by phone"),
    ]


def test_an_amount_is_refunded_once_however_often_the_page_is_confirmed(charged, shop, clerk):
    page = clerk.get(ORDER["refund"])
    assert stated(page) == [
        "The amount that you enter goes back to the gift vouchers. Of what was charged, €50.00 may be refunded.",
        "Up to €20.00 goes back to gift voucher …ABCD.",
        "Up to €30.00 goes back to gift voucher …WXYZ.",
    ]
    assert "A part goes back to the last gift voucher first." in page.text
    assert (page.context["form"]["amount"].value(), "€0.01 to €50.00." in page.text) == ("50.00", True)
    for _ in range(3):  # a double click, another tab of the page, the back button
        assert told(confirm(clerk, ORDER["refund"], page, amount="12.35")) == ["€12.35 was refunded."]
    assert moved("refund") == [(D("12.35"), "succeeded", "mia", "asked by phone")]
    assert shop.bookings(charged.vouchers[1])[1:] == [("refund", D("12.35"))]


def test_one_payment_is_dealt_with_from_its_own_page(charged, clerk):
    payment = VoucherPayment.objects.get(code_hint="ABCD")
    page = clerk.get(f"{FOLDER}{payment.pk}/change/").text
    assert "../refund/" in page
    assert "../capture/" not in page
    address = f"{FOLDER}{payment.pk}/refund/"
    assert stated(clerk.get(address))[1:] == ["Up to €20.00 goes back to gift voucher …ABCD."]
    confirm(clerk, address, amount="5")
    assert VoucherOperation.objects.get(kind="refund").payment == payment


def test_what_cannot_be_refunded_is_refused_in_its_field(charged, clerk):
    for typed, problem in (
        ("", "This field is required."),
        ("50.01", "At most €50.00 may be refunded."),
        ("1.234", "Enter an amount such as 12.50."),
    ):
        page = confirm(clerk, ORDER["refund"], amount=typed)
        assert page.context["form"].errors == {"amount": [problem]}
    assert moved("refund") == []


def test_a_german_types_a_comma(charged, clerk, settings):
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
    with translation.override("de"):
        page = clerk.get(ORDER["refund"])
        assert page.context["form"]["amount"].value() == "50,00"
        assert "<title>Auf die Gutscheine erstatten, Bestellung A-1001" in page.text
        assert "Vom Abgebuchten können 50,00\xa0€ erstattet werden." in stated(page)[0]
        assert told(confirm(clerk, ORDER["refund"], page, amount="7,35")) == ["Erstattet wurden 7,35\xa0€."]


def test_a_cancel_states_what_is_released_and_refunded(charged, shop, clerk):
    third = shop.voucher("10.00", code="GIFT-1000-EFGH")
    type(charged).objects.update(total=D("60.00"))
    charged.refresh_from_db()
    gateway.authorize(charged, "GIFT-1000-EFGH")
    page = clerk.get(ORDER["cancel"])
    assert stated(page) == [
        "No gift voucher pays the order any more: €10.00 is released, €50.00 is refunded.",
        "Gift voucher …ABCD: €20.00 is refunded.",
        "Gift voucher …WXYZ: €30.00 is refunded.",
        "Gift voucher …EFGH: €10.00 is released.",
    ]
    kept = confirm(clerk, ORDER["cancel"], page, keep_charged="on")
    assert told(kept) == ["The gift vouchers are taken off the order."]
    assert (moved("refund"), shop.bookings(third)) == ([], [])
    assert told(confirm(clerk, ORDER["cancel"])) == ["€50.00 was refunded."]
    assert set(VoucherPayment.objects.values_list("status", flat=True)) == {"cancelled"}
    assert told(clerk.get(ORDER["cancel"], follow=True)) == [
        "It has changed meanwhile: there is nothing to do any more."
    ]


def test_the_second_of_two_clerks_is_told_what_changed_and_confirms_again(charged, clerk, colleague):
    mine, theirs = clerk.get(ORDER["refund"]), colleague.get(ORDER["refund"])
    confirm(clerk, ORDER["refund"], mine, amount="5.00")
    page = colleague.post(ORDER["refund"], form_of(theirs, amount="6.00", reason="return 8"))
    assert page.status_code == 409
    assert "It has changed meanwhile. Nothing was done" in page.text
    assert [line.text for line in page.context["since"]] == ["€5.00 was refunded to gift voucher …WXYZ."]
    assert "Of what was charged, €45.00 may be refunded." in page.text
    assert [amount for amount, *_ in moved("refund")] == [D("5.00")]
    assert told(confirm(colleague, ORDER["refund"], page)) == ["€6.00 was refunded."]
    assert moved("refund")[1] == (D("6.00"), "succeeded", "ben", "return 8")


def test_of_two_confirmations_of_one_version_the_database_lets_one_through(charged):
    """Another worker has written the next confirmation since this one has compared the version."""
    VoucherIdempotencyKey.objects.create(order_number="A-1001", verb=CONFIRMATION, key="2")
    version = order_version("A-1001")
    with pytest.raises(ConflictError):
        confirm_version("A-1001", version, page="0" * 32)


def test_an_unknown_outcome_is_called_that_and_not_repeated(charged, shop, clerk):
    shop.cloud.faults.next("after:drop", path="*/refund")
    page = clerk.get(ORDER["refund"])
    for _ in range(2):
        done = confirm(clerk, ORDER["refund"], page, amount="5.00")
        assert told(done) == [
            "It is not known yet whether the money has moved. Do not repeat it, neither here nor at the Voucher Cloud: "
            "the shop finds out by itself, in up to 40 minutes."
        ]
    assert len(moved("refund")) == 1
    assert "is not finished yet" in clerk.get(ORDER["refund"]).context["preview"].problem


def test_an_outage_is_told_in_the_words_of_the_gateway_and_follows_by_itself(charged, shop, clerk):
    shop.cloud.faults.next("before:503", path="*/refund", times=None)
    first, second = told(confirm(clerk, ORDER["refund"], amount="5.00"))
    assert first == "It is noted and not sent yet. Do not repeat it: it follows by itself."
    assert "No money moved" in second
    shop.cloud.faults.clear()
    shop.later(minutes=5)
    gateway.settle()
    assert [state for _amount, state, *_ in moved("refund")] == ["succeeded"]


def test_money_moves_before_the_answer_where_requests_are_atomic(charged, clerk, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert told(confirm(clerk, ORDER["refund"], amount="5.00")) == ["€5.00 was refunded."]


@pytest.mark.parametrize("slug", ORDER)
def test_each_action_has_its_permission_and_is_hidden_and_refused_without_it(charged, desk, slug):
    """Only by POST with a CSRF token, and with a reason."""
    payment = VoucherPayment.objects.first()
    clerk = desk(*VIEW, *(name for name in MAY if not name.startswith(slug)))
    one = f"{FOLDER}{payment.pk}/{slug}/"
    assert ORDER[slug] not in clerk.order().text
    assert f"../{slug}/" not in clerk.client.get(f"{FOLDER}{payment.pk}/change/").text
    for address in (ORDER[slug], one):
        assert clerk.client.get(address).status_code == 403
        assert clerk.client.post(address, {"reason": "x"}).status_code == 403
    blind = desk(f"{slug}_voucherpayment", name="eva").client
    assert blind.get(one).status_code == 403, "who may not look at payments"
    assert VoucherOperation.objects.filter(kind__in=("refund", "cancel")).count() == 0


def test_an_open_difference_is_explained_from_the_page_of_its_order(held, desk):
    row = difference(order_number="A-1001")
    address = f"/admin/voucher_payment_gateway/voucherdifference/{row.pk}/change/"
    button = f'<a class="button" href="{address}">Explain difference {row.pk}</a>'
    clerk = desk(*VIEW, "change_voucherdifference")
    assert button in clerk.order().text
    clerk.client.post(address, {"new_explanation": "booked at the till"})
    assert button not in clerk.order().text
    row.refresh_from_db()
    assert (row.explained_by, button in desk(name="eva").order().text) == ("mia", False)


def test_without_a_reason_a_token_or_a_version_nothing_moves(charged, clerk, django_user_model):
    page = clerk.get(ORDER["refund"])
    for wrong in ({"reason": " "}, {"key": "x"}, {"key": ""}, {"seen": ""}):
        assert confirm(clerk, ORDER["refund"], page, **wrong).status_code == 200
    assert confirm(clerk, ORDER["refund"], page, seen="7-7-7").status_code == 409
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(django_user_model.objects.get())
    assert strict.post(ORDER["refund"], form_of(page)).status_code == 403
    assert moved("refund") == []
    for gone in (f"{FOLDER}order/refund/?number=none", f"{FOLDER}order/refund/", f"{FOLDER}999999/refund/"):
        assert clerk.get(gone).status_code == 404


def test_two_clicks_at_the_same_moment_are_one(charged, clerk):
    """The second one has found the page not confirmed yet, and conflicts with the first one's."""
    page = clerk.get(ORDER["refund"])
    confirm_version("A-1001", order_version("A-1001"), page=page.context["form"]["key"].value())
    refund, target = Refund(), of_order("A-1001")
    given = {"amount": D(5), **{name: page.context["form"][name].value() for name in ("key", "seen")}}
    with pytest.raises(ConflictError):
        refund.confirm(target, refund.preview(target), given, None)
    assert told(confirm(clerk, ORDER["refund"], page, amount="5.00")) == [
        "This page was confirmed before: look at the order before you open it again."
    ]
    assert moved("refund") == []


def test_a_click_while_the_first_one_is_being_sent_sends_nothing(charged, clerk):
    page = clerk.get(ORDER["refund"])
    confirm(clerk, ORDER["refund"], page, amount="5.00")
    VoucherOperation.objects.filter(kind="refund").update(state="sending", remote_id="")
    assert told(confirm(clerk, ORDER["refund"], page, amount="5.00")) == [
        "It is being sent just now. Do not repeat it: look at it again in a minute."
    ]
    assert len(moved("refund")) == 1
