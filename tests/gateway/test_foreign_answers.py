"""Well-formed answers about another order, and order numbers that are returned in another form."""

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OutcomeUnknownError, PaymentStateError, UnavailableError
from voucher_payment_gateway.gateway.holds import reserve
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox.fields import Fields

CODE, OTHER = "GIFT-4000-ABCD", "GIFT-8000-WXYZ"


@pytest.fixture
def voucher(shop):
    return shop.voucher("80.00", code=CODE)


@pytest.fixture
def order(shop, voucher):
    return shop.order("20.00")


def charge():
    return VoucherOperation.objects.filter(kind="charge").latest("pk")


def settle_for(shop, minutes, *, every=1):
    for _ in range(0, minutes, every):
        shop.later(minutes=every)
        gateway.settle()


@pytest.fixture
def mix_up(shop, monkeypatch):
    """When called, reservations are answered with those of another checkout: same amount, another voucher."""
    other = shop.voucher("80.00", code=OTHER)
    real = reserve.voucher_cloud

    class Mixed:
        def __init__(self, account):
            assert account == ""

        def reserve(self, **given):
            return real().reserve(**given | {"code": OTHER})

        def __getattr__(self, name):
            return getattr(real(), name)

    yield lambda: monkeypatch.setattr(reserve, "voucher_cloud", Mixed)
    assert shop.bookings(other) == []


def test_a_reservation_of_another_voucher_is_no_fence(shop, order, voucher, mix_up, monkeypatch):
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("late:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    mix_up()
    settle_for(shop, 3)
    assert charge().fence_at is None
    assert VoucherPayment.objects.get().voucher_id == voucher.id
    monkeypatch.undo()
    shop.cloud.faults.land_late()
    settle_for(shop, 10)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]


def test_another_voucher_is_not_charged_in_place_of_a_lapsed_one(shop, order, voucher, mix_up):
    gateway.authorize(order, CODE)
    shop.later(minutes=40)
    mix_up()
    with pytest.raises(UnavailableError):
        gateway.capture(order)
    assert VoucherPayment.objects.get().voucher_id == voucher.id


@pytest.fixture
def changes_numbers(monkeypatch):
    """When called, the Voucher Cloud stores order numbers trimmed, in capitals, and cut to this length."""
    as_sent = Fields.text

    def let(length):
        def text(self, name, **limits):
            given = as_sent(self, name, **limits)
            return given.strip().upper()[:length] if name == "order_number" else given

        monkeypatch.setattr(Fields, "text", text)

    return let


@pytest.mark.parametrize("length", [None, 20, 12])
@pytest.mark.parametrize("answer_is_lost", [False, True])
def test_a_number_that_comes_back_otherwise_is_charged_once(
    shop, voucher, changes_numbers, length, answer_is_lost
):
    """The charge is found, or needs review where its number was cut off, but it is never retried."""
    changes_numbers(length)
    order = shop.order("20.00", "a-1001-of-the-year-2026")
    gateway.authorize(order, CODE)
    is_found = length is None or (length > 16 and not answer_is_lost)
    if answer_is_lost:
        shop.cloud.faults.next("after:drop", method="POST", path="*/charge")
    with nullcontext() if is_found and not answer_is_lost else pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    settle_for(shop, 60, every=6)
    assert shop.bookings(voucher) == [("charge", D("20.00"))]
    assert charge().state == ("succeeded" if is_found else "manual")
    if is_found:
        gateway.refund(order)
        assert shop.bookings(voucher) == [("charge", D("20.00")), ("refund", D("20.00"))]


@pytest.mark.parametrize("number", [" A-1", "A-1 "])
def test_an_order_number_with_outer_blanks_is_refused(shop, voucher, number):
    order = shop.order("20.00", number)
    with pytest.raises(PaymentStateError, match="outer blank") as caught:
        gateway.authorize(order, CODE)
    assert (caught.value.code, shop.calls()) == ("order_number_malformed", [])


def test_a_reservation_that_is_said_never_to_end_keeps_no_operation_open(shop, order, voucher, monkeypatch):
    never = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    as_hold = reserve._as_hold

    def never_ending(answer, account):
        return as_hold(answer.model_copy(update={"valid_until": never}), account)

    monkeypatch.setattr(reserve, "_as_hold", never_ending)
    gateway.authorize(order, CODE)
    VoucherPayment.objects.update(sealed_code="")
    shop.cloud.faults.next("before:drop", method="POST", path="*/charge")
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    settle_for(shop, 30 * 60, every=5 * 60)
    assert (charge().state, shop.bookings(voucher)) == ("refused", [])


def test_a_charge_that_is_answered_with_an_empty_number_is_for_a_person(
    shop, order, voucher, changes_numbers
):
    changes_numbers(0)
    gateway.authorize(order, CODE)
    with pytest.raises(OutcomeUnknownError):
        gateway.capture(order)
    settle_for(shop, 60, every=6)
    assert (charge().state, shop.bookings(voucher)) == ("manual", [("charge", D("20.00"))])
