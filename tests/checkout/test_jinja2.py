"""The functions and filters for Jinja2 have the output of the tags."""

import re

import pytest
from django.middleware.csrf import get_token
from django.template import engines
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from voucher_payment_gateway import gateway

BACKEND = {
    "BACKEND": "django.template.backends.jinja2.Jinja2",
    "NAME": "jinja2",
    "OPTIONS": {"extensions": ["voucher_payment_gateway.jinja2.VoucherPayments"]},
}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w{64}"')
"""Masked differently on each page."""


@pytest.fixture
def render(settings):
    """Render a text with one of the two engines."""
    settings.TEMPLATES = [BACKEND, *settings.TEMPLATES]

    def write(engine, text, **context):
        request = RequestFactory().get("/checkout/?step=2")
        request.csp_nonce = "n0nce"
        get_token(request)
        return TOKEN.sub("token", engines[engine].from_string(text).render(context, request))

    return write


@pytest.mark.parametrize(
    ("tag", "function"),
    [
        ("{% voucher_payments order %}", "{{ voucher_payments(order) }}"),
        ("{% voucher_payments order next='/pay/' %}", "{{ voucher_payments(order, next='/pay/') }}"),
        ("{% voucher_story order %}", "{{ voucher_story(order) }}"),
        ("{% voucher_styles %}", "{{ voucher_styles() }}"),
        (
            "{{ order.voucher_due|voucher_amount:order.currency }}",
            "{{ order.voucher_due|voucher_amount(order.currency) }}",
        ),
        ("{{ until|voucher_time }}", "{{ until|voucher_time }}"),
    ],
)
def test_a_function_has_the_output_of_the_tag(shop, render, tag, function):
    order = shop.order("50.00")
    shop.voucher("20.00", code="GIFT-2000")
    until = gateway.authorize(order, "GIFT-2000").reserved_until
    shown = render("jinja2", function, order=order, until=until)
    assert shown == render("django", "{% load voucher_payments %}" + tag, order=order, until=until)
    assert shown


@pytest.mark.parametrize("order", ["None", "unknown", "basket.order", "lazy", "''"])
def test_nothing_is_rendered_where_the_page_has_no_order(db, render, order):
    text = f"{{{{ voucher_payments({order}) }}}}{{{{ voucher_story({order}) }}}}"
    text += f"{{{{ {order}|voucher_amount('EUR') }}}}{{{{ {order}|voucher_time }}}}"
    assert render("jinja2", text, basket={}, lazy=SimpleLazyObject(lambda: None)) == ""


def test_the_page_needs_no_request(shop, settings):
    settings.TEMPLATES = [BACKEND, *settings.TEMPLATES]
    html = engines["jinja2"].from_string("{{ voucher_payments(order) }}").render({"order": shop.order()})
    assert "Still due" in html
