"""One page tells the whole story of an order's gift vouchers, in sentences, and links to everything it names."""

from decimal import Decimal as D

import pytest
from django.utils import timezone, translation

from tests.admin.conftest import Desk
from voucher_payment_gateway import gateway
from voucher_payment_gateway.admin import VoucherPaymentAdmin
from voucher_payment_gateway.admin.orders import OrderButton
from voucher_payment_gateway.exceptions import OutcomeUnknownError
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

CODE, OTHER = "GIFT-2000-ABCD", "GIFT-3000-WXYZ"


def lines(page):
    return [line.text for line in page.context["lines"]]


def figures(page):
    return {name: amount for name, _label, amount in page.context["figures"].rows}


@pytest.fixture
def order(shop):
    """An order of 50.00 that two vouchers pay: charged, and partly returned."""
    shop.voucher("20.00")
    shop.voucher("40.00", code=OTHER)
    order = shop.order("50.00")
    gateway.authorize(order, CODE)
    gateway.authorize(order, OTHER)
    gateway.authorize_selected(order)
    gateway.capture(order, actor="mia", reason="shipped")
    gateway.refund(order, D("5.00"), key="return-7")
    return order


def test_the_story_is_told_in_sentences_in_the_order_of_time(order, desk):
    page = desk().order()
    first, charges, last = lines(page)[:4], lines(page)[4:6], lines(page)[6:]
    assert first == [
        "€20.00 was reserved on gift voucher …ABCD.",
        "€30.00 was reserved on gift voucher …WXYZ.",
        "The order was confirmed: €20.00 agreed with gift voucher …ABCD.",
        "The order was confirmed: €30.00 agreed with gift voucher …WXYZ.",
    ]
    assert sorted(charges) == [  # sent at the same time: the one that is answered first stands first
        "€20.00 was charged to gift voucher …ABCD.",
        "€30.00 was charged to gift voucher …WXYZ.",
    ]
    assert last == ["€5.00 was refunded to gift voucher …WXYZ."]
    assert [line.at for line in page.context["lines"]] == sorted(line.at for line in page.context["lines"])


def test_who_why_and_the_ids_stand_with_each_step(order, desk):
    page = desk().order()
    charge = VoucherOperation.objects.filter(kind="charge").first()
    line = next(line for line in page.context["lines"] if line.anchor == f"operation-{charge.pk}")
    assert (line.actor, line.reason) == ("mia", "shipped")
    assert dict(line.facts) == {
        "operation": str(charge.pk),
        "remote id": charge.remote_id,
        "acts on": charge.target_id,
        "order number sent": charge.reference,
    }
    for text in ("by mia", "Reason: shipped", charge.remote_id, charge.reference, "return-7", "by the shop"):
        assert text in page.text, text


def test_what_is_held_agreed_kept_and_owed_stands_on_top(shop, order, desk):
    clerk = desk()
    assert figures(clerk.order()) == {
        "total": "€50.00",
        "held": "€0.00",
        "agreed": "€0.00",
        "captured": "€50.00",
        "refunded": "€5.00",
        "kept": "€45.00",
        "due": "€0.00",
    }
    other = shop.order("60.00", number="A-2")
    shop.voucher("10.00", code="GIFT-1000-EFGH")
    gateway.authorize(other, "GIFT-1000-EFGH")
    gateway.authorize_selected(other)
    page = clerk.order("A-2")
    assert figures(page) | {"held": "€10.00", "agreed": "€10.00", "due": "€50.00"} == figures(page)
    assert "Live reservations stand behind" in page.text


def test_no_code_stands_on_the_page(order, desk):
    text = desk().order().text
    for payment in VoucherPayment.objects.all():
        assert payment.sealed_code not in text or not payment.sealed_code
        assert payment.code_fingerprint not in text
    assert CODE not in text
    assert OTHER not in text


def test_an_unknown_outcome_is_not_called_failed(shop, desk):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    page = desk().order()
    assert lines(page)[-1] == (
        "Charging €20.00 to gift voucher …ABCD: no clear answer came; it is being checked, do not repeat it by hand."
    )
    assert page.context["lines"][-1].tone == "open"


@pytest.mark.parametrize(
    ("changes", "expected", "tone"),
    [
        ({"state": "due"}, "not sent yet, it follows by itself.", "open"),
        ({"state": "due", "refused_at": timezone.now()}, "before that is believed.", "open"),
        ({"state": "sending"}, "it is being sent just now.", "open"),
        ({"state": "manual"}, "a person has to decide, since the money may have moved.", "attention"),
        ({"state": "refused"}, "refused by the Voucher Cloud, no money moved.", "refused"),
        ({"state": "not_applied"}, "not carried out, no money moved.", "none"),
        (
            {"state": "not_applied", "error_code": "order_changed"},
            "not carried out since the order was changed before, no money moved.",
            "none",
        ),
        (
            {"state": "not_applied", "concluded_by": "ben", "conclusion": "nothing there"},
            "not carried out, no money moved. Decided by ben: nothing there",
            "none",
        ),
    ],
)
def test_every_outcome_has_its_sentence(order, desk, changes, expected, tone):
    refund = VoucherOperation.objects.filter(kind="refund")
    refund.update(**changes)
    page = desk().order()
    line = next(line for line in page.context["lines"] if line.anchor == f"operation-{refund.get().pk}")
    assert line.text.startswith("Refunding €5.00 to gift voucher …WXYZ: ")
    assert line.text.endswith(expected)
    assert line.tone == tone


def test_renewals_that_follow_one_another_are_one_step(shop, desk, gateway_settings):
    gateway_settings(RENEW_HOLDS=True)
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    for _ in range(3):
        shop.later(minutes=25)
        gateway.settle()
    page = desk().order()
    assert lines(page)[-1] == "€20.00 was reserved on gift voucher …ABCD. It was renewed 3 times."
    assert VoucherPayment.objects.get().reservation_id in page.text


def test_a_voucher_that_was_selected_taken_off_or_ended_is_told(shop, desk):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.select(order, CODE)
    clerk = desk()
    assert lines(clerk.order()) == ["Gift voucher …ABCD was entered."]
    gateway.authorize_selected(order)
    gateway.cancel(order)
    assert "Gift voucher …ABCD was taken off the order." in lines(clerk.order())
    VoucherPayment.objects.update(
        status="failed", cancel_requested_at=None, ended_at=timezone.now(), end_reason="refused"
    )
    last = clerk.order().context["lines"][-1]
    assert last.text == (
        "Gift voucher …ABCD failed: the Voucher Cloud refuses what was agreed. No money moved."
    )
    assert last.tone == "attention"
    VoucherPayment.objects.update(status="selected", cancel_requested_at=timezone.now(), ended_at=None)
    assert "that is not done yet" in lines(clerk.order())[-1]


def test_sold_vouchers_stand_in_the_same_story(shop, desk, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    shop.voucher("20.00")
    order = shop.order("70.00", note="a=50.00")
    gateway.authorize(order, CODE)
    (sale,) = gateway.activate(order)
    page = desk().order()
    hint = sale.code_hint
    told = lines(page)
    assert told[:2] == ["€20.00 was reserved on gift voucher …ABCD.", "A gift voucher of €50.00 was bought."]
    assert f"Gift voucher …{hint} of €50.00 was created; it is not valid yet." in told
    assert f"Gift voucher …{hint} was activated: it can be redeemed." in told
    assert told[-1] == f"Gift voucher …{hint} was sent to ada@example.org."
    VoucherSale.objects.update(
        delivered_at=None, delivery_error="SMTPServerDisconnected", delivery_attempts=3, deliver_due_at=timezone.now()
    )  # fmt: skip
    assert any("it was tried 3 times" in text for text in lines(desk(name="ben").order()))


def test_sales_and_differences_are_shown_to_whom_may_see_them_alone(shop, desk, gateway_settings, order):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    gateway.activate(shop.order("50.00", number="A-2", note="a=50.00"))
    difference(order_number="A-2")
    assert desk("view_voucherdifference", name="ben").order("A-2").status_code == 403
    page = desk("view_voucherpayment", name="eva").order("A-2")
    assert (lines(page), page.context["cards"]) == ([], [])
    assert len(lines(desk().order("A-2"))) > 3


def difference(**fields):
    now = timezone.now()
    given = {"voucher_id": "v-1", "kind": "theirs_only", "sentence": "…", "remote_id": "b-1"}
    return VoucherDifference.objects.create(first_seen_at=now, last_seen_at=now, **given | fields)


def test_what_reconciling_found_is_part_of_the_story(order, desk):
    found = difference(order_number="A-1001", code_hint="ABCD")
    clerk = desk()
    text = "The Voucher Cloud has a booking on gift voucher …ABCD that we do not know."
    last = clerk.order().context["lines"][-1]
    assert (last.text, last.tone, last.facts) == (text, "attention", [("remote id", "b-1")])
    gateway.explain(found, "booked at the till", actor="ben")
    last = clerk.order().context["lines"][-1]
    assert (last.text, last.actor) == ("Explained: booked at the till", "ben")
    VoucherDifference.objects.update(explained_at=None, gone_at=timezone.now())
    assert lines(clerk.order())[-1] == "That difference is gone."


def test_an_order_that_is_gone_has_the_sums_of_its_payments(shop, order, desk):
    type(order).objects.filter(pk=order.pk).update(number="renamed")
    page = desk().order()
    assert figures(page) == {
        "held": "€0.00",
        "agreed": "€0.00",
        "captured": "€50.00",
        "refunded": "€5.00",
        "kept": "€45.00",
    }
    assert "The shop has no order with this number." in page.text


def test_an_order_whose_total_cannot_be_read_has_the_sums_too(shop, order, desk):
    type(order).objects.update(currency="KWD")
    assert "cannot be read" in desk().order().text


def test_a_number_that_nobody_has_is_not_found(shop, desk):
    clerk = desk()
    assert clerk.order("A-9").status_code == 404
    assert clerk.order("").status_code == 404


def test_an_order_without_vouchers_is_told_as_that(shop, desk):
    shop.order("20.00")
    page = desk().order()
    assert "No gift voucher was used or sold." in page.text
    assert "Nothing has happened yet." in page.text


def test_an_earlier_order_with_the_number_has_a_story_of_its_own(shop, order, desk, gateway_settings):
    gateway_settings(ORDER_ADAPTER="tests.admin.adapters.Dated")
    page = desk().order()
    assert (lines(page), page.context["cards"]) == ([], [])
    assert len(page.context["earlier"]) == 7
    assert "An earlier order had the same number" in page.text


def test_it_links_to_the_shop_the_payments_and_the_statement(order, admin_client):
    page = Desk(admin_client).order()
    payment = VoucherPayment.objects.first()
    for address in (
        f"/admin/shop/order/{order.pk}/change/",
        f"/admin/voucher_payment_gateway/voucherpayment/{payment.pk}/change/",
        f"/admin/voucher_payment_gateway/voucherpayment/statement/?voucher={payment.voucher_id}&amp;account=",
    ):
        assert address in page.text, address
    back = admin_client.get(f"/admin/voucher_payment_gateway/voucherpayment/{payment.pk}/change/")
    assert "/admin/voucher_payment_gateway/voucherpayment/order/?number=A-1001" in back.text


def test_who_may_not_see_the_shops_orders_gets_no_link_to_them(order, desk):
    assert "/admin/shop/order/" not in desk().order().text


@pytest.mark.parametrize("count", [1, 7])
def test_the_number_of_statements_does_not_depend_on_the_payments(
    shop, desk, count, django_assert_num_queries, gateway_settings
):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    order = shop.order("500.00", note=" ".join(f"k{i}=10" for i in range(count)))
    for number in range(count):
        shop.voucher("20.00", code=f"GIFT-{number}-ABCD")
        gateway.authorize(order, f"GIFT-{number}-ABCD")
    gateway.capture(order)
    gateway.activate(order)
    clerk = desk()
    clerk.order()  # permissions and content types are cached by then
    # session, user, two of permissions; payments, sales, operations, the archive, differences, requests; the order, its
    # cover
    with django_assert_num_queries(12):
        clerk.order()


def test_it_is_german_with_its_title(order, desk):
    with translation.override("de"):
        page = desk().order()
    assert "<title>Bestellung A-1001: Gutscheine" in page.text.replace("\n", "")
    assert "Von Gutschein …ABCD wurden 20,00\xa0€ abgebucht." in lines(page)


def test_there_is_a_place_for_buttons(order, desk, monkeypatch):
    def buttons(page, request, order, records):
        return [OrderButton(f"Ship {order} of {len(records.payments)}", "/ship/")]

    monkeypatch.setattr(VoucherPaymentAdmin, "order_buttons", buttons)
    assert '<a class="button" href="/ship/">Ship A-1001 of 2</a>' in desk().order().text
