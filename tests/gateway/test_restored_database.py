"""Two databases that remember the same past: a backup put back after shipping, a copy on another machine."""

from contextlib import suppress
from decimal import Decimal as D

import pytest

from tests.gateway.backup import Backup, last_operation, state
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    OperationInProgressError,
    OutcomeUnknownError,
    UnavailableError,
    VoucherGatewayError,
)
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment

CODE = "GIFT-2000-ABCD"
CHARGED = ("charge", D("20.00"))
REFUNDED = ("refund", D("20.00"))
BOOKINGS = {"method": "GET", "path": "*/charges*"}


@pytest.fixture
def reviews(record_signal):
    return record_signal("payment_needs_review")


def is_charged_elsewhere(call):
    with pytest.raises(OutcomeUnknownError) as caught:
        call()
    assert (caught.value.code, caught.value.money_moved) == ("charged_elsewhere", "maybe")


# a backup put back


def ship_and_put_back(order, minutes, shop):
    """The order is shipped after the backup, and the backup is put back."""
    backup = Backup()
    gateway.capture(order)
    backup.put_back()
    shop.later(minutes=minutes)


@pytest.mark.parametrize("minutes", [0, 40])
def test_an_order_shipped_after_the_backup_is_not_charged_again(
    shop, order, voucher, reviews, caplog, minutes
):
    ship_and_put_back(order, minutes, shop)
    is_charged_elsewhere(lambda: gateway.capture(order))
    assert state() == ("manual", "charged_elsewhere")
    assert shop.bookings(voucher) == [CHARGED]
    assert reviews == [("A-1001", D("20.00"))]
    (line,) = [each.getMessage() for each in caplog.records if "backup" in each.getMessage()]
    assert "A-1001" in line
    assert shop.cloud.bookings(voucher.id)[0].id in line
    assert CODE not in caplog.text


@pytest.mark.parametrize("minutes", [0, 40])
def test_nothing_that_settle_does_charges_it_again(shop, order, voucher, minutes):
    ship_and_put_back(order, minutes, shop)
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    for _ in range(8):
        shop.later(minutes=20)
        gateway.settle()
    with pytest.raises(OperationInProgressError):
        gateway.capture(order)
    assert shop.bookings(voucher) == [CHARGED]


@pytest.mark.parametrize("fault", ["before:503", "after:drop", "before:drop"])
def test_a_charge_without_an_answer_is_not_sent_again_behind_a_fence(shop, order, voucher, fault):
    ship_and_put_back(order, 0, shop)
    shop.cloud.faults.next(fault, path="*/charge")
    with suppress(VoucherGatewayError):
        gateway.capture(order)
    for _ in range(8):
        shop.later(minutes=20)
        gateway.settle()
    assert state() == ("manual", "charged_elsewhere")
    assert shop.bookings(voucher) == [CHARGED]


@pytest.fixture
def due(shop, order):
    """A backup in which the charge of the order is due, and was carried out afterwards."""
    shop.cloud.faults.next("before:429", path="*/charge")
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    backup = Backup()
    gateway.capture(order)
    backup.put_back()


@pytest.mark.parametrize("minutes", [1, 40])
def test_a_charge_that_was_due_in_the_backup_is_recognised_by_its_reference(shop, due, voucher, minutes):
    shop.later(minutes=minutes)
    assert last_operation().state == "due"
    gateway.settle()
    assert (last_operation().state, shop.bookings(voucher)) == ("succeeded", [CHARGED])
    assert VoucherPayment.objects.get().amount_captured == D("20.00")


def test_a_charge_that_was_due_for_another_amount_needs_a_person(shop, due, voucher):
    VoucherOperation.objects.filter(kind="charge").update(amount="15.00")
    shop.later(minutes=40)
    gateway.settle()
    assert (state(), shop.bookings(voucher)) == (("manual", "charged_elsewhere"), [CHARGED])


# a person decides


def test_a_person_finds_the_charge_and_the_order_is_paid(shop, order, voucher):
    ship_and_put_back(order, 40, shop)
    is_charged_elsewhere(lambda: gateway.capture(order))
    booked = shop.cloud.bookings(voucher.id)[0].id
    gateway.conclude(last_operation(), remote_id=booked, actor="Kim", reason="shipped before the restore")
    assert VoucherPayment.objects.get().status == "captured"
    assert gateway.capture(order) == []
    assert shop.bookings(voucher) == [CHARGED]


def test_a_person_says_that_it_went_back_and_the_order_is_charged(shop, order, voucher):
    ship_and_put_back(order, 40, shop)
    is_charged_elsewhere(lambda: gateway.capture(order))
    shop.cloud.refund(shop.cloud.bookings(voucher.id)[0].id, "20.00")
    gateway.conclude(last_operation(), actor="Kim", reason="made by the staging site, given back by hand")
    gateway.capture(order)
    assert shop.bookings(voucher) == [CHARGED, REFUNDED, CHARGED]


def test_what_a_person_has_said_of_one_charge_says_nothing_of_the_next_one(shop, order, voucher):
    charge_elsewhere(shop, "A-1001-1.0123456789", "5.00")
    is_charged_elsewhere(lambda: gateway.capture(order))
    gateway.conclude(last_operation(), actor="Kim", reason="of the staging site")
    charge_elsewhere(shop, "A-1001-2.0123456789", "5.00")
    is_charged_elsewhere(lambda: gateway.capture(order))


# a copy that works at the same time


def charge_elsewhere(shop, number, amount="20.00", client_id="local-shop"):
    """Another database charges the voucher; its reservation replaces ours."""
    return shop.cloud.charge(
        shop.cloud.reserve(CODE, amount, client_id=client_id), number, client_id=client_id
    )


@pytest.fixture
def rich(shop):
    """An order of 20.00, authorized with a voucher of 60.00: a second charge would be booked."""
    voucher = shop.voucher("60.00")
    order = shop.order("20.00")
    gateway.authorize(order, CODE)
    return order, voucher


def test_a_copy_charged_the_order_and_the_voucher_holds_enough_for_both(shop, rich):
    order, voucher = rich
    charge_elsewhere(shop, "A-1001-1.0123456789")
    is_charged_elsewhere(lambda: gateway.capture(order))
    assert shop.bookings(voucher) == [CHARGED]


@pytest.mark.parametrize(
    "number", ["A-1001", "A-1001-1", "A-1001-2-1.0123456789", "B-7-1.0123456789", "till"]
)
@pytest.mark.parametrize("minutes", [0, 40])
def test_the_charge_of_another_order_is_no_reason_to_stop(shop, rich, number, minutes):
    order, voucher = rich
    charge_elsewhere(shop, number, "5.00")
    shop.later(minutes=minutes)
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D("5.00")), CHARGED]


def test_a_charge_without_a_number_is_not_taken_for_one_that_was_never_sent(shop, rich):
    order, voucher = rich
    shop.later(minutes=40)
    by_a_till = charge_elsewhere(shop, "7")
    shop.cloud.store.state.bookings[by_a_till.id].order_number = None
    gateway.capture(order)
    assert shop.bookings(voucher) == [CHARGED, CHARGED]


def test_a_charge_that_went_back_stops_all_the_same(shop, rich):
    order, voucher = rich
    shop.cloud.refund(charge_elsewhere(shop, "A-1001-1.0123456789").id, "20.00")
    is_charged_elsewhere(lambda: gateway.capture(order))
    assert shop.bookings(voucher) == [CHARGED, REFUNDED]


def test_another_shop_s_order_with_the_same_number_stops_while_our_client_is_not_known(shop, rich):
    order, _ = rich
    other = shop.cloud.add_client(name="Another shop").id
    charge_elsewhere(shop, "A-1001-1.0123456789", "5.00", client_id=other)
    is_charged_elsewhere(lambda: gateway.capture(order))


@pytest.mark.parametrize("ours", [True, False])
def test_once_we_have_charged_the_voucher_another_shop_s_order_does_not_stop(shop, rich, ours):
    order, voucher = rich
    gateway.capture(order, "5.00")
    client = "local-shop" if ours else shop.cloud.add_client(name="Another shop").id
    charge_elsewhere(shop, "A-1001-1.0123456789", "5.00", client_id=client)
    if ours:
        is_charged_elsewhere(lambda: gateway.capture(order, "15.00"))
    else:
        gateway.capture(order, "15.00")
        assert shop.bookings(voucher)[-1] == ("charge", D("15.00"))


def test_an_order_whose_earlier_charges_are_recorded_is_charged_in_parts(shop, rich):
    order, voucher = rich
    for part in ("5.00", "6.00", "9.00"):
        shop.later(minutes=40)
        gateway.capture(order, part)
    assert [amount for _, amount in shop.bookings(voucher)] == [D("5.00"), D("6.00"), D("9.00")]


def test_a_charge_of_ours_that_was_refused_and_shows_late_is_not_repeated(shop, rich):
    """An intermediary has booked it and shown a refusal, and the list showed it later than it may."""
    order, voucher = rich
    shop.cloud.faults.next("before:422", path="*/charge", times=2)
    with pytest.raises(VoucherGatewayError):
        gateway.capture(order)
    charge_elsewhere(shop, VoucherOperation.objects.filter(kind="charge").earliest("pk").reference)
    gateway.authorize(order, CODE)
    shop.later(minutes=40)
    is_charged_elsewhere(lambda: gateway.capture(order))
    assert shop.bookings(voucher) == [CHARGED]


# unreadable bookings


@pytest.mark.parametrize("fault", ["before:503", "before:404", "before:drop", "before:garbage"])
def test_while_the_bookings_cannot_be_read_nothing_is_reserved_or_charged(shop, order, voucher, fault):
    ship_and_put_back(order, 40, shop)
    shop.cloud.faults.next(fault, **BOOKINGS, times=None)
    shop.calls()
    with pytest.raises(VoucherGatewayError):
        gateway.capture(order)
    assert [method for method, _ in shop.calls() if method == "POST"] == []
    assert last_operation().state == "due"
    shop.cloud.faults.clear()
    shop.later(minutes=2)
    gateway.settle()
    assert (state(), shop.bookings(voucher)) == (("manual", "charged_elsewhere"), [CHARGED])


def test_a_smaller_amount_on_a_live_reservation_costs_no_read(shop, order):
    shop.calls()
    gateway.capture(order, "5.00")
    assert [path.rsplit("/", 1)[-1] for _, path in shop.calls()] == ["reservations", "charge"]


def test_a_charge_on_a_new_reservation_after_a_refusal_costs_one_read(shop, order):
    shop.cloud.reserve(CODE, "0.01")
    shop.calls()
    gateway.capture(order)
    called = [path.rsplit("/", 1)[-1] for _, path in shop.calls()]
    assert called == ["charge", "charges", "reservations", "charge"]
