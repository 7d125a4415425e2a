"""Selling exactly once, whatever fails: one voucher for each sale, as the shop wants it, its code handed over once."""

import json
from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.gateway.sales import attempt, check, mailed, remote, remote_of, repeating, settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.models import VoucherSale

CREATE, STATUS, DELETE = ("POST", "/v1/vouchers"), ("PATCH", "*/status"), ("DELETE", "/v1/vouchers/*")
READ, READ_CODE, BOOKINGS = (
    ("GET", "/v1/vouchers/vpg-*"),
    ("GET", "*/complete"),
    ("GET", "*/charges"),
)
KINDS = (
    *("drop", "reset", "truncated", "garbage", "other", "redirect", "slow=0"),
    *("500", "html502", "503", "504", "429=3", "401", "403"),
)
BEFORE_AND_AFTER = [f"{moment}:{kind}" for moment in ("before", "after") for kind in KINDS]
FAULTS = [*BEFORE_AND_AFTER, "after:409", "after:422", "late:drop", "late:html504"]
SOME = ["before:drop", "before:503", "before:403", "after:drop", "after:garbage", "after:other", "late:drop"]
"""One of each sort: where the moment matters, not the answer."""


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def order(seller):
    return seller.order("50.00", note="a=50.00")


def fault(shop, text, call, times=1):
    method, path = call
    shop.cloud.faults.next(text, method=method, path=path, times=times, lands_after_seconds=600)


def only_sale():
    return VoucherSale.objects.get()


def told(caplog):
    return [record for record in caplog.records if "needs review" in record.getMessage()]


@pytest.mark.parametrize("text", FAULTS)
@pytest.mark.parametrize("call", [CREATE, STATUS], ids=["create", "status"])
def test_one_active_voucher_is_sold_and_its_code_mailed_once(seller, order, call, text):
    fault(seller, text, call)
    attempt(gateway.activate, order)
    assert seller.cloud.faults.log
    settle_all(seller)
    check(seller, only_sale(), "active")


@pytest.mark.parametrize("text", FAULTS)
@pytest.mark.parametrize("call", [STATUS, DELETE], ids=["status", "delete"])
def test_a_voucher_is_taken_back_and_gone(seller, order, call, text):
    gateway.activate(order)
    fault(seller, text, call)
    attempt(gateway.take_back, order)
    assert seller.cloud.faults.log
    settle_all(seller)
    check(seller, only_sale(), "taken_back")


@pytest.mark.parametrize("text", SOME)
def test_a_voucher_of_an_order_that_is_returned_before_its_creation_was_answered_is_gone(seller, order, text):
    fault(seller, text, CREATE)
    attempt(gateway.activate, order)
    attempt(gateway.take_back, order)
    settle_all(seller)
    sale = only_sale()
    assert sale.status == "taken_back"
    assert [each.deleted for each in remote_of(seller, order.number)] in ([], [True])
    assert not sale.operations.filter(state__in=("due", "sending", "unknown", "manual")).exists()
    seller.cloud.ledger.check()


@pytest.mark.parametrize("text", SOME)
@pytest.mark.parametrize("call", [READ, READ_CODE, BOOKINGS], ids=["read", "read code", "bookings"])
def test_a_read_that_fails_costs_nothing(seller, order, call, text):
    fault(seller, "after:drop", CREATE)
    fault(seller, "before:drop", STATUS)
    fault(seller, text, call)
    attempt(gateway.activate, order)
    settle_all(seller)
    check(seller, only_sale(), "active")
    fault(seller, text, call)
    fault(seller, "after:drop", DELETE)
    for _ in range(3):  # where it cannot be read what was spent, nothing is begun
        attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")


@pytest.mark.parametrize("text", ["before:drop", "after:drop", "before:503"])
@pytest.mark.parametrize("call", [CREATE, STATUS, DELETE], ids=["create", "status", "delete"])
def test_a_call_that_was_repeated_leaves_nothing_to_review(seller, order, caplog, call, text):
    """What it was to bring about is there, also when it is read once more after two hours."""
    fault(seller, text, call)
    attempt(gateway.activate, order)
    settle_all(seller)
    attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")
    assert told(caplog) == []


def test_a_creation_that_was_refused_and_arrived_all_the_same_is_told(seller, order, caplog):
    fault(seller, "before:422", CREATE)
    attempt(gateway.issue, order)
    assert only_sale().status == "failed"
    caplog.clear()
    create = voucher_cloud("").create_voucher
    create(id=only_sale().voucher_id, amount=D("50.00"), currency="EUR", order_number=order.number)
    settle_all(seller)
    assert len(told(caplog)) == 1


@pytest.mark.parametrize("behaviour", [{}, {"repeated_status": "refuse"}], ids=["accepted", "refused"])
@pytest.mark.parametrize(
    ("method", "path_end"), [("POST", "/v1/vouchers"), ("PATCH", "/status"), ("DELETE", "")]
)
def test_an_intermediary_that_repeats_a_request_changes_nothing(
    seller, order, monkeypatch, caplog, method, path_end, behaviour
):
    seller.cloud.behaviour = seller.cloud.behaviour.but(**behaviour)
    repeating(seller, monkeypatch, method, path_end)
    gateway.activate(order)
    check(seller, only_sale(), "active")
    gateway.take_back(order)
    check(seller, only_sale(), "taken_back")
    assert told(caplog) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_repeated_creation_of_which_the_repetition_was_turned_away_is_not_forgotten(
    seller, order, monkeypatch, status
):
    """The Voucher Cloud has created it, and an overloaded answer to the repetition is what the shop sees."""
    fault(seller, f"after:{status}", CREATE)
    attempt(gateway.activate, order)
    gateway.take_back(order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")


def without_codes(shop, monkeypatch, *path_ends):
    """Leave code and PIN out of the answers to these requests."""
    answer = shop.cloud.answer

    def answer_without(request):
        found = answer(request)
        if not request.path.endswith(path_ends) or request.method not in ("POST", "GET"):
            return found
        document = json.loads(found.body)
        document.pop("code", None)
        document.pop("pin", None)
        return replace(found, body=json.dumps(document).encode())

    monkeypatch.setattr(shop.cloud, "answer", answer_without)


def test_a_creation_that_is_answered_without_the_code_reads_it(seller, order, monkeypatch):
    without_codes(seller, monkeypatch, "/v1/vouchers")
    gateway.activate(order)
    check(seller, only_sale(), "active")


@pytest.mark.parametrize("fail", ["before:403", "before:503", "before:drop", "after:garbage"])
def test_a_code_that_cannot_be_read_after_the_creation_is_read_later(seller, order, monkeypatch, fail):
    without_codes(seller, monkeypatch, "/v1/vouchers")
    fault(seller, fail, READ_CODE, times=3)
    attempt(gateway.activate, order)
    settle_all(seller)
    check(seller, only_sale(), "active")


@pytest.mark.parametrize("fail", ["before:403", "before:503", "before:drop", "after:garbage"])
def test_a_voucher_whose_code_could_not_be_read_is_taken_back_all_the_same(seller, order, monkeypatch, fail):
    without_codes(seller, monkeypatch, "/v1/vouchers")
    fault(seller, fail, READ_CODE, times=3)
    attempt(gateway.issue, order)
    attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")


def test_no_voucher_is_sold_without_a_code(seller, order, monkeypatch):
    """Nothing shows the code: nothing is activated, and nothing empty is mailed."""
    without_codes(seller, monkeypatch, "/v1/vouchers", "/complete")
    attempt(gateway.activate, order)
    settle_all(seller)
    sale = only_sale()
    assert (sale.status, remote(seller, sale).status, mailed("")) == ("ordered", "inactive", 0)
    monkeypatch.undo()
    settle_all(seller)
    check(seller, only_sale(), "active")


@pytest.mark.parametrize(
    "behaviour",
    [
        {"create_id_field": "custom_id"},
        {"create_id_field": "both"},
        {"repeated_status": "refuse"},
        {"post_status": 201},
        {"reactivation_restarts_validity": True},
        {"list_lag_seconds": 55},
        {"status_comment_required": True},
        {"delete_of_active_voucher": "accept"},
        {"repeated_status": "refuse", "refusal_status": 403, "error_codes": "opaque"},
        {"repeated_status": "refuse", "refusal_status": 404},
        {"largest_page": 2, "order_number_filter": "ignored"},
    ],
    ids=str,
)
def test_every_answer_is_lost_under_every_behaviour(seller, order, behaviour):
    seller.cloud.behaviour = seller.cloud.behaviour.but(**behaviour)
    for call in (CREATE, STATUS):
        fault(seller, "after:drop", call)
    attempt(gateway.activate, order)
    settle_all(seller)
    check(seller, only_sale(), "active")
    for call in (STATUS, DELETE):
        fault(seller, "after:drop", call)
    attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")


def test_a_creation_that_is_refused_ends_the_sale_and_the_order_may_be_sold_one_again(seller, order, caplog):
    fault(seller, "before:422", CREATE)
    attempt(gateway.activate, order)
    failed = only_sale()
    assert (failed.status, failed.end_reason, remote_of(seller, order.number)) == ("failed", "refused", [])
    assert told(caplog)
    (sold,) = gateway.activate(order)
    check(seller, sold, "active")


def test_an_activation_that_is_refused_is_told_and_may_be_repeated(seller, order, caplog):
    fault(seller, "before:422", STATUS)
    attempt(gateway.activate, order)
    settle_all(seller)
    check(seller, only_sale(), "issued")
    assert told(caplog)
    gateway.activate(order)
    check(seller, only_sale(), "active")
