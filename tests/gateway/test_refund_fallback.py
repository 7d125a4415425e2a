"""What a voucher cannot take as a refund goes back by the rungs of REFUND_FALLBACK: exactly once, never two of them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import (
    AmountError,
    OperationInProgressError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.gateway.records.voucher_ids import voucher_id_for
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

REFUND = "/v1/charges/*/refund"
RECHARGE = "/v1/vouchers/recharge"
CREATE = "/v1/vouchers"
STATUS = "/v1/vouchers/*/status"
RUNGS = ["recharge", "new_voucher", "manual"]
LOST = ["after:drop", "after:500", "after:html502", "after:truncated"]


@pytest.fixture
def paid(shop, voucher, order, gateway_settings):
    """An order of 20.00 that is paid with a voucher which can take no refund any more."""
    gateway_settings(REFUND_FALLBACK=RUNGS)
    gateway.capture(order)
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_to_unusable_voucher="refuse")
    shop.cloud.set_status(voucher.id, "inactive")
    return order


@pytest.fixture
def no_recharge(shop, paid):
    """The voucher can take no recharge either."""
    shop.cloud.behaviour = shop.cloud.behaviour.but(recharge_of_unusable_voucher="refuse")
    return paid


def payment():
    return VoucherPayment.objects.get()


def operations():
    rows = VoucherOperation.objects.exclude(kind__in=("reserve", "charge", "cancel")).order_by("pk")
    return list(rows.values_list("kind", "state"))


def look_again(times=1):
    for _ in range(times):
        VoucherOperation.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
        VoucherSale.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
        report = gateway.settle()
    return report


def after_the_grace(shop):
    for seconds in (901, 61, 61):
        shop.later(seconds=seconds)
        look_again()


def given_back(shop, voucher):
    """All money that went back: on the old voucher and on new ones that can be redeemed."""
    booked = sum((amount for kind, amount in shop.bookings(voucher) if kind != "charge"), D("0.00"))
    vouchers = shop.cloud.store.state.vouchers.values()
    new = [
        each
        for each in vouchers
        if each.id.startswith("vpg-") and not each.deleted and each.status == "active"
    ]
    return booked + sum((shop.cloud.balance(each.id) for each in new), D("0.00"))


def test_by_default_a_person_decides(shop, voucher, paid, gateway_settings, reviews):
    gateway_settings(REFUND_FALLBACK=["manual"])
    with pytest.raises(RefusedError):
        gateway.refund(paid)
    assert operations() == [("refund", "refused")]
    assert reviews == [D("20.00")]


def test_a_recharge_follows_and_counts_as_a_refund(shop, voucher, paid, record_signal, reviews):
    told = record_signal("payment_refunded")
    (refunded,) = gateway.refund(paid, "5.00", key="return-1", actor="clerk", reason="broken")
    assert (refunded.status, refunded.amount_refunded) == ("captured", D("5.00"))
    assert shop.bookings(voucher) == [("charge", D("20.00")), ("recharge", D("5.00"))]
    assert operations() == [("refund", "refused"), ("recharge", "succeeded")]
    charge = VoucherOperation.objects.get(kind="charge")
    recharge = VoucherOperation.objects.get(kind="recharge")
    assert (recharge.payment_id, recharge.sale_id) == (refunded.pk, None)
    assert recharge.target_id == charge.remote_id
    assert recharge.reference.startswith("A-1001-")
    assert recharge.reference != charge.reference
    assert recharge.idempotency_key.key == "return-1"
    assert (recharge.actor, recharge.reason) == ("clerk", "broken")
    assert (told, reviews) == ([("A-1001", D("5.00"))], [])
    with pytest.raises(AmountError, match=r"only 15\.00"):
        gateway.refund(paid, "15.01")
    gateway.refund(paid)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert gateway.refund(paid) == []


def test_a_repeated_key_answers_as_the_first_call_did(shop, voucher, paid):
    for _ in range(2):
        (refunded,) = gateway.refund(paid, "5.00", key="return-1")
        assert refunded.amount_refunded == D("5.00")
    assert given_back(shop, voucher) == D("5.00")


def test_a_cancel_ends_with_the_recharge(shop, voucher, paid, record_signal):
    told = record_signal("payment_cancelled")
    (cancelled,) = gateway.cancel(paid)
    assert (cancelled.status, given_back(shop, voucher)) == ("cancelled", D("20.00"))
    assert told == [("A-1001", D("20.00"))]


def test_a_new_voucher_follows_a_refused_recharge(shop, voucher, no_recharge, record_signal, reviews):
    told = {name: record_signal(name) for name in ("voucher_issued", "voucher_activated", "payment_refunded")}
    (refunded,) = gateway.refund(no_recharge, "5.00", key="return-1")
    sale = VoucherSale.objects.get()
    refund = VoucherOperation.objects.get(kind="refund")
    assert (sale.origin, sale.replaces_refund_id, sale.key) == ("refund", refund.pk, f"refund:{refund.pk}")
    assert (sale.status, sale.target, sale.amount, sale.currency) == ("active", "active", D("5.00"), "EUR")
    assert (sale.delivery, bool(sale.sealed_code)) == ("page", True)
    assert operations() == [
        ("refund", "refused"),
        ("recharge", "refused"),
        ("issue", "succeeded"),
        ("activate", "succeeded"),
    ]
    assert (refunded.status, refunded.amount_refunded) == ("captured", D("5.00"))
    assert all(amounts == [("A-1001", D("5.00"))] for amounts in told.values())
    assert reviews == []
    assert given_back(shop, voucher) == D("5.00")
    gateway.refund(no_recharge, "5.00", key="return-1")
    assert given_back(shop, voucher) == D("5.00")


def test_a_backup_that_does_not_know_the_new_voucher_finds_it_again(shop, voucher, no_recharge):
    """The refund is made again after the backup was put back: the customer gets no second voucher."""
    before = payment()
    voucher_id_for("", "A-1", "first")  # the backup has the namespace
    gateway.refund(no_recharge)
    (sale,) = VoucherSale.objects.all()
    VoucherOperation.objects.filter(sale=sale)._raw_delete("default")
    VoucherSale.objects.all()._raw_delete("default")
    VoucherOperation.objects.filter(kind__in=("refund", "recharge"))._raw_delete("default")
    VoucherPayment.objects.update(status=before.status, amount_refunded=before.amount_refunded)
    gateway.refund(no_recharge)
    (again,) = VoucherSale.objects.all()
    assert (again.voucher_id, again.status) == (sale.voucher_id, "active")
    assert given_back(shop, voucher) == D("20.00")


def test_the_shop_may_hand_the_new_voucher_over_itself(shop, no_recharge, gateway_settings):
    gateway_settings(VOUCHER_DELIVERY="signal")
    gateway.refund(no_recharge)
    assert VoucherSale.objects.get().delivery == "signal"


def test_while_the_new_voucher_is_not_active_its_amount_counts_as_being_refunded(shop, voucher, no_recharge):
    shop.cloud.faults.next("before:503", method="PATCH", path=STATUS, times=None)
    gateway.refund(no_recharge, "15.00")
    sale = VoucherSale.objects.get()
    assert (sale.status, payment().amount_refunded) == ("issued", D("0.00"))
    with pytest.raises(AmountError, match=r"only 5\.00"):
        gateway.refund(no_recharge, "5.01")
    assert gateway.cancel(no_recharge)[0].status == "captured"
    shop.cloud.faults.clear()
    look_again(3)
    assert (payment().status, given_back(shop, voucher)) == ("cancelled", D("20.00"))


def test_a_cancel_waits_for_the_new_voucher_and_asks_for_no_person(shop, voucher, no_recharge, reviews):
    shop.cloud.faults.next("before:503", method="PATCH", path=STATUS, times=None)
    gateway.refund(no_recharge)
    gateway.cancel(no_recharge)
    assert (payment().status, payment().cancel_requested_at is not None, reviews) == ("captured", True, [])
    assert gateway.settle().cancelled == 0
    shop.cloud.faults.clear()
    look_again(2)
    assert (payment().status, given_back(shop, voucher)) == ("cancelled", D("20.00"))


def test_the_last_rung_is_a_person(shop, voucher, no_recharge, reviews, record_signal):
    sales = record_signal("voucher_needs_review")
    shop.cloud.faults.next("before:422", method="POST", path=CREATE)
    for _ in range(2):
        with pytest.raises(RefusedError):
            gateway.refund(no_recharge, key="return-1")
    assert operations() == [("refund", "refused"), ("recharge", "refused"), ("issue", "refused")]
    assert (VoucherSale.objects.get().status, payment().status) == ("failed", "captured")
    assert (reviews, sales) == ([D("20.00")], [("A-1001", D("20.00"))])
    gateway.refund(no_recharge, "5.00")  # another one is possible: nothing went back
    assert given_back(shop, voucher) == D("5.00")


@pytest.mark.parametrize("answer", ["before:422", "before:403"])
def test_the_refund_is_open_where_the_new_voucher_cannot_be_activated(
    shop, voucher, no_recharge, reviews, record_signal, answer
):
    """Refused for good, or forbidden as long as the right is missing: the money has not gone back."""
    told = record_signal("voucher_needs_review")
    shop.cloud.faults.next(answer, method="PATCH", path=STATUS, times=None)
    gateway.refund(no_recharge)
    assert operations()[-1] == ("activate", "refused" if answer == "before:422" else "due")
    look_again(2)
    assert (told, reviews) == ([("A-1001", D("20.00"))], [D("20.00")])


def test_the_order_of_the_rungs_is_the_shops(shop, voucher, paid, gateway_settings):
    gateway_settings(REFUND_FALLBACK=["new_voucher", "recharge"])
    shop.cloud.faults.next("before:422", method="POST", path=CREATE)
    gateway.refund(paid)
    assert operations() == [("refund", "refused"), ("issue", "refused"), ("recharge", "succeeded")]
    assert (VoucherSale.objects.get().status, payment().status) == ("failed", "refunded")
    assert shop.bookings(voucher)[1:] == [("recharge", D("20.00"))]


def test_without_sealing_keys_no_new_voucher_is_tried(shop, voucher, no_recharge, gateway_settings, reviews):
    gateway_settings(SEALING_KEYS=[])
    with pytest.raises(RefusedError):
        gateway.refund(no_recharge)
    assert operations() == [("refund", "refused"), ("recharge", "refused")]
    assert reviews == [D("20.00")]


def test_a_refusal_that_hides_a_booking_is_followed_by_no_rung(shop, voucher, order, gateway_settings):
    gateway_settings(REFUND_FALLBACK=RUNGS)
    gateway.capture(order)
    shop.cloud.faults.next("after:422", method="POST", path=REFUND)
    gateway.refund(order)
    assert shop.bookings(voucher)[1:] == [("refund", D("20.00"))]
    assert operations() == [("refund", "succeeded")]


def test_where_the_refusal_cannot_be_verified_the_next_rung_waits(shop, voucher, paid):
    shop.cloud.faults.next("before:422", method="POST", path=REFUND)
    baseline = iter([None])

    def only_the_baseline():
        if next(baseline, "verified") == "verified":
            return
        shop.cloud.faults.next("before:503", method="GET", path="/v1/vouchers/*/charges", times=9)

    client = voucher_cloud()
    call = client.refund
    client.refund = lambda *given: (only_the_baseline(), call(*given))[1]
    try:
        with pytest.raises(OutcomeUnknownError):
            gateway.refund(paid)
    finally:
        client.refund = call
    assert operations() == [("refund", "unknown")]
    shop.cloud.faults.clear()
    look_again()
    assert given_back(shop, voucher) == D("0.00")  # the lists may lag behind
    shop.later(seconds=61)
    look_again()
    assert operations() == [("refund", "refused"), ("recharge", "succeeded")]
    assert given_back(shop, voucher) == D("20.00")


def test_a_refund_by_hand_may_be_why_it_is_refused_so_a_person_decides(
    shop, voucher, order, gateway_settings, reviews
):
    gateway_settings(REFUND_FALLBACK=RUNGS)
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_carries_order_number=False)
    gateway.capture(order)
    other = shop.order("20.00", number="A-2")
    charge = VoucherOperation.objects.get(kind="charge")
    voucher_cloud().refund(charge.remote_id, D("20.00"), "EUR")
    gateway.authorize(other, voucher.code)
    gateway.capture(other)  # with two charges, a refund without a number may be of either
    with pytest.raises(RefusedError):
        gateway.refund(order)
    assert operations() == [("refund", "refused")]
    assert reviews == [D("20.00")]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_to_the_refund_is_followed_by_no_rung(shop, voucher, order, gateway_settings, fault):
    gateway_settings(REFUND_FALLBACK=RUNGS)
    gateway.capture(order)
    shop.cloud.faults.next(fault, method="POST", path=REFUND)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order)
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_to_unusable_voucher="refuse")
    shop.cloud.set_status(voucher.id, "inactive")
    after_the_grace(shop)
    assert shop.bookings(voucher)[1:] == [("refund", D("20.00"))]
    assert (operations(), payment().status) == ([("refund", "succeeded")], "refunded")


def test_a_refund_that_never_arrived_is_followed_by_the_rung_once_that_is_proven(shop, voucher, paid):
    shop.cloud.faults.next("before:drop", method="POST", path=REFUND)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(paid)
    look_again()
    assert given_back(shop, voucher) == D("0.00")
    after_the_grace(shop)
    shop.later(seconds=61)
    look_again(2)
    assert operations() == [("refund", "refused"), ("recharge", "succeeded")]
    assert given_back(shop, voucher) == D("20.00")


@pytest.mark.parametrize("fault", [*LOST, "before:drop"])
def test_a_lost_answer_to_the_recharge_gives_back_once(shop, voucher, paid, fault):
    shop.cloud.faults.next(fault, method="POST", path=RECHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(paid)
    with pytest.raises(OperationInProgressError):
        gateway.refund(paid, "1.00")
    look_again()
    after_the_grace(shop)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert operations() == [("refund", "refused"), ("recharge", "succeeded")]
    assert not VoucherSale.objects.exists()


def test_an_unknown_recharge_is_followed_by_a_new_voucher_only_once_it_is_refused_for_certain(
    shop, voucher, no_recharge
):
    shop.cloud.faults.next("before:drop", method="POST", path=RECHARGE)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(no_recharge)
    look_again(2)
    assert not VoucherSale.objects.exists()
    after_the_grace(shop)
    look_again(2)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert [kind for kind, _ in operations()] == ["refund", "recharge", "issue", "activate"]


@pytest.mark.parametrize("path", [CREATE, STATUS])
@pytest.mark.parametrize("fault", [*LOST, "before:drop", "before:503"])
def test_a_lost_answer_about_the_new_voucher_gives_back_once(shop, voucher, no_recharge, path, fault):
    method = "POST" if path == CREATE else "PATCH"
    shop.cloud.faults.next(fault, method=method, path=path, times=2 if fault == "before:503" else 1)
    try:
        gateway.refund(no_recharge, key="return-1")
    except (OutcomeUnknownError, UnavailableError):
        assert path == CREATE
    shop.cloud.faults.clear()
    look_again(3)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert gateway.refund(no_recharge, key="return-1")[0].status == "refunded"
    assert (given_back(shop, voucher), VoucherSale.objects.count()) == (D("20.00"), 1)


@pytest.mark.parametrize("call", ["refund", "recharge_voucher", "create_voucher", "set_voucher_status"])
def test_a_process_that_dies_before_a_call_gives_back_once(shop, voucher, no_recharge, during, call):
    def die():
        raise SystemExit

    during(call, die)
    with pytest.raises(SystemExit):
        gateway.refund(no_recharge)
    shop.later(minutes=10)
    look_again(2)
    after_the_grace(shop)
    after_the_grace(shop)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert VoucherSale.objects.count() == 1


@pytest.mark.parametrize("call", ["refund", "recharge_voucher", "create_voucher", "set_voucher_status"])
def test_a_process_that_dies_after_a_call_gives_back_once(shop, voucher, no_recharge, monkeypatch, call):
    client = voucher_cloud()
    original, died = getattr(client, call), []

    def dying(*given, **named):
        try:
            original(*given, **named)
        finally:
            if not died:
                died.append(True)
                raise SystemExit

    monkeypatch.setattr(client, call, dying)
    with pytest.raises(SystemExit):
        gateway.refund(no_recharge)
    shop.later(minutes=10)
    look_again(2)
    after_the_grace(shop)
    after_the_grace(shop)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))
    assert VoucherSale.objects.count() == 1


def test_a_due_recharge_is_sent_by_the_same_call_again(shop, voucher, paid):
    shop.cloud.faults.next("before:503", method="POST", path=RECHARGE, times=4)
    with pytest.raises(UnavailableError):
        gateway.refund(paid)
    shop.cloud.faults.clear()
    gateway.refund(paid)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))


def test_a_due_recharge_is_sent_by_a_call_with_the_same_key(shop, voucher, paid):
    shop.cloud.faults.next("before:503", method="POST", path=RECHARGE, times=4)
    with pytest.raises(UnavailableError):
        gateway.refund(paid, "5.00", key="k")
    shop.cloud.faults.clear()
    assert gateway.refund(paid, "5.00", key="k")[0].amount_refunded == D("5.00")
    assert given_back(shop, voucher) == D("5.00")


def test_inside_a_transaction_all_rungs_follow_the_commit(shop, voucher, no_recharge):
    with transaction.atomic():
        gateway.refund(no_recharge)
        assert operations() == [("refund", "due")]
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))


def test_a_recharge_in_review_counts_as_refunded_and_a_person_concludes_it(
    shop, voucher, paid, gateway_settings
):
    shop.cloud.faults.next("before:drop", method="POST", path=RECHARGE, times=None)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(paid, "15.00")
    for _ in range(4):
        after_the_grace(shop)
    assert operations() == [("refund", "refused"), ("recharge", "manual")]
    gateway_settings(TOTAL_AFTER_RETURN="lowered")
    assert not gateway.cover(paid).is_firm
    with pytest.raises(AmountError, match=r"only 5\.00"):
        gateway.refund(paid, "5.01")
    shop.cloud.faults.clear()
    gateway.cancel(paid)
    assert payment().status == "captured"
    recharge = VoucherOperation.objects.filter(kind="recharge").first()
    gateway.conclude(recharge, actor="clerk", reason="not in the list")
    gateway.refund(paid)
    assert given_back(shop, voucher) == D("20.00")


def test_a_replacement_that_is_taken_back_before_it_was_valid_may_be_refunded_again(
    shop, voucher, no_recharge
):
    shop.cloud.faults.next("before:503", method="PATCH", path=STATUS, times=None)
    gateway.refund(no_recharge)
    shop.cloud.faults.clear()
    gateway.take_back(VoucherSale.objects.get())
    look_again(2)
    assert payment().amount_refunded == D("0.00")
    gateway.refund(no_recharge)
    assert (payment().status, given_back(shop, voucher)) == ("refunded", D("20.00"))


def test_the_ledgers_agree_and_the_order_is_no_difference(shop, voucher, no_recharge):
    gateway.refund(no_recharge, "5.00")
    shop.cloud.behaviour = shop.cloud.behaviour.but(recharge_of_unusable_voucher="accept")
    gateway.refund(no_recharge, "10.00")
    shop.later(minutes=10)
    now = timezone.now()
    assert gateway.reconcile(now - timedelta(days=1), now + timedelta(days=1)) == []
    assert not VoucherDifference.objects.exists()


def test_each_rung_is_told_in_the_story_of_the_order(shop, no_recharge):
    gateway.refund(no_recharge, "5.00")
    told = [(line.text, line.state) for line in story_of(no_recharge)]
    hint = VoucherSale.objects.get().code_hint
    assert told[-4:] == [
        ("Return €5.00 to gift voucher …ABCD", "refused"),
        ("Put €5.00 on gift voucher …ABCD", "refused"),
        ("Gift voucher of €5.00 issued", "succeeded"),
        ("Gift voucher activated", "succeeded"),
    ]
    assert hint != "ABCD"


def test_what_went_back_in_another_way_is_not_left_to_a_person(shop, voucher, no_recharge):
    left = VoucherOperation.objects.all().left_to_a_person()
    shop.cloud.faults.next("before:503", method="PATCH", path=STATUS, times=None)
    gateway.refund(no_recharge, "5.00")
    assert [operation.kind for operation in left.all()] == ["refund"]  # as long as it is not certain
    shop.cloud.faults.clear()
    look_again(2)
    assert not left.all()
    shop.cloud.behaviour = shop.cloud.behaviour.but(recharge_of_unusable_voucher="accept")
    gateway.refund(no_recharge, "5.00")
    assert not left.all()
    shop.cloud.faults.next("before:422", method="POST", path="*", times=3)
    with pytest.raises(RefusedError):
        gateway.refund(no_recharge, "5.00")
    assert [operation.kind for operation in left.all()] == ["refund"]


def test_by_status_what_was_charged_later_is_refunded_although_an_earlier_refund_fell_back(
    shop, gateway_settings
):
    statuses = {"field": "status", "refund": ["returned"]}
    gateway_settings(ON_STATUS=statuses, REFUND_FALLBACK=["recharge"])
    voucher, order = shop.voucher("20.00"), shop.order("20.00")
    gateway.authorize(order, voucher.code)
    gateway.authorize_selected(order)
    gateway.capture(order, "5.00")
    shop.cloud.faults.next("before:422", method="POST", path=REFUND)
    gateway.refund(order)
    gateway.capture(order, "15.00")
    order.status = "returned"
    order.save()
    assert (payment().amount_refunded, given_back(shop, voucher)) == (D("20.00"), D("20.00"))


def test_a_deleted_voucher_can_take_nothing_so_a_new_one_follows(shop, voucher, paid):
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    shop.cloud.faults.next("before:404", method="POST", path=REFUND)
    gateway.refund(paid)
    assert operations() == [
        ("refund", "refused"),
        ("recharge", "refused"),
        ("issue", "succeeded"),
        ("activate", "succeeded"),
    ]
    sale = VoucherSale.objects.get()
    assert (payment().status, shop.cloud.balance(sale.voucher_id)) == ("refunded", D("20.00"))


def test_where_a_person_decides_a_refund_to_a_deleted_voucher_says_so(
    shop, voucher, paid, gateway_settings, reviews, caplog
):
    """It was said to be the Voucher Cloud that cannot be reached."""
    gateway_settings(REFUND_FALLBACK=["manual"])
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    with pytest.raises(
        UnavailableError, match=r"…ABCD was deleted .*: it takes no refund.*No money"
    ) as caught:
        gateway.refund(paid)
    assert (caught.value.code, caught.value.money_moved) == ("voucher_gone", "no")
    assert "BASE_URL" not in caplog.text  # nothing is wrong with the settings
    for hours in (13, 13):
        assert operations() == [("refund", "due")]
        shop.later(hours=hours)
        gateway.settle()
    assert operations() == [("refund", "manual")]
    assert VoucherOperation.objects.get(kind="refund").error_code == "voucher_gone"
    assert reviews == [D("20.00")]


def test_a_wrong_address_is_no_deleted_voucher(shop, voucher, paid, gateway_settings, server):
    gateway_settings(BASE_URL=f"{server.url}/v2")
    with pytest.raises(UnavailableError) as caught:
        gateway.refund(paid)
    assert (caught.value.code, operations()) == ("address_wrong", [("refund", "due")])
    gateway_settings(BASE_URL=server.base_url)
    gateway.refund(paid)
    assert payment().status == "refunded"


def test_a_refund_by_hand_of_another_amount_while_ours_was_unknown_is_left_to_a_person(
    shop, voucher, paid, reviews
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_to_unusable_voucher="accept")
    shop.cloud.faults.next("before:drop", method="POST", path=REFUND)
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(paid)
    charge = VoucherOperation.objects.get(kind="charge")
    voucher_cloud().refund(charge.remote_id, D("15.00"), "EUR")
    after_the_grace(shop)
    assert operations() == [("refund", "manual")]
    assert (given_back(shop, voucher), reviews) == (D("15.00"), [D("20.00")])


def test_no_rung_follows_a_new_voucher_that_a_person_took_back(
    shop, voucher, paid, gateway_settings, during, reviews
):
    gateway_settings(REFUND_FALLBACK=["new_voucher", "recharge"])
    during("create_voucher", lambda: gateway.take_back(VoucherSale.objects.get()))
    shop.cloud.faults.next("before:422", method="POST", path=CREATE)
    with pytest.raises(RefusedError):
        gateway.refund(paid)
    assert operations() == [("refund", "refused"), ("issue", "refused")]
    assert (given_back(shop, voucher), reviews) == (D("0.00"), [D("20.00")])
