"""Gift vouchers sold through Oscar's own views: one for each line, valid once the order is paid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.core import mail
from oscar.core.loading import get_class, get_model

from tests.hosts.oscar.gift_vouchers import buy, day_in, gift_voucher, pay, sales, vouchers_of
from voucher_payment_gateway import gateway
from voucher_payment_gateway.hosts.oscar import selling
from voucher_payment_gateway.hosts.oscar.selling_price import own_amount
from voucher_payment_gateway.orders import OrderFacts


def test_a_placed_order_issues_its_gift_voucher_and_the_payment_makes_it_valid(oscar_shop):
    product = gift_voucher("25.00")

    order = buy(oscar_shop, product, email="ada@example.org", name="Ada", message="Happy birthday")

    (sale,) = sales(order)
    assert (sale.status, sale.amount, sale.currency) == ("issued", Decimal("25.00"), "EUR")
    assert (sale.recipient_email, sale.recipient_name, sale.message) == (
        "ada@example.org",
        "Ada",
        "Happy birthday",
    )
    pay(order)
    (sale,) = sales(order)
    assert sale.status == "active"
    sent = [each for each in mail.outbox if each.to == ["ada@example.org"]]
    assert [voucher.code in sent[0].body for voucher in vouchers_of(oscar_shop)] == [True]


def test_an_order_that_is_paid_in_part_activates_nothing(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), oscar_shop.product("30.00"))

    pay(order, "54.99")

    assert [sale.status for sale in sales(order)] == ["issued"]


def test_what_only_reserves_is_no_payment(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"))

    pay(order, "0.00", allocated="25.00")

    assert [sale.status for sale in sales(order)] == ["issued"]


def test_a_payment_event_that_comes_twice_makes_one_voucher(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"))

    source = pay(order)
    source.save()
    gateway.activate(order)

    assert [sale.status for sale in sales(order)] == ["active"]
    assert len(vouchers_of(oscar_shop)) == 1


def test_the_buyer_gets_the_code_where_no_recipient_was_named(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), visitor=oscar_shop.visitor(email="mara@example.com"))

    assert [sale.recipient_email for sale in sales(order)] == ["mara@example.com"]


def test_it_is_sent_on_the_chosen_day(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), email="ada@example.org", day=day_in(3))

    pay(order)

    (sale,) = sales(order)
    tomorrow_or_later = datetime.now(UTC) + timedelta(days=1)
    assert sale.status == "active"
    assert sale.delivered_at is None
    assert sale.deliver_at > tomorrow_or_later
    assert (sale.deliver_at.hour, sale.deliver_at.minute) == (8, 0)


def test_a_line_of_three_sells_three(oscar_shop):
    visitor = oscar_shop.visitor()
    visitor.buy(gift_voucher("25.00"), quantity=3).to_preview().place()
    order = oscar_shop.orders.get()

    pay(order)

    line = order.lines.get()
    assert [sale.key for sale in sales(order)] == [f"{line.pk}-{n}" for n in (1, 2, 3)]


def test_a_gift_voucher_costs_the_amount_that_its_buyer_has_entered(oscar_shop):
    product = gift_voucher("25.00", own_amount=True)

    order = buy(oscar_shop, product, amount="42.50")

    assert order.total_incl_tax == Decimal("42.50")
    assert [sale.amount for sale in sales(order)] == [Decimal("42.50")]


def test_the_basket_does_not_say_that_the_price_has_changed(oscar_shop):
    visitor = oscar_shop.visitor()
    product = gift_voucher("25.00", own_amount=True)
    visitor.client.post(f"/basket/add/{product.pk}/", {"quantity": 1, "gift-voucher-amount": "42.50"})

    page = visitor.client.get("/basket/").content.decode()

    assert "42.50" in page
    assert "has increased" not in page
    assert "has decreased" not in page


BAD_AMOUNTS = ["4.99", "250.01", "-20", "12.345", "NaN", "x"]


def test_wrong_input_is_told_at_its_field_and_nothing_is_put_into_the_basket(oscar_shop):
    visitor = oscar_shop.visitor()
    product = gift_voucher("25.00", own_amount=True)
    wrong = [("amount", amount) for amount in BAD_AMOUNTS]

    for name, value in [
        *wrong,
        ("email", "ada"),
        ("day", day_in(-1)),
        ("day", day_in(400)),
        ("message", "x" * 1001),
    ]:
        visitor.client.post(f"/basket/add/{product.pk}/", {"quantity": 1, f"gift-voucher-{name}": value})
        assert get_model("basket", "Line").objects.count() == 0, (name, value)


def test_a_wrong_amount_that_came_into_the_basket_by_another_way_is_none(oscar_shop):
    """Oscar's own form has no bounds: the line costs what its stock record says, and is worth that."""
    product = gift_voucher("25.00", own_amount=True)
    visitor = oscar_shop.visitor().buy(product)
    line = get_model("basket", "Line").objects.get()
    attribute = line.attributes.create(option=product.options.get(code=selling.AMOUNT), value="")
    for value in [*BAD_AMOUNTS, "", [], {"a": 1}, True]:
        attribute.value = value
        attribute.save()
        assert own_amount(get_model("basket", "Line").objects.get()) is None, value

    attribute.value = "-20"
    attribute.save()
    assert get_model("basket", "Line").objects.get().price_incl_tax == 25
    visitor.to_preview().place()

    order = oscar_shop.orders.get()
    assert order.total_incl_tax == Decimal("25.00")
    assert [sale.amount for sale in sales(order)] == [Decimal("25.00")]


def test_a_product_may_be_worth_more_than_it_costs(oscar_shop):
    product = gift_voucher("45.00", worth="50.00")

    order = buy(oscar_shop, product)

    assert order.total_incl_tax == Decimal("45.00")
    assert [sale.amount for sale in sales(order)] == [Decimal("50.00")]


def test_a_deleted_product_keeps_its_gift_voucher(oscar_shop):
    product = gift_voucher("25.00")
    order = buy(oscar_shop, product, email="ada@example.org")
    product.delete()

    pay(order)

    assert [sale.status for sale in sales(order)] == ["active"]


def test_an_order_without_gift_vouchers_sells_none(oscar_shop):
    oscar_shop.visitor().buy(oscar_shop.product("30.00")).to_preview().place()
    order = oscar_shop.orders.get()

    pay(order)

    assert sales(order) == []
    assert vouchers_of(oscar_shop) == []


def test_an_error_of_a_sale_does_not_reach_the_checkout(oscar_shop, gateway_settings, caplog):
    gateway_settings(SEALING_KEYS=[])

    order = buy(oscar_shop, gift_voucher("25.00"))

    assert sales(order) == []
    assert "SEALING_KEYS" in caplog.text


# no voucher pays for a voucher


def test_a_basket_says_what_no_gift_voucher_may_pay(oscar_shop, rf):
    visitor = oscar_shop.visitor().buy(gift_voucher("25.00"), quantity=2).buy(oscar_shop.product("30.00"))
    basket = get_model("basket", "Basket").objects.get()
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()

    worth = selling.worth_of(basket)

    assert worth == Decimal("50.00")
    assert OrderFacts("1", Decimal("80.00"), "EUR", sold=worth).payable == Decimal("30.00")
    assert visitor.client.get("/basket/").status_code == 200


def test_no_gift_voucher_pays_for_a_gift_voucher(oscar_shop):
    order = buy(oscar_shop, gift_voucher("25.00"), oscar_shop.product("30.00"))
    oscar_shop.cloud.add_voucher(code="GIFT-9900-ABCD", amount="99.00")

    payment = gateway.authorize(order, "GIFT-9900-ABCD")

    assert payment.amount_authorized == Decimal("30.00")


def test_the_checkout_lets_no_gift_voucher_pay_for_a_gift_voucher(oscar_shop):
    visitor = oscar_shop.visitor().buy(gift_voucher("25.00"), oscar_shop.product("30.00")).to_preview()
    oscar_shop.voucher("99.00", "GIFT-9900-ABCD")
    visitor.enter("GIFT-9900-ABCD")

    response = visitor.place(card="visa")

    assert response.status_code == 302
    order = oscar_shop.orders.get()
    shares = {source.source_type.name: source.amount_allocated for source in order.sources.all()}
    assert shares == {"Card": Decimal("25.00"), "Gift voucher": Decimal("30.00")}
    assert [sale.status for sale in sales(order)] == ["issued"]

    order.sources.get(source_type__name="Card").debit()

    assert [sale.status for sale in sales(order)] == ["active"]
