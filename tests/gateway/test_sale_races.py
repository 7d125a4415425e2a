"""Selling while others act: a spent voucher, late requests, two workers, events that come twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal as D
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection, transaction

from tests.gateway.sales import attempt, check, mailed, remote, remote_of, repeating, settle_all
from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway.operations import deactivate
from voucher_payment_gateway.gateway.recovery import sales
from voucher_payment_gateway.gateway.verbs import advance
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.signals import voucher_needs_review

CREATE, STATUS = ("POST", "/v1/vouchers"), ("PATCH", "*/status")
LATE_SECONDS = 600


@pytest.fixture
def seller(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop


@pytest.fixture
def order(seller):
    return seller.order("50.00", note="a=50.00")


def only_sale():
    return VoucherSale.objects.get()


def spend(shop, sale, amount="20.00"):
    """A till charges the voucher."""
    voucher, till = remote(shop, sale), shop.cloud.add_client(name="Till").id
    shop.cloud.charge(shop.cloud.reserve(voucher.code, amount, client_id=till), "T-1", client_id=till)


def copy_later(shop, monkeypatch, method, path_end, seconds=LATE_SECONDS):
    """An intermediary sends a copy of the first such request later."""
    answer, copied = shop.cloud.answer, []

    def answer_and_copy(request):
        if request.method == method and request.path.endswith(path_end) and not copied:
            copied.append(request)
            at = shop.cloud.clock.now() + timedelta(seconds=seconds)
            shop.cloud.clock.call_at(at, lambda: answer(request))
        return answer(request)

    monkeypatch.setattr(shop.cloud, "answer", answer_and_copy)


def is_valid_for_its_holder(shop, sale, reviews):
    """The customer keeps the rest, and the shop is told that the voucher was not taken back."""
    sale.refresh_from_db()
    assert (sale.status, sale.target, sale.due_at, sale.end_reason) == ("active", "active", None, "")
    assert (remote(shop, sale).status, remote(shop, sale).balance_cents) == ("active", 3000)
    assert len(reviews) == 1
    shop.cloud.ledger.check()


@pytest.fixture
def reviews():
    """The sales for which a review was requested."""
    told = []

    def note(sale, **_):
        told.append(sale.pk)

    voucher_needs_review.connect(note)
    yield told
    voucher_needs_review.disconnect(note)


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"list_lag_seconds": 55},
        {"refusal_status": 403, "error_codes": "opaque"},
        {"refusal_status": 404},
        {"repeated_status": "refuse", "reactivation_restarts_validity": True},
    ],
    ids=str,
)
def test_a_voucher_that_is_spent_between_the_read_and_the_deactivation_stays_valid(
    seller, order, during, reviews, behaviour
):
    seller.cloud.behaviour = seller.cloud.behaviour.but(**behaviour)
    (sale,) = gateway.activate(order)
    during("set_voucher_status", lambda: spend(seller, sale))
    attempt(gateway.take_back, order)
    settle_all(seller)
    is_valid_for_its_holder(seller, sale, reviews)


def test_the_error_says_what_was_spent_in_between(seller, order, during, monkeypatch):
    (sale,) = gateway.activate(order)
    seller.cloud.behaviour = seller.cloud.behaviour.but(repeated_status="refuse")
    repeating(seller, monkeypatch, "PATCH", "/status")
    during("set_voucher_status", lambda: spend(seller, sale))
    with pytest.raises(RefusedError, match=r"20\.00 EUR .* were spent") as refused:
        gateway.take_back(order)
    assert refused.value.code == "voucher_spent"


@pytest.mark.parametrize("text", ["after:drop", "before:drop", "late:drop", "before:503", "after:garbage"])
@pytest.mark.parametrize("nth", [1, 2], ids=["deactivation", "reactivation"])
def test_a_spent_voucher_stays_valid_though_answers_are_lost(seller, order, during, reviews, text, nth):
    (sale,) = gateway.activate(order)

    def spend_and_fail():
        spend(seller, sale)
        for each in (["after:slow=0"] * (nth - 1)) + [text]:
            seller.cloud.faults.next(each, method="PATCH", path="*/status", lands_after_seconds=LATE_SECONDS)

    during("set_voucher_status", spend_and_fail)
    attempt(gateway.take_back, order)
    settle_all(seller)
    is_valid_for_its_holder(seller, sale, reviews)


def charged_and_refunded(shop, sale):
    other = shop.order("20.00", number="A-2")
    gateway.authorize(other, remote(shop, sale).code)
    gateway.capture(other)
    gateway.refund(other)


def test_a_voucher_whose_charge_went_back_is_taken_back_and_stays_inactive(seller, order):
    (sale,) = gateway.activate(order)
    charged_and_refunded(seller, sale)
    seller.later(hours=1)
    attempt(gateway.take_back, order)
    settle_all(seller)
    sale.refresh_from_db()
    assert (sale.status, remote(seller, sale).status, remote(seller, sale).deleted) == (
        "taken_back",
        "inactive",
        False,
    )


def test_a_copy_of_the_activation_that_comes_late_does_not_make_it_valid_again(seller, order, monkeypatch):
    """It cannot be deleted since it was charged once: so it is taken back only when no copy can arrive any more."""
    copy_later(seller, monkeypatch, "PATCH", "/status")
    (sale,) = gateway.activate(order)
    charged_and_refunded(seller, sale)
    attempt(gateway.take_back, order)
    settle_all(seller)
    sale.refresh_from_db()
    assert (sale.status, remote(seller, sale).status) == ("taken_back", "inactive")


def test_without_that_wait_the_copy_would_make_it_valid_again(seller, order, monkeypatch):
    monkeypatch.setattr(deactivate, "_wait_for_late_activations", lambda operation, asked_at: None)
    monkeypatch.setattr(deactivate, "_wait_for_holds", lambda operation, read_at: None)
    copy_later(seller, monkeypatch, "PATCH", "/status")
    (sale,) = gateway.activate(order)
    charged_and_refunded(seller, sale)
    gateway.take_back(order)
    settle_all(seller)
    sale.refresh_from_db()
    assert (sale.status, remote(seller, sale).status) == ("taken_back", "active")


def test_a_charge_that_the_lists_do_not_show_yet_is_not_overlooked(seller, order, during, reviews):
    """An earlier charge went back, so the voucher cannot be deleted; the one that counts is not in the lists yet."""
    (sale,) = gateway.activate(order)
    charged_and_refunded(seller, sale)
    seller.later(hours=1)
    seller.cloud.behaviour = seller.cloud.behaviour.but(list_lag_seconds=55)
    during("set_voucher_status", lambda: spend(seller, sale))
    attempt(gateway.take_back, order)
    settle_all(seller)
    is_valid_for_its_holder(seller, sale, reviews)


def test_a_voucher_that_was_topped_up_and_not_spent_is_taken_back(seller, order):
    (sale,) = gateway.activate(order)
    voucher_cloud().recharge_voucher(amount=D("5.00"), currency="EUR", order_number="T-1", id=sale.voucher_id)
    seller.later(hours=1)
    attempt(gateway.take_back, sale)
    settle_all(seller)
    sale.refresh_from_db()
    assert (sale.status, remote(seller, sale).status) == ("taken_back", "inactive")


@pytest.mark.parametrize("text", ["late:drop", "before:drop", "after:drop", "before:503"])
def test_an_activation_that_lands_after_the_take_back_leaves_no_active_voucher(seller, order, text):
    seller.cloud.faults.next(text, method="PATCH", path="*/status", lands_after_seconds=LATE_SECONDS)
    attempt(gateway.activate, order)
    attempt(gateway.take_back, order)
    settle_all(seller)
    check(seller, only_sale(), "taken_back")
    assert mail.outbox == []


def test_a_creation_that_was_never_sent_is_withdrawn_without_an_error(seller, order):
    seller.cloud.faults.next("before:503", method="POST", path="/v1/vouchers")
    attempt(gateway.activate, order)
    seller.later(seconds=1)
    (taken,) = gateway.take_back(order)
    assert (taken.status, taken.due_at, remote_of(seller, order.number)) == ("taken_back", None, [])
    assert [each.state for each in VoucherOperation.objects.all()] == ["not_applied"]


def test_a_code_is_not_mailed_once_its_voucher_is_to_be_taken_back(seller, order, monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _fails)
    gateway.activate(order)
    seller.cloud.faults.next("before:drop", method="DELETE", path="/v1/vouchers/*")
    attempt(gateway.take_back, order)
    monkeypatch.undo()
    settle_all(seller)
    check(seller, only_sale(), "taken_back")
    assert mail.outbox == []


def _fails(*_):
    raise OSError


def test_a_code_that_waits_for_its_mail_is_mailed_where_the_voucher_cannot_be_taken_back(
    seller, order, monkeypatch
):
    """Its activation was unknown when it was to be taken back, and someone has spent a part of it since."""
    seller.cloud.faults.next("after:drop", method="PATCH", path="*/status")
    attempt(gateway.activate, order)
    attempt(gateway.take_back, order)
    sale = only_sale()
    spend(seller, sale)
    settle_all(seller)
    sale.refresh_from_db()
    assert (sale.status, sale.target, mailed(remote(seller, sale).code)) == ("active", "active", 1)


def test_a_mail_that_fails_is_sent_later_and_once(seller, order, monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _fails)
    (sale,) = gateway.activate(order)
    assert (sale.delivered_at, sale.delivery_error, bool(sale.sealed_code)) == (None, "OSError", True)
    monkeypatch.undo()
    settle_all(seller)
    check(seller, only_sale(), "active")


def test_an_unpaid_sale_that_is_paid_while_settle_gives_it_up_is_sold(seller, order, monkeypatch):
    """Both decide on the same row: the later writer conflicts, and decides again."""
    (sale,) = gateway.issue(order)
    seller.later(days=20)
    find_order, paid = sales.find_order, []

    def find_while_it_is_paid(number):
        if not paid:
            paid.append(gateway.activate(order))
        return find_order(number)

    monkeypatch.setattr(sales, "find_order", find_while_it_is_paid)
    settle_all(seller)
    assert paid[0][0].pk == sale.pk
    check(seller, only_sale(), "active")


def test_a_sale_that_another_worker_ends_just_before_its_creation_creates_nothing(seller, order, monkeypatch):
    draft_step, taken = advance.draft_step, []

    def draft_while_it_is_taken_back(sale, kind):
        if not taken:
            taken.append(gateway.take_back(order))
        return draft_step(sale, kind)

    monkeypatch.setattr(advance, "draft_step", draft_while_it_is_taken_back)
    attempt(gateway.activate, order)
    settle_all(seller)
    sale = only_sale()
    assert (sale.status, sale.due_at, remote_of(seller, order.number)) == ("taken_back", None, [])


def at_once(*actions):
    """Run all actions at the same moment."""
    barrier = Barrier(len(actions))

    def run(action):
        barrier.wait()
        try:
            return action()
        except VoucherGatewayError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        list(pool.map(run, actions))


@pytest.mark.parametrize(
    "verbs", [("activate",) * 6, ("issue", "activate") * 3, ("activate", "settle") * 3], ids=str
)
def test_one_voucher_is_sold_by_many_workers_at_once(seller, order, verbs):
    calls = {
        "activate": lambda: gateway.activate(order),
        "issue": lambda: gateway.issue(order),
        "settle": gateway.settle,
    }
    at_once(*[calls[verb] for verb in verbs])
    settle_all(seller)
    check(seller, only_sale(), "active")


@pytest.mark.parametrize(
    "verbs", [("activate", "take_back") * 3, ("issue", "activate", "take_back") * 2], ids=str
)
def test_what_is_sold_and_returned_at_once_ends_on_one_side(seller, order, verbs):
    at_once(*[lambda verb=verb: getattr(gateway, verb)(order) for verb in verbs])
    settle_all(seller)
    sale = only_sale()
    if sale.status == "active":
        check(seller, sale, "active")
    else:
        assert [each.deleted for each in remote_of(seller, order.number)] in ([], [True])
        assert (sale.status, sale.due_at) == ("taken_back", None)


def test_a_double_click_sells_one_voucher_and_mails_one_code(seller, order):
    gateway.activate(order)
    gateway.activate(order)
    with transaction.atomic():
        gateway.issue(order)
        gateway.activate(order)
    check(seller, only_sale(), "active")
    assert only_sale().amount == D("50.00")
