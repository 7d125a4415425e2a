"""What an order sells, is credited or gets in place of a refund is of its merchant, in every call."""

from decimal import Decimal as D

import pytest

from tests.accounts.conftest import CODE, bookings, calls
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import CredentialsError, UnavailableError, WrongStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.orders import SoldVoucher


def sold(order):
    return [SoldVoucher("a", D("30.00"))]


@pytest.fixture
def seller(market):
    market.change(SOLD_VOUCHERS="tests.accounts.test_sales.sold")
    return market


def both(market):
    return {"N": market.north, "S": market.south}


def look_again():
    for model in (VoucherOperation, VoucherSale):
        model.objects.exclude(due_at=None).update(due_at="2020-01-01T00:00:00Z")
    gateway.settle()


@pytest.mark.parametrize("letter", ["N", "S"])
def test_a_sale_lives_and_ends_at_its_merchant_alone(seller, letter):
    own, other = both(seller)[letter], both(seller)["S" if letter == "N" else "N"]
    order = seller.order(f"{letter}-1")
    calls(other)
    (sale,) = gateway.activate(order)
    assert sale.account == {"N": "north", "S": "south"}[letter]
    gateway.top_up(sale, "5.00", key="k")
    assert own.balance(sale.voucher_id) == D("35.00")
    assert own.voucher(sale.voucher_id).status == "active"
    seller.later(minutes=16)  # no copy of the activation can arrive any more
    assert seller.reconcile() == []
    with pytest.raises(UnavailableError, match="can be charged any more"):
        gateway.take_back(sale)
    seller.later(minutes=37)
    gateway.settle()
    sale.refresh_from_db()
    assert (sale.status, own.voucher(sale.voucher_id).status) == ("taken_back", "inactive")
    assert calls(other) == []


def test_settle_goes_on_at_the_merchant_of_the_sale(seller):
    seller.south.faults.next("before:503", path="/v1/vouchers", times=4)
    order = seller.order("S-1")
    with pytest.raises(Exception, match="cannot be reached"):
        gateway.activate(order)
    seller.south.faults.clear()
    look_again()
    sale = VoucherSale.objects.get()
    assert (sale.status, sale.account, seller.south.voucher(sale.voucher_id).status) == (
        "active",
        "south",
        "active",
    )
    assert calls(seller.north) == []


def test_a_code_is_topped_up_at_the_merchant_that_is_named(market):
    north, south = market.vouchers("20.00", "50.00")
    operation = gateway.top_up(CODE, "5.00", key="k", account="south", currency="EUR")
    assert (operation.sale.account, operation.sale.voucher_id) == ("south", south.id)
    assert (market.north.balance(north.id), market.south.balance(south.id)) == (D("20.00"), D("55.00"))
    assert calls(market.north) == []
    with pytest.raises(CredentialsError):  # there is no default account
        gateway.top_up(CODE, "5.00", key="k", currency="EUR")


def test_a_known_code_of_one_merchant_is_not_that_of_the_other(market):
    north, south = market.vouchers("20.00", "50.00")
    gateway.authorize(market.order("S-1"), CODE)
    calls(market.south)
    gateway.top_up(CODE, "5.00", key="k", account="north", currency="EUR")
    assert (market.north.balance(north.id), market.south.balance(south.id)) == (D("25.00"), D("50.00"))
    assert calls(market.south) == []


def test_store_credit_is_given_by_the_merchant_of_the_order(seller):
    sale = gateway.credit(seller.order("S-1"), "5.00", key="k")
    assert (sale.account, seller.south.balance(sale.voucher_id)) == ("south", D("5.00"))
    with pytest.raises(WrongStateError, match="of another account"):
        gateway.credit(seller.order("N-1"), "5.00", key="k", sale=sale)
    assert calls(seller.north) == []


@pytest.mark.parametrize("rungs", [["recharge"], ["new_voucher"]])
def test_what_stands_in_place_of_a_refund_is_of_the_merchant_of_the_payment(market, rungs):
    market.change(REFUND_FALLBACK=rungs)
    _, south = market.vouchers()
    order = market.held("S-1", "20.00")
    gateway.capture(order)
    market.south.faults.next("before:422", method="POST", path="*/refund")
    (payment,) = gateway.refund(order)
    assert payment.status == "refunded"
    if rungs == ["recharge"]:
        assert bookings(market.south, south)[1:] == [("recharge", "20.00")]
    else:
        sale = VoucherSale.objects.get()
        assert (sale.account, market.south.balance(sale.voucher_id)) == ("south", D("20.00"))
    assert calls(market.north) == []


def test_a_voucher_that_is_gone_is_a_difference_of_its_merchant(seller):
    sales = [gateway.activate(seller.order(number))[0] for number in ("N-1", "S-1")]
    seller.later(minutes=5)
    seller.south.store.state.vouchers[sales[1].voucher_id].deleted = True
    (row,) = seller.reconcile()
    assert (row.kind, row.account, row.sale_id) == ("voucher_gone", "south", sales[1].pk)
    assert seller.reconcile(account="north") == []
