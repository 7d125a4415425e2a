"""``{% voucher_sales order %}``: the vouchers that an order has sold, for the shop's page of the order."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template, engines
from django.utils import timezone, translation

from voucher_payment_gateway import gateway
from voucher_payment_gateway.delivery.links import page_path
from voucher_payment_gateway.models import VoucherSale
from voucher_payment_gateway.selling.sold_list import sold_lines

TAG = Template("{% load voucher_payments %}{% voucher_sales order %}")


def rendered(order):
    html = TAG.render(Context({"order": order}))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip(), html


def the_line(order):
    (line,) = sold_lines(order)
    return line.state, line.text


def test_a_voucher_waits_for_the_payment_then_is_sent(seller):
    seller.issue()
    assert the_line(seller.order) == ("unpaid", "Waiting for the payment of the order.")
    sale = seller.sell()
    text, html = rendered(seller.order)
    assert re.search(
        r"Gift voucher worth €50\.00 …\w{1,4} Sent to a…@example\.org on \d\d/\d\d/\d{4}\.", text
    )
    assert "ada@example.org" not in html
    assert seller.code(sale) not in html
    assert "href" not in html


def test_a_mail_that_is_planned_or_waits(seller, smtp):
    day = timezone.localtime(timezone.now() + timedelta(days=3))
    seller.sell(deliver_at=day)
    assert the_line(seller.order) == ("planned", f"Will be sent to a…@example.org on {day:%m/%d/%Y}.")
    smtp.behaviour = "refuse"
    seller.later(days=4)
    gateway.settle()
    assert the_line(seller.order) == ("sending", "About to be sent.")


def test_a_voucher_on_a_page_is_linked(seller, client):
    sale = seller.sell(recipient_email="")
    text, html = rendered(seller.order)
    assert "Ready: open it to see the code. Open the gift voucher" in text
    assert f'href="{page_path(sale)}"' in html
    client.post(f"{page_path(sale)}seen/")
    assert the_line(seller.order)[0] == "seen"


def test_a_voucher_that_the_shop_hands_over(seller):
    seller.settings(VOUCHER_DELIVERY="signal")
    sale = seller.sell()
    assert the_line(seller.order)[0] == "sending"
    VoucherSale.objects.filter(pk=sale.pk).update(delivered_at=timezone.now())
    assert the_line(seller.order)[0] == "handed_over"


def test_vouchers_that_ended(seller):
    seller.sell(recipient_email="")
    gateway.take_back(seller.order)
    (line,) = sold_lines(seller.order)
    assert (line.state, line.text, line.link) == ("ended", "No longer valid.", "")
    VoucherSale.objects.update(status="failed")
    assert the_line(seller.order) == ("failed", "Could not be issued. Please ask us.")


@pytest.mark.parametrize("recipient", ["", "ada@example.org"])
def test_a_voucher_that_expired_before_it_was_handed_over(seller, recipient):
    seller.sell(recipient_email=recipient, deliver_at=timezone.now() + timedelta(days=3))
    VoucherSale.objects.update(valid_until=datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC))
    (line,) = sold_lines(seller.order)
    assert (line.state, line.link) == ("expired", "")
    assert line.text == "Expired: it was valid until Dec. 31, 2020."


def test_a_voucher_that_was_sold_again_after_a_failure_is_one_line(seller):
    seller.issue()
    VoucherSale.objects.update(status="failed", end_reason="refused", due_at=None)
    seller.sell()
    assert VoucherSale.objects.count() == 2
    assert the_line(seller.order)[0] == "sent"


def test_a_voucher_that_is_being_activated(seller):
    seller.issue()
    VoucherSale.objects.update(target="active")
    assert the_line(seller.order) == ("preparing", "Being prepared.")


def test_the_list_is_german_for_a_german_visitor(seller):
    seller.sell()
    with translation.override("de"):
        assert "Gutschein über 50,00\xa0€" in TAG.render(Context({"order": seller.order}))
        assert the_line(seller.order)[1].startswith("Am ")


def test_the_function_for_jinja2_has_the_output_of_the_tag(seller, settings):
    extension = "voucher_payment_gateway.jinja2.VoucherPayments"
    backend = {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "OPTIONS": {"extensions": [extension]},
    }
    settings.TEMPLATES = [backend, *settings.TEMPLATES]
    seller.sell(recipient_email="")
    function = engines["jinja2"].from_string("{{ voucher_sales(order) }}")
    assert function.render({"order": seller.order}) == rendered(seller.order)[1]
    assert function.render({"order": None}) == function.render({}) == ""


@pytest.mark.parametrize("order", [None, ""])
def test_nothing_is_rendered_without_an_order(db, order):
    assert TAG.render(Context({"order": order})) == ""


def test_nothing_is_rendered_for_an_order_that_sold_none(shop):
    assert TAG.render(Context({"order": shop.order("50.00")})) == ""


def test_the_list_costs_one_query(seller, django_assert_num_queries):
    seller.sell()
    with django_assert_num_queries(1):
        sold_lines(seller.order)
