"""A person decides an operation of a sale, or of a recharge in place of a refund; every list names the sale."""

import io
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.core.management import call_command
from django.urls import reverse

from voucher_payment_gateway import gateway
from voucher_payment_gateway.checkout.history import story_of
from voucher_payment_gateway.exceptions import OutcomeUnknownError, WrongStateError
from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

BY = {"actor": "mia", "reason": "seen in the list of bookings"}


@pytest.fixture
def order(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return shop.order("50.00", note="a=50.00")


@pytest.fixture
def sale(order):
    return gateway.activate(order)[0]


@pytest.fixture
def undecided(shop, sale):
    """A recharge of 10.00 that is booked, and left to a person."""
    shop.cloud.faults.next("after:drop", method="POST", path="/v1/vouchers/recharge")
    with pytest.raises(OutcomeUnknownError):
        gateway.top_up(sale, "10.00", key="k")
    return manual("recharge")


def manual(kind):
    VoucherOperation.objects.filter(kind=kind).update(
        state="manual", error_code="ambiguous_bookings", settled_at="2026-01-31T12:00:00Z", remote_id=""
    )
    return VoucherOperation.objects.get(kind=kind)


def run(*arguments):
    out = io.StringIO()
    call_command("voucher_review", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_recharge_that_a_person_names_is_on_the_voucher(shop, sale, undecided, record_signal):
    told = record_signal("voucher_topped_up")
    (booking,) = shop.cloud.bookings(sale.voucher_id)
    gateway.conclude(undecided, remote_id=booking.id, **BY)
    sale.refresh_from_db()
    assert (sale.amount_topped_up, told) == (D("10.00"), [(sale.order_number, D("10.00"))])


def test_a_recharge_that_was_not_booked_may_be_asked_for_again(sale, undecided):
    with pytest.raises(WrongStateError, match="the voucher has no recharge of"):
        gateway.conclude(undecided, remote_id="other", **BY)
    gateway.conclude(undecided, **BY)
    sale.refresh_from_db()
    assert sale.amount_topped_up == D("0.00")
    gateway.top_up(sale, "10.00", key="k2")


@pytest.mark.parametrize("kind", ["issue", "activate"])
def test_what_books_nothing_is_concluded_by_the_voucher_itself(shop, order, sale, kind):
    operation = manual(kind)
    VoucherSale.objects.update(
        status="ordered" if kind == "issue" else "issued", due_at="2020-01-01T00:00:00Z"
    )
    gateway.conclude(operation, remote_id=sale.voucher_id, **BY)
    gateway.settle()
    sale.refresh_from_db()
    assert (operation.kind, sale.status) == (kind, "active")


def test_a_voucher_that_does_not_show_it_is_named_by_its_sale(shop, sale):
    operation = manual("activate")
    shop.cloud.set_status(sale.voucher_id, "inactive")
    with pytest.raises(WrongStateError, match=f"the voucher of sale {sale.pk} does not show this activate"):
        gateway.conclude(operation, remote_id=sale.voucher_id, **BY)
    VoucherSale.objects.update(status="issued", due_at="2020-01-01T00:00:00Z")
    gateway.conclude(operation, **BY)
    gateway.settle()
    assert shop.cloud.voucher(sale.voucher_id).status == "active"


def test_the_list_names_the_sale(sale, undecided):
    listed = run()
    assert (
        f"order A-1001, recharge of 10.00 EUR on voucher {sale.voucher_id} of sale {sale.pk}, number sent"
        in listed
    )
    assert run(undecided.pk, "--not-booked", "--reason", "r").endswith("is not_applied now\n")


def test_the_list_names_no_number_where_none_is_sent(sale):
    manual("activate")
    assert f"on voucher {sale.voucher_id} of sale {sale.pk}, ambiguous_bookings, since" in run()


def test_the_list_tells_the_time_of_the_shop(sale, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    manual("activate")
    VoucherOperation.objects.update(settled_at=datetime(2025, 11, 1, 23, 30, tzinfo=UTC))
    assert "since 2025-11-02 00:30" in run()


def test_the_story_tells_what_was_sold_and_put_on_it(order, sale):
    gateway.top_up(sale, "10.00", key="k")
    hint = sale.code_hint
    assert [line.text for line in story_of(order)] == [
        "Gift voucher of €50.00 issued",
        "Gift voucher activated",
        f"€10.00 put on gift voucher …{hint}",
    ]


@pytest.mark.usefixtures("shop")
def test_the_admin_shows_the_sale_of_a_difference_and_what_stands_in_place_of_a_refund(
    shop, gateway_settings, admin_client
):
    gateway_settings(REFUND_FALLBACK=["new_voucher"])
    voucher = shop.voucher("20.00")
    order = shop.order("20.00", number="A-2")
    gateway.authorize(order, voucher.code)
    gateway.capture(order)
    shop.cloud.faults.next("before:422", method="POST", path="*/refund")
    gateway.refund(order)
    sale = VoucherSale.objects.get()
    page = admin_client.get(
        reverse("admin:voucher_payment_gateway_voucherpayment_change", args=[VoucherPayment.objects.get().pk])
    ).content.decode()
    assert f"…{sale.code_hint} (active)" in page
    row = VoucherDifference.objects.create(
        kind="voucher_gone",
        voucher_id=sale.voucher_id,
        sale=sale,
        sentence="s",
        first_seen_at=sale.created_at,
        last_seen_at=sale.created_at,
    )
    page = admin_client.get(
        reverse("admin:voucher_payment_gateway_voucherdifference_change", args=[row.pk])
    ).content.decode()
    assert str(sale) in page
