"""A clerk finds a voucher by whatever is at hand, and what is typed stands in no address, no log and no statement."""

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.sentry import sentry
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

CODE = "GIFT-2000-ABCD"
ORDER = "/admin/voucher_payment_gateway/voucherpayment/order/?number=A-1001"


@pytest.fixture
def payment(shop):
    shop.voucher("20.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.later(minutes=40)
    gateway.capture(order)  # reserved again: there is an earlier reservation
    return VoucherPayment.objects.get()


def operation(kind):
    return VoucherOperation.objects.filter(kind=kind).first()


TERMS = {
    "order number": lambda payment: payment.order_number,
    "with blanks around": lambda payment: f"  {payment.order_number}\t",
    "voucher id": lambda payment: payment.voucher_id,
    "reservation id": lambda payment: payment.reservation_id,
    "earlier reservation id": lambda payment: operation("reserve").remote_id,
    "reference": lambda payment: operation("charge").reference,
    "remote id": lambda payment: operation("charge").remote_id,
    "full code": lambda payment: CODE,
    "code with what nobody sees": lambda payment: f"\u200b{CODE}\u00a0",
}


@pytest.mark.parametrize("kind", TERMS)
def test_what_is_found_in_one_order_shows_its_page_at_once(payment, desk, kind):
    answer = desk().search(TERMS[kind](payment))
    assert (answer.status_code, answer["Location"]) == (302, ORDER)


@pytest.mark.parametrize("term", ["ABCD", "…ABCD", "...ABCD", "abcd", "GIFT-9999-ABCD"])
def test_the_last_characters_list_all_vouchers_that_end_so(shop, payment, desk, term):
    shop.voucher("30.00", code="GIFT-3000-ABCD")
    gateway.authorize(shop.order("30.00", number="A-2"), "GIFT-3000-ABCD")
    page = desk().search(term)
    assert [result.order for result in page.context["results"]] == ["A-2", "A-1001"]  # newest first
    assert "check the amount and the day" in page.text


def test_the_first_key_may_be_new(payment, desk, gateway_settings):
    (old,) = ["7Ck0bqLoWiTBSC5VbTEWIlIYv8ubAgdV3tqzJtsGqpk="]
    gateway_settings(SEALING_KEYS=["fWlEVvrnD7kRzZ1x2sl3vUSsZ1s3i1mA0xgqAcg6mqY=", old])
    assert desk().search(CODE)["Location"] == ORDER


def test_nothing_found_is_said(payment, desk):
    page = desk().search("NOWHERE")
    assert page.context["results"] == []
    assert "Nothing was found" in page.text


@pytest.mark.parametrize("term", ["", "   ", "\x00", "x" * 2000])
def test_what_names_nothing_finds_nothing(payment, desk, term):
    page = desk().search(term)
    assert page.status_code == 200
    assert page.context["results"] == []


# a code is cash


def test_a_code_stands_in_no_address_log_page_session_or_statement(payment, desk, caplog, settings):
    caplog.set_level(logging.DEBUG)
    settings.DEBUG = True  # statements are recorded with their values then
    clerk = desk()
    with CaptureQueriesContext(connection) as queries:
        answer = clerk.search(CODE)
    assert CODE not in answer["Location"]
    assert CODE not in " ".join(str(query) for query in queries.captured_queries)
    assert CODE not in caplog.text
    assert CODE not in str(dict(clerk.client.session))
    page = clerk.order()
    assert CODE not in page.text


def test_a_code_that_is_not_ours_reaches_no_statement_where_the_pattern_is_known(
    payment, desk, gateway_settings, settings
):
    gateway_settings(CODE_PATTERN="GIFT-[0-9]{4}-[A-Z]{4}")
    settings.DEBUG = True
    clerk = desk()
    with CaptureQueriesContext(connection) as queries:
        page = clerk.search("GIFT-7777-WXYZ")
    assert "GIFT-7777-WXYZ" not in " ".join(str(query) for query in queries.captured_queries)
    assert "GIFT-7777-WXYZ" not in page.text
    assert clerk.search("A-1001")["Location"] == ORDER  # no code, so found as it is


def test_what_was_typed_is_not_shown_again_and_not_cached(payment, desk):
    page = desk().search("ABCD")
    assert 'value="ABCD"' not in page.text
    assert "no-store" in page["Cache-Control"]


def test_an_address_with_a_code_searches_nothing(payment, desk):
    clerk = desk()
    page = clerk.client.get(f"{clerk.FOLDER}search/", {"code": CODE})
    assert page.context["found"] is None


@pytest.mark.parametrize("model", ["voucherpayment", "vouchersale", "voucherdifference"])
def test_no_list_has_a_search_by_address(payment, desk, model):
    page = desk().client.get(f"/admin/voucher_payment_gateway/{model}/")
    assert 'name="q"' not in page.text
    assert "/admin/voucher_payment_gateway/voucherpayment/search/" in page.text


def test_an_error_report_of_the_search_has_no_code(payment, desk, monkeypatch):
    clerk = desk()
    clerk.client.raise_request_exception = False
    monkeypatch.setattr("voucher_payment_gateway.admin.find._newest", broken)
    with sentry(send_default_pii=True, max_request_body_size="always") as outbox:
        for term in (CODE, "GIFT-7777-WXYZ"):
            assert clerk.search(term).status_code == 500
    assert len(outbox.events) == 2
    assert CODE not in outbox.text
    assert "GIFT-7777-WXYZ" not in outbox.text


def broken(queries):
    raise RuntimeError("a mistake")


# sales and differences


def test_a_sold_voucher_is_found_by_its_order_id_recipient_and_code(shop, desk, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    (sale,) = gateway.activate(shop.order("50.00", note="a=50.00"))
    clerk = desk()
    for term in ("A-1001", sale.voucher_id, "Ada@Example.org", shop.cloud.voucher(sale.voucher_id).code):
        assert clerk.search(term)["Location"] == ORDER, term
    assert desk("view_voucherpayment", name="eva").search("A-1001").context["results"] == []


def test_a_voucher_of_a_batch_is_found_on_its_own_page(shop, desk):
    sale = VoucherSale.objects.create(
        order_number="spring", key="1", origin="bulk", amount=10, currency="EUR", code_hint="WXYZ", status="active"
    )  # fmt: skip
    answer = desk().search(sale.voucher_id)
    assert answer["Location"] == f"/admin/voucher_payment_gateway/vouchersale/{sale.pk}/change/"


def test_a_booking_of_a_till_is_found_by_its_difference(shop, desk):
    now = timezone.now()
    row = VoucherDifference.objects.create(
        voucher_id="v-9", kind="theirs_only", sentence="…", remote_id="b-9", first_seen_at=now, last_seen_at=now
    )  # fmt: skip
    clerk = desk()
    VoucherDifference.objects.create(
        voucher_id="v-1", kind="theirs_only", sentence="…", order_number="A-1001", first_seen_at=now, last_seen_at=now
    )  # fmt: skip
    assert clerk.search("A-1001")["Location"] == ORDER
    for term in ("v-9", "b-9"):
        address = clerk.search(term)["Location"]
        assert address == f"/admin/voucher_payment_gateway/voucherdifference/{row.pk}/change/"


def test_without_the_permission_nothing_is_found(payment, desk):
    assert desk("view_vouchersale").search("A-1001").status_code == 403


def test_more_than_fit_are_cut_and_that_is_said(shop, desk, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.admin.find.MAX_FOUND", 2)
    for number in range(3):
        shop.voucher(code=f"GIFT-{number}000-ABCD")
        gateway.authorize(shop.order(number=f"A-{number}"), f"GIFT-{number}000-ABCD")
    page = desk().search("ABCD")
    assert [result.order for result in page.context["results"]] == ["A-2", "A-1"]
    assert "Only the newest" in page.text


def test_a_reservation_is_looked_for_among_the_newest_alone_and_that_is_said(payment, desk, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.admin.window.WINDOW", 0)
    page = desk().search(operation("reserve").remote_id)
    assert page.context["results"] == []
    assert "were looked for among the newest" in page.text
    assert desk(name="eva").search(operation("charge").remote_id)["Location"] == ORDER


@pytest.mark.parametrize(("term", "count"), [(CODE, 6), ("A-1001", 23), ("ABCD", 23)])
def test_the_number_of_statements_is_fixed(shop, payment, desk, term, count, django_assert_num_queries):
    clerk = desk()
    clerk.search(term)
    with django_assert_num_queries(count):
        clerk.search(term)
