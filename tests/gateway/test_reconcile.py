"""Reconcile compares both sides' books, voucher by voucher; a difference stays as a row until it is explained."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from threading import Thread

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, models, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import CredentialsError, OutcomeUnknownError, UnavailableError
from voucher_payment_gateway.gateway.reconciliation import vouchers
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"


@pytest.fixture
def voucher(shop):
    return shop.voucher("100.00", code=CODE)


@pytest.fixture
def order(shop, voucher):
    """An order paid with 20.00, long enough ago to be in every list."""
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.capture(order)
    shop.later(minutes=5)
    return order


def reconcile(days=3, **options):
    now = timezone.now()
    return gateway.reconcile(now - timedelta(days=days), now + timedelta(days=1), **options)


def differences(**options):
    return [(row.kind, row.order_number, row.amount_ours, row.amount_theirs) for row in reconcile(**options)]


def only():
    return VoucherDifference.objects.get()


def last(kind):
    return VoucherOperation.objects.filter(kind=kind).last()


def double(shop, amount="20.00"):
    """Book the last charge a second time, like a request that was duplicated in flight."""
    held = shop.cloud.reserve(CODE, amount)
    return shop.cloud.charge(held, last("charge").reference)


def test_books_that_agree_have_no_difference(shop, order):
    gateway.refund(order, "5.00")
    gateway.refund(order, "5.00")
    shop.later(minutes=5)
    assert reconcile() == []
    assert not VoucherDifference.objects.exists()


def test_a_charge_that_was_booked_twice_is_theirs_and_not_ours(shop, order, voucher, reviews):
    surplus = double(shop)
    (row,) = reconcile()
    assert (row.kind, row.remote_id, row.booking_type) == ("theirs_only", surplus.id, "charge")
    assert (row.amount_ours, row.amount_theirs, row.currency) == (None, D("20.00"), "EUR")
    assert (row.voucher_id, row.code_hint, row.order_number) == (voucher.id, "ABCD", order.number)
    assert (row.payment, row.operation) == (VoucherPayment.objects.get(), last("charge"))
    assert row.reference == last("charge").reference
    assert row.booked_at == surplus.created_at.replace(microsecond=0)
    assert reviews == [D("20.00")]


def test_a_refund_that_was_doubled_on_its_way_is_theirs_and_not_ours(shop, order):
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_carries_order_number=False)
    gateway.refund(order, "5.00")
    shop.cloud.refund(last("charge").remote_id, "5.00")
    assert differences() == [("theirs_only", order.number, None, D("5.00"))]
    assert only().operation == last("refund")


def test_a_booking_that_vanished_is_ours_and_not_theirs(shop, order, voucher):
    charge = last("charge")
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.remove(charge.remote_id)
    assert differences() == [("ours_only", order.number, D("20.00"), None)]
    assert (only().remote_id, only().operation) == (charge.remote_id, charge)


def test_a_booking_of_another_amount_differs(shop, order):
    shop.cloud.store.state.bookings[last("charge").remote_id].amount_cents += 1
    assert differences() == [("differs", order.number, D("20.00"), D("20.01"))]


def test_a_booking_that_we_have_on_another_voucher_differs(shop, order, voucher):
    other = shop.voucher("20.00", code="OTHER-VOUCHER")
    second = shop.order("5.00", number="A-2")
    gateway.authorize(second, CODE)
    VoucherOperation.objects.filter(kind="charge").update(voucher_id=other.id)
    shop.later(minutes=5)
    rows = {row.voucher_id: row for row in reconcile()}
    assert {key: row.kind for key, row in rows.items()} == {voucher.id: "differs", other.id: "ours_only"}
    assert other.id in rows[voucher.id].sentence
    assert rows[voucher.id].order_number == order.number


@pytest.mark.parametrize("numbered", [True, False])
def test_a_refund_made_in_the_vendors_interface_is_a_refund_by_hand(shop, order, numbered, reviews):
    shop.cloud.behaviour = shop.cloud.behaviour.but(refund_carries_order_number=numbered)
    clerk = shop.cloud.add_client(name="Clerk").id
    shop.cloud.refund(last("charge").remote_id, "7.00", client_id=clerk)
    assert differences() == [("refund_by_hand", order.number, None, D("7.00"))]
    assert only().client_id == clerk
    assert ("names no charge" in only().sentence) is not numbered
    assert reviews == [D("7.00")]


def test_other_tills_on_the_same_voucher_are_no_difference(shop, order, voucher):
    till = shop.cloud.add_client(name="Till").id
    for number in (order.number, f"{last('charge').reference}0", "A-1001-1"):
        charge = shop.cloud.charge(shop.cloud.reserve(CODE, "3.00", client_id=till), number, client_id=till)
        shop.cloud.refund(charge.id, "1.00", client_id=till)
    assert reconcile() == []


def test_what_is_open_is_not_judged_before_it_is_settled(shop, order, voucher):
    second = shop.order("5.00", number="A-2")
    gateway.authorize(second, CODE)
    shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(second)
    assert reconcile() == []
    shop.later(minutes=2)
    gateway.settle()
    shop.cloud.faults.next("after:drop", method="POST", path="*/refund")
    with pytest.raises(OutcomeUnknownError):
        gateway.refund(order, "5.00")
    assert reconcile() == []
    shop.later(minutes=2)
    gateway.settle()
    assert {operation.state for operation in VoucherOperation.objects.all()} == {"succeeded"}
    assert reconcile() == []


def test_a_list_that_lags_behind_makes_no_difference(shop, order):
    shop.cloud.behaviour = shop.cloud.behaviour.but(list_lag_seconds=55)
    gateway.refund(order, "5.00")
    assert len(shop.cloud.bookings(only_voucher(shop).id)) == 2
    assert reconcile() == []
    shop.later(seconds=61)
    assert reconcile() == []


def only_voucher(shop):
    return shop.vouchers[0]


def test_an_operation_that_waits_for_a_person_is_told_only_if_the_books_differ(shop, order):
    gateway.refund(order, "5.00")
    VoucherOperation.objects.filter(kind="refund").update(state="manual", remote_id="")
    VoucherPayment.objects.update(amount_refunded=0)
    assert differences() == [("theirs_only", order.number, None, D("5.00"))]
    assert f"{last('refund').pk} (refund) waits for a person" in only().sentence
    shop.cloud.store.state.vouchers[only_voucher(shop).id].booking_ids.pop()
    assert reconcile() == []


def test_a_payment_that_stays_open_after_its_reservation_ended_is_a_hold_left_open(shop, voucher, reviews):
    gateway.authorize(shop.order("20.00"), CODE)
    shop.later(minutes=90)
    assert reconcile() == []
    shop.later(minutes=6)
    (row,) = reconcile()
    assert (row.kind, row.amount_ours, row.amount_theirs) == ("hold_left_open", D("20.00"), None)
    assert row.remote_id == VoucherPayment.objects.get().reservation_id
    assert reviews == [D("20.00")]
    gateway.cancel(VoucherPayment.objects.get())
    assert reconcile() == []


def test_a_cancelled_payment_whose_reservation_was_not_released_is_told_until_it_lapses(
    shop, voucher, gateway_settings
):
    gateway_settings(CANCEL_RESERVATION_CALL=False)
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.cancel(order)
    assert differences() == [("hold_left_open", order.number, D("20.00"), None)]
    shop.later(minutes=36)
    assert reconcile() == []
    assert only().gone_at


def test_a_hold_with_an_operation_in_flight_is_not_judged(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("before:503", method="POST", path="*/charge")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    shop.later(hours=3)
    assert (last("charge").state, VoucherPayment.objects.get().status) == ("due", "authorized")
    assert reconcile() == []


def test_a_voucher_that_can_be_read_again_is_closed_while_something_is_in_flight(shop, order, voucher):
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    assert [row.kind for row in reconcile()] == ["not_compared"]
    shop.cloud.store.state.vouchers[voucher.id].deleted = False
    VoucherPayment.objects.update(reservation_id="")
    VoucherOperation.objects.filter(kind="reserve").update(state="due")
    assert reconcile() == []


def test_a_reservation_that_was_asked_to_end_is_not_told(shop, voucher):
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    gateway.cancel(order)
    assert reconcile() == []


def test_a_difference_stays_one_row_and_is_told_again_until_it_is_explained(shop, order, reviews):
    double(shop)
    (first,) = reconcile()
    assert first.is_new
    (second,) = reconcile()
    assert (second.pk, second.first_seen_at, second.is_new) == (first.pk, first.first_seen_at, False)
    assert second.last_seen_at > first.last_seen_at
    gateway.explain(second, "The customer was told, booked back by hand.", actor="anna")
    assert reconcile() == []
    assert (only().explained_by, only().gone_at) == ("anna", None)
    assert len(reviews) == 1


def test_a_difference_is_told_on_later_days_too(shop, order):
    double(shop)
    (row,) = reconcile()
    shop.later(days=30)
    assert [each.pk for each in reconcile(days=1)] == [row.pk]
    gateway.explain(row, "Known.", actor="anna")
    shop.cloud.forget_requests()
    assert reconcile(days=1) == []
    assert shop.calls() == []


def test_a_difference_that_is_gone_is_closed_by_itself_and_kept(shop, order, voucher):
    surplus = double(shop)
    reconcile()
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.remove(surplus.id)
    assert reconcile() == []
    assert only().gone_at
    shop.cloud.store.state.vouchers[voucher.id].booking_ids.append(surplus.id)
    assert [row.gone_at for row in reconcile()] == [None]
    with pytest.raises(models.ProtectedError):
        VoucherDifference.objects.all().delete()
    with pytest.raises(models.ProtectedError):
        only().delete()


def test_an_explained_difference_that_changes_is_told_again(shop, order, reviews):
    surplus = double(shop)
    gateway.explain(reconcile()[0], "A known double.", actor="anna")
    shop.cloud.store.state.bookings[surplus.id].amount_cents = 1999
    (row,) = reconcile()
    assert (row.amount_theirs, row.explained_at) == (D("19.99"), None)
    assert "19.99 EUR" in row.sentence
    assert "anna: A known double." in row.explanation
    gateway.explain(row, "Another one.", actor="ben")
    assert [line.split(" ", 1)[1] for line in only().explanation.splitlines()] == [
        "anna: A known double.",
        "ben: Another one.",
    ]
    assert reviews == [D("20.00"), D("19.99")]


def test_what_cannot_be_judged_now_closes_nothing(shop, order):
    charge = double(shop)
    reconcile()
    VoucherOperation.objects.filter(kind="charge").update(state="unknown", remote_id="")
    assert [row.remote_id for row in reconcile()] == [charge.id]


@pytest.mark.parametrize(
    ("explanation", "actor"), [("", "anna"), (" \n", "anna"), ("Known.", ""), ("x", "y" * 151)]
)
def test_an_explanation_needs_a_sentence_and_a_name(shop, order, explanation, actor):
    double(shop)
    (row,) = reconcile()
    with pytest.raises(ValueError, match=r"^(explanation|actor): "):
        gateway.explain(row, explanation, actor=actor)
    assert only().explained_at is None


def test_a_voucher_that_cannot_be_read_is_never_called_equal(shop, order, voucher):
    other = shop.voucher("20.00", code="OTHER-VOUCHER")
    second = shop.order("5.00", number="A-2")
    gateway.authorize(second, "OTHER-VOUCHER")
    gateway.capture(second)
    shop.later(minutes=5)
    shop.cloud.charge(shop.cloud.reserve("OTHER-VOUCHER", "5.00"), last("charge").reference)
    shop.cloud.store.state.vouchers[voucher.id].deleted = True
    assert {row.voucher_id: row.kind for row in reconcile()} == {
        voucher.id: "not_compared",
        other.id: "theirs_only",
    }
    assert "could not be read" in VoucherDifference.objects.get(kind="not_compared").sentence
    shop.cloud.store.state.vouchers[voucher.id].deleted = False
    shop.later(days=30)
    assert [row.kind for row in reconcile(days=1)] == ["theirs_only"]


def test_a_page_that_cannot_be_read_proves_nothing(shop, order, voucher):
    shop.cloud.behaviour = shop.cloud.behaviour.but(largest_page=1)
    gateway.refund(order, "5.00")
    shop.later(minutes=5)
    surplus = double(shop)
    reconcile()
    shop.cloud.behaviour = shop.cloud.behaviour.but(list_order="newest_first")
    shop.cloud.faults.next("before:garbage", method="GET", path="*/charges", times=10)
    rows = reconcile()
    assert {row.kind for row in rows} == {"not_compared", "theirs_only"}
    assert VoucherDifference.objects.get(remote_id=surplus.id).gone_at is None


def test_a_run_ends_where_a_whole_batch_cannot_be_read(shop, order, monkeypatch):
    monkeypatch.setattr(vouchers, "BATCH", 1)
    monkeypatch.setattr("voucher_payment_gateway.gateway.reconciliation.reconcile.BATCH", 1)
    shop.cloud.faults.next("before:503", method="GET", path="*/charges", times=100)
    with pytest.raises(UnavailableError):
        reconcile()
    assert only().kind == "not_compared"


def test_rejected_credentials_end_the_run_before_anything_is_written(shop, order, gateway_settings):
    gateway_settings(CLIENT_ID="nobody")
    with pytest.raises(CredentialsError):
        reconcile()
    assert not VoucherDifference.objects.exists()


def test_without_the_right_to_read_lists_the_run_says_so(shop, order, gateway_settings):
    client = shop.cloud.add_client(scopes=["read", "use"])
    gateway_settings(CLIENT_ID=client.id, CLIENT_SECRET=client.secret)
    with pytest.raises(CredentialsError) as caught:
        reconcile()
    assert caught.value.missing_scope == "read-lists"
    assert only().kind == "not_compared"


@pytest.mark.parametrize(
    ("since_minutes", "until_minutes", "expected"), [(-7, -3, 1), (-3, 3, 0), (-60, -8, 0)]
)
def test_the_vouchers_of_operations_within_the_window_are_compared(
    shop, order, since_minutes, until_minutes, expected
):
    double(shop)
    now = timezone.now()
    window = [now + timedelta(minutes=minutes) for minutes in (since_minutes, until_minutes)]
    assert len(gateway.reconcile(*window)) == expected


@pytest.mark.parametrize("name", ["created_at", "sending_at", "settled_at"])
def test_an_operation_is_within_the_window_by_each_of_its_instants(shop, order, name):
    double(shop)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    VoucherOperation.objects.update(created_at=long_ago, sending_at=long_ago, settled_at=long_ago)
    at = timezone.now()
    assert gateway.reconcile(at, at + timedelta(seconds=1)) == []
    VoucherOperation.objects.filter(kind="charge").update(**{name: at})
    assert gateway.reconcile(at - timedelta(seconds=1), at) == []
    assert len(gateway.reconcile(at, at + timedelta(seconds=1))) == 1


@pytest.mark.parametrize(
    ("since", "until", "named"),
    [
        (datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC), "since"),  # noqa: DTZ001
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2), "until"),  # noqa: DTZ001
        (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), "until"),
        ("2026-01-01", datetime(2026, 1, 2, tzinfo=UTC), "since"),
    ],
)
def test_instants_without_a_time_zone_or_order_are_refused(shop, since, until, named):
    with pytest.raises(ValueError, match=f"^{named}:"):
        gateway.reconcile(since, until)


def test_inside_of_a_transaction_it_is_refused(shop):
    with transaction.atomic(), pytest.raises(TransactionManagementError):
        reconcile()


def many_vouchers(shop, count, operations):
    for number in range(count):
        shop.voucher("100.00", code=f"MANY-{number:04}")
        for part in range(operations):
            order = shop.order("1.00", number=f"M-{number}-{part}")
            gateway.authorize(order, f"MANY-{number:04}")
            gateway.capture(order)
    shop.later(minutes=5)


@pytest.mark.parametrize(("count", "operations", "pages"), [(3, 1, 1), (3, 4, 2), (7, 1, 1)])
def test_a_run_costs_a_call_per_page_and_sixteen_statements(shop, count, operations, pages):
    shop.cloud.behaviour = shop.cloud.behaviour.but(largest_page=2)
    many_vouchers(shop, count, operations)
    voucher_cloud().authenticate()
    shop.cloud.forget_requests()
    with CaptureQueriesContext(connection) as queries:
        assert reconcile() == []
    assert len(shop.calls()) == count * pages
    assert len([q for q in queries if q["sql"].lstrip("(").startswith("SELECT")]) == 9 + 5 + 2
    """for the orders, for the vouchers, the archive among them, and for the accounts of these"""


def test_a_run_over_several_batches_compares_each_voucher_once(shop, monkeypatch):
    monkeypatch.setattr(vouchers, "BATCH", 2)
    monkeypatch.setattr(vouchers, "PAGE", 4)
    many_vouchers(shop, 9, 1)
    shop.cloud.forget_requests()
    steps = []
    assert reconcile(progress=lambda done, total: steps.append((done, total))) == []
    assert steps == [(0, 9), (2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]
    assert sorted(path.split("/")[-2] for _, path in shop.calls()) == sorted(
        each.id for each in shop.vouchers
    )


def test_two_runs_at_once_write_and_tell_a_difference_once(shop, order, reviews):
    double(shop)
    runs = [Thread(target=lambda: (reconcile(), connections.close_all())) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert only().kind == "theirs_only"
    assert reviews == [D("20.00")]


def test_the_async_twins_do_the_same(shop, order):
    double(shop)
    now = timezone.now()

    async def run():
        (row,) = await gateway.areconcile(now - timedelta(days=1), now + timedelta(days=1))
        explained = await gateway.aexplain(row, "Known.", actor="anna")
        await sync_to_async(connections.close_all)()  # of the thread that the twins ran in
        return explained

    assert asyncio.run(run()).explained_by == "anna"


def test_a_hold_whose_facts_are_not_known_is_told_without_them(shop, order):
    from voucher_payment_gateway.gateway.reconciliation.drafts import hold_draft

    payment = VoucherPayment.objects.get()
    payment.status, payment.amount_authorized, payment.reservation_dead_at = "cancelled", D("0.00"), None
    sentence = hold_draft(payment, []).sentence
    assert sentence == (
        "The payment is cancelled, but its reservation was not released. It may hold an unknown amount until an "
        "unknown time, then it lapses."
    )
