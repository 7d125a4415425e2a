"""What ``SOLD_VOUCHERS`` may return: anything wrong is told with its field, and nothing is stored or sent."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal as D
from itertools import count

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from tests.shop import sold
from tests.shop.models import Invoice, Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.models import VoucherOperation, VoucherSale
from voucher_payment_gateway.orders import OrderFacts, SoldVoucher
from voucher_payment_gateway.sold import checked


class NoOffset(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, moment):
        return None


def voucher(**fields):
    return SoldVoucher(**{"key": "a", "amount": D("50.00"), **fields})


@pytest.fixture
def sells(shop, gateway_settings, monkeypatch):
    """Let every order sell what the call says."""
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    return lambda returned: monkeypatch.setattr(sold, "vouchers", lambda order: returned)


def refusal(shop, order, verb):
    """Return the error of the verb, after which nothing is stored or sent."""
    shop.calls()
    with pytest.raises(PaymentStateError) as refused:
        verb(order)
    assert (shop.calls(), refused.value.money_moved) == ([], "no")
    assert not VoucherSale.objects.exists()
    assert not VoucherOperation.objects.exists()
    assert str(refused.value).endswith("Nothing was sent.")
    return str(refused.value)


WRONG = {
    "no amount": ({"amount": None}, "amount of a sold voucher: give a Decimal or a string, not NoneType"),
    "zero": ({"amount": D(0)}, "amount of a sold voucher: must be from 0.01 to 99999.99"),
    "too much": ({"amount": D("100000.00")}, "amount of a sold voucher: must be from 0.01 to 99999.99"),
    "negative": ({"amount": D("-5.00")}, "amount of a sold voucher: must be from 0.01 to 99999.99"),
    "a float": ({"amount": 50.0}, "amount of a sold voucher: give a Decimal or a string, not float"),
    "three decimals": ({"amount": D("1.005")}, "amount of a sold voucher: must be a number with at most two"),
    "not a number": ({"amount": D("NaN")}, "amount of a sold voucher: must be a number"),
    "5,000 on one line": ({"quantity": 5000}, "quantity: must be a whole number from 1 to 500"),
    "none of it": ({"quantity": 0}, "quantity: must be a whole number"),
    "minus one": ({"quantity": -1}, "quantity: must be a whole number"),
    "one and a half": ({"quantity": 1.5}, "quantity: must be a whole number"),
    "true": ({"quantity": True}, "quantity: must be a whole number"),
    "no address": ({"recipient_email": "ada at home"}, "recipient_email: is not an e-mail address"),
    "a header in it": ({"recipient_email": "ada@example.org\nBcc: eve@example.org"}, "recipient_email: "),
    "a number for an address": ({"recipient_email": 5}, "recipient_email: must be a text"),
    "no text for an address": ({"recipient_email": None}, "recipient_email: must be a text"),
    "a long address": ({"recipient_email": f"{'a' * 60}@{'b.' * 120}example.org"}, "recipient_email: "),
    "a name in two lines": ({"recipient_name": "Ada\nLovelace"}, "recipient_name: must be a text"),
    "a long name": ({"recipient_name": "x" * 151}, "recipient_name: must be a text of at most 150"),
    "control characters": ({"message": "Hello\x00\x1b[31m"}, "message: must not contain control characters"),
    "half a character": ({"message": "\ud800"}, "message: must not contain control characters"),
    "10 kB": ({"message": "x" * 10_000}, "message: must have at most 1000 characters"),
    "no message": ({"message": None}, "message: must be a text"),
    "a naive instant": (
        {"deliver_at": datetime(2026, 12, 24)},  # noqa: DTZ001
        "deliver_at: must be an aware datetime",
    ),
    "a date": ({"deliver_at": date(2026, 12, 24)}, "deliver_at: must be an aware datetime"),
    "no offset": ({"deliver_at": datetime(2026, 12, 24, tzinfo=NoOffset())}, "deliver_at: must be an aware"),
    "text for an instant": ({"deliver_at": "2026-12-24"}, "deliver_at: must be an aware datetime"),
    "the last instant": (
        {"deliver_at": datetime.max.replace(tzinfo=UTC)},
        "deliver_at: must be an instant that every time zone can show",
    ),
    "minus a year": ({"validity_value": -1, "validity_interval": "years"}, "validity_value: must be a whole"),
    "7001 days": ({"validity_value": 7001, "validity_interval": "days"}, "validity_value: must be a whole"),
    "an interval alone": ({"validity_interval": "years"}, "validity_value: must be a whole number"),
    "a value alone": ({"validity_value": 3}, "validity_interval: must be one of days, weeks, months, years"),
    "a misspelt interval": ({"validity_value": 3, "validity_interval": "year"}, "validity_interval: must be"),
    "a number for an interval": ({"validity_value": 3, "validity_interval": 5}, "validity_interval: must be"),
    "taxable without a rate": ({"taxable": True}, "tax_rate: a single-purpose voucher needs the rate"),
    "perhaps taxable": ({"taxable": "yes"}, "taxable: must be true, false or None"),
    "a rate of 101": ({"taxable": True, "tax_rate": D(101)}, "tax_rate: must be a Decimal in percent"),
    "a float for a rate": ({"taxable": True, "tax_rate": 19.0}, "tax_rate: must be a Decimal in percent"),
    "an empty key": ({"key": ""}, "key: must be a text of printable characters"),
    "a blank key": ({"key": "  "}, "key: must be a text of printable characters"),
    "a number for a key": ({"key": 5}, "key: must be a text of printable characters"),
    "a key of 300 characters": ({"key": "k" * 300}, "key: must have at most 245 characters"),
    "a key in two lines": ({"key": "a\nb"}, "key: must be a text of printable characters"),
    "a long SKU": ({"sku": "s" * 256}, "sku: must be a text of at most 255"),
    "a long batch": ({"batch": "b" * 31}, "batch: must be a text of at most 30"),
    "no language": ({"language": None}, "language: must be a text of at most 15"),
}


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
@pytest.mark.parametrize(("fields", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_named(shop, sells, verb, fields, sentence):
    sells([voucher(key="first"), voucher(**fields)])
    assert refusal(shop, shop.order("100.00"), verb).startswith(sentence)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        ({"a": voucher()}, "SOLD_VOUCHERS: must return a list of SoldVoucher, not dict"),
        ("voucher", "SOLD_VOUCHERS: must return a list of SoldVoucher, not str"),
        (voucher(), "SOLD_VOUCHERS: must return a list of SoldVoucher, not SoldVoucher"),
        (5, "SOLD_VOUCHERS: must return a list of SoldVoucher, not int"),
        (True, "SOLD_VOUCHERS: must return a list of SoldVoucher, not bool"),
        ([D("50.00")], "SOLD_VOUCHERS: must return SoldVoucher, not Decimal"),
        ([None], "SOLD_VOUCHERS: must return SoldVoucher, not NoneType"),
        ([voucher(), {"key": "b", "amount": D("5.00")}], "SOLD_VOUCHERS: must return SoldVoucher, not dict"),
        ([voucher(), voucher()], "key: 'a' stands for two vouchers of the order"),
        ([voucher(quantity=2), voucher(key="a-2")], "key: 'a-2' stands for two vouchers of the order"),
        (
            [voucher(key=str(each)) for each in range(501)],
            "SOLD_VOUCHERS: an order sells at most 500 vouchers; for more use voucher_issue",
        ),
        (
            [voucher(quantity=300), voucher(key="b", quantity=300)],
            "SOLD_VOUCHERS: an order sells at most 500 vouchers; for more use voucher_issue",
        ),
        (
            (voucher(key=str(each)) for each in count()),
            "SOLD_VOUCHERS: an order sells at most 500 vouchers; for more use voucher_issue",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_a_wrong_answer_is_told(shop, sells, returned, sentence):
    sells(returned)
    assert refusal(shop, shop.order("100.00"), gateway.issue).startswith(sentence)


@pytest.mark.parametrize(
    "returned", [None, [], (), {}, "", iter(())], ids=["none", "list", "tuple", "dict", "text", "iterator"]
)
def test_nothing_sold_is_nothing_done(shop, sells, returned):
    sells(returned)
    order = shop.order("100.00")
    shop.calls()
    assert (gateway.issue(order), gateway.activate(order), shop.calls()) == ([], [], [])


@pytest.mark.parametrize("form", [list, tuple, iter, lambda each: (one for one in each), frozenset])
def test_any_iterable_will_do(shop, sells, form):
    sells(form([voucher(), voucher(key="b", amount="20.00", quantity=2)]))
    sales = gateway.issue(shop.order("100.00"))
    assert sorted((sale.key, sale.amount) for sale in sales) == [
        ("a", D("50.00")),
        ("b-1", D("20.00")),
        ("b-2", D("20.00")),
    ]


def test_a_generator_that_fails_passes_its_error_on(shop, sells):
    def failing():
        yield voucher()
        raise ValueError("the shop's own")

    sells(failing())
    with pytest.raises(ValueError, match="the shop's own"):
        gateway.issue(shop.order("100.00"))
    assert not VoucherSale.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "Alles Gute!\r\n\tDeine 👨‍👩‍👧‍👦 und نیم‌فاصله"},  # joiners are no control characters
        {"recipient_name": "علی‌رضا"},
        {"recipient_email": "ada@example.org", "message": "x" * 1000},
        {"amount": "0.01"},
        {"amount": D("99999.99")},
        {"taxable": True, "tax_rate": D("19")},
        {"taxable": False},
        {"validity_value": 3, "validity_interval": "years"},
        {"key": "k" * 245, "quantity": 2},
    ],
)
def test_what_is_right_is_sold(shop, sells, fields):
    sells([voucher(**fields)])
    sales = gateway.activate(shop.order("100.00"))
    assert {sale.status for sale in sales} == {"active"}
    if message := fields.get("message"):
        assert sales[0].message == message.replace("\r\n", "\n")


# the order


@pytest.mark.parametrize("verb", [gateway.issue, gateway.activate])
@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (None, "order: is None: give an order of shop.Order"),
        (5, "order: int has no 'number': give an order of shop.Order"),
        (Invoice(reference="R-1"), "order: Invoice is another model: give an order of shop.Order"),
        (Order(number="A-1", total=D("50.00")), "order: A-1 is not saved: save it before"),
        (Order(number="", total=D("50.00")), "order: it is not saved: save it before"),
    ],
)
def test_an_order_that_cannot_sell_is_told_before_the_shop_is_asked(
    shop, sells, monkeypatch, verb, order, sentence
):
    sells([voucher()])
    monkeypatch.setattr(sold, "vouchers", lambda order: pytest.fail("asked for an order that is none"))
    assert refusal(shop, order, verb).startswith(sentence)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": ""}, "number: the order has no number yet"),
        ({"number": "x" * 60}, "number: must have at most 50 printable characters"),
        ({"currency": "KWD"}, "currency: KWD has 3 decimals"),
        ({"currency": "eu"}, "currency: must be a currency code of three letters"),
        ({"total": D("-5.00")}, "total: must not be below zero"),
    ],
)
def test_an_order_with_wrong_facts_sells_nothing(shop, sells, fields, sentence):
    sells([voucher()])
    order = shop.order("100.00", **{"number": "A-1", **{k: v for k, v in fields.items() if k != "total"}})
    order.total = fields.get("total", order.total)
    assert refusal(shop, order, gateway.issue).startswith(sentence)


def test_an_order_with_wrong_facts_that_sells_nothing_is_left_alone(shop, sells):
    sells([])
    order = shop.order("100.00", number="", currency="KWD")
    assert (gateway.issue(order), gateway.activate(order), gateway.take_back(order)) == ([], [], [])


def test_an_amount_is_whole_in_a_currency_without_decimals(shop, sells):
    sells([voucher(amount=D("50.50"))])
    sentence = refusal(shop, shop.order("100.00", currency="JPY"), gateway.issue)
    assert sentence.startswith("amount of a sold voucher: must be a whole number")


def test_facts_stand_for_the_stored_order(shop, gateway_settings):
    gateway_settings(SOLD_VOUCHERS="tests.shop.sold.vouchers")
    shop.order("50.00", number="A-1", note="a=50.00")
    facts = OrderFacts("A-1", D("50.00"), "EUR")
    assert [sale.key for sale in gateway.activate(facts)] == ["a"]
    assert gateway.issue(OrderFacts("B-1", D("50.00"), "EUR")) == []


# when a code is delivered


@pytest.mark.parametrize("instant", [datetime(2001, 1, 1, tzinfo=UTC), None])
def test_a_delivery_in_the_past_is_made_at_once(shop, sells, instant):
    sells([voucher(recipient_email="ada@example.org", deliver_at=instant)])
    (sale,) = gateway.activate(shop.order("50.00"))
    assert (len(mail.outbox), sale.sealed_code, sale.pending) == (1, "", False)


def test_a_delivery_in_the_future_waits_for_its_day(shop, sells):
    sells([voucher(recipient_email="ada@example.org", deliver_at=timezone.now() + timedelta(days=3))])
    (sale,) = gateway.activate(shop.order("50.00"))
    gateway.settle()
    assert (mail.outbox, sale.status, sale.pending) == ([], "active", True)
    shop.later(days=3, minutes=1)
    gateway.settle()
    assert len(mail.outbox) == 1


def test_a_wrong_field_inside_a_transaction_leaves_it_as_it_is(shop, sells):
    sells([voucher(amount=D(0))])
    order = shop.order("100.00")
    with transaction.atomic():
        with pytest.raises(PaymentStateError):
            gateway.issue(order)
        Order.objects.update(note="kept")
    assert Order.objects.get().note == "kept"


@pytest.mark.parametrize("taxable", [0, 1, "yes"])
def test_whether_a_voucher_is_taxable_is_true_or_false(taxable):
    with pytest.raises(PaymentStateError, match="taxable"):
        checked(SoldVoucher("a", D("50.00"), taxable=taxable, tax_rate=D(19)), "EUR")
