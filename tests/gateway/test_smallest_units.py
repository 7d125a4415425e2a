"""Amounts are whole in a currency without decimals; a currency with three decimals is refused."""

from decimal import Decimal as D

import pytest

from voucher_payment_gateway import gateway
from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import AmountError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.orders import OrderFacts, order_facts
from voucher_payment_gateway.rules.tax import TaxShare

FIRST, SECOND = "GIFT-1000-ABCD", "GIFT-2000-WXYZ"


@pytest.fixture
def vouchers(shop):
    """Vouchers of 1000 and 2000 yen."""
    return shop.voucher("1000.00", FIRST, currency="JPY"), shop.voucher("2000.00", SECOND, currency="JPY")


@pytest.fixture
def order(shop, vouchers):
    """An order of 3000 yen that both vouchers hold."""
    order = shop.order("3000", currency="JPY")
    gateway.authorize(order, FIRST)
    gateway.authorize(order, SECOND)
    return order


def refunds(shop, vouchers):
    return [[amount for kind, amount in shop.bookings(v) if kind == "refund"] for v in vouchers]


def refused(code, verb, *arguments, **options):
    with pytest.raises(AmountError, match="Nothing was sent") as caught:
        verb(*arguments, **options)
    return caught.value.code == code


def record_reservations(monkeypatch):
    """Return a list that fills with the amounts of all reservations requested from now on, granted or not."""
    client, amounts = voucher_cloud(), []
    reserve = client.reserve

    def recorded(**fields):
        amounts.append(fields["amount"])
        return reserve(**fields)

    monkeypatch.setattr(client, "reserve", recorded)
    return amounts


def test_a_pro_rata_refund_is_shared_in_whole_yen(shop, order, vouchers, gateway_settings):
    gateway_settings(REFUND_ORDER="pro-rata")
    gateway.capture(order)
    gateway.refund(order, 100)
    assert refunds(shop, vouchers) == [[D("33")], [D("67")]]
    gateway.refund(order, "2900.00")
    assert refunds(shop, vouchers) == [[D("33"), D("967")], [D("67"), D("1933")]]


def test_amounts_refunded_in_parts_of_a_yen_before_are_shared_to_the_cent(
    shop, order, vouchers, gateway_settings
):
    gateway_settings(REFUND_ORDER="pro-rata")
    gateway.capture(order)
    for payment, amount in zip(order.voucher_payments, ("33.33", "66.67"), strict=True):
        [charge] = payment.operations.filter(kind="charge")
        VoucherOperation.objects.filter(pk=charge.pk).update(amount=amount)
        VoucherPayment.objects.filter(pk=payment.pk).update(amount_captured=amount)
    gateway.refund(order, 100)
    assert refunds(shop, vouchers) == [[D("33.33")], [D("66.67")]]


@pytest.mark.parametrize("amount", ["0.50", "999.99", D("0.01")])
@pytest.mark.parametrize("given", ["order", "payment"])
def test_a_part_of_a_yen_is_neither_charged_nor_refunded(shop, order, vouchers, amount, given):
    target = order if given == "order" else order.voucher_payments.first()
    shop.calls()
    assert refused("amount_malformed", gateway.capture, target, amount)
    gateway.capture(order)
    shop.calls()
    assert refused("amount_malformed", gateway.refund, target, amount)
    assert (shop.calls(), refunds(shop, vouchers)) == ([], [[], []])


def test_a_part_of_a_yen_is_not_reserved(shop, vouchers):
    order = shop.order("3000", currency="JPY")
    assert refused("amount_malformed", gateway.authorize, order, FIRST, amount="0.50")
    assert (shop.calls(), order.voucher_payments.count()) == ([], 0)


@pytest.mark.parametrize("lowers", [False, True])
def test_a_voucher_below_the_total_is_probed_with_one_yen(
    shop, vouchers, gateway_settings, monkeypatch, lowers
):
    shop.cloud.behaviour = shop.cloud.behaviour.but(open_reservation_lowers_balance=lowers)
    gateway_settings(API_BEHAVIOUR={"open_reservation_lowers_balance": lowers})
    asked = record_reservations(monkeypatch)
    payment = gateway.authorize(shop.order("5000", currency="JPY"), FIRST)
    assert payment.amount_authorized == D("1000")
    assert asked == [5000, 1, 1000]


@pytest.mark.parametrize(("balance", "held"), [("150.50", "150"), ("1.99", "1"), ("1.00", "1")])
def test_only_whole_yen_of_a_balance_are_held(shop, balance, held):
    voucher = shop.voucher(balance, FIRST, currency="JPY")
    order = shop.order("5000", currency="JPY")
    assert gateway.authorize(order, FIRST).amount_authorized == D(held)
    gateway.capture(order)
    assert shop.bookings(voucher) == [("charge", D(held))]
    assert order.voucher_due == 5000 - D(held)


@pytest.mark.parametrize("verb", ["authorize", "authorize_selected"])
def test_more_than_the_api_can_say_is_held_in_whole_yen(shop, verb):
    shop.voucher("99999.99", FIRST, currency="JPY")
    order = shop.order("250000", currency="JPY")
    if verb == "authorize":
        gateway.authorize(order, FIRST)
    else:
        gateway.select(order, FIRST)
        gateway.authorize_selected(order)
    assert order.voucher_payments.get().amount_authorized == D("99999")


@pytest.mark.parametrize("make", ["order", "facts"])
def test_a_total_with_a_part_of_a_yen_is_refused(shop, vouchers, make):
    order = shop.order("12.50", currency="JPY")
    given = order if make == "order" else OrderFacts("A-1", D("12.50"), "JPY")
    for verb in (gateway.select, gateway.authorize):
        assert refused("amount_malformed", verb, given, FIRST)
    assert shop.calls() == []
    gateway.select(OrderFacts(given.number, D("12"), "JPY"), FIRST)
    assert refused("amount_malformed", gateway.cover, given)


@pytest.mark.parametrize("total", ["10.00", "12.345"])
@pytest.mark.parametrize("currency", ["KWD", "BHD", "TND", "JOD", "CLF"])
def test_a_currency_with_three_decimals_is_refused(shop, currency, total):
    """Also where the total uses the third decimal: the text names the currency, not the total."""
    order = shop.order("10.00", currency=currency)
    order.total = D(total)
    with pytest.raises(
        AmountError, match=rf"^currency: {currency} has \d decimals, .* only 2\. Nothing"
    ) as it:
        gateway.authorize(order, FIRST)
    assert it.value.code == "currency_unsupported"
    assert refused("currency_unsupported", order_facts, OrderFacts("A-1", D("10.00"), currency))
    assert shop.calls() == []


def test_what_was_captured_in_such_a_currency_before_can_go_back(shop):
    shop.voucher("10.00", FIRST)
    order = shop.order("10.00")
    gateway.authorize(order, FIRST)
    gateway.capture(order)
    voucher = shop.voucher("10.00", SECOND, currency="KWD")
    charges = VoucherOperation.objects.filter(kind="charge")
    charge = shop.cloud.charge(shop.cloud.reserve(SECOND, "10.00"), charges.get().reference)
    VoucherPayment.objects.update(currency="KWD", voucher_id=voucher.id)
    charges.update(currency="KWD", voucher_id=voucher.id, remote_id=charge.id)
    order.currency = "KWD"
    order.save()
    gateway.refund(order, "4.50")
    gateway.refund(order)
    assert shop.bookings(voucher)[1:] == [("refund", D("4.50")), ("refund", D("5.50"))]


def test_messages_and_rows_name_whole_yen(shop, order, vouchers):
    with pytest.raises(AmountError, match="less than 3001 is held"):
        gateway.capture(order, 3001)
    gateway.capture(order)
    assert str(VoucherOperation.objects.filter(kind="charge").first()).endswith("charge 1000 JPY (succeeded)")
    with pytest.raises(AmountError, match="only 3000 of order"):
        gateway.refund(order, 3001)
    with pytest.raises(AmountError, match="only 5000 JPY are due"):
        gateway.authorize(shop.order("5000", "A-2", currency="JPY"), FIRST, amount=5001)


def test_vat_is_told_in_whole_yen(shop):
    shop.voucher("1000.00", FIRST, currency="JPY", taxable=True, tax_rate="10")
    order = shop.order("1000", currency="JPY")
    gateway.authorize(order, FIRST)
    gateway.capture(order)
    gateway.refund(order, 333)
    [memo] = order.voucher_tax_memos
    assert memo.captured == TaxShare(D("1000"), D("909"), D("91"))
    assert memo.kept == TaxShare(D("667"), D("606"), D("61"))
    assert (
        memo.of_refund(D("333"), refunded_before=D("0"))
        == memo.refunded
        == TaxShare(D("333"), D("303"), D("30"))
    )
