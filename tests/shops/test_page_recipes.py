"""The recipes about pages: their settings are put in place as the page shows them."""

import re

import pytest
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import engines
from django.test import RequestFactory, override_settings
from django.urls import include, path

from tests.docs.pages import blocks
from tests.shops.recipes import PAGE, run

SHOWN = [block.text for block in blocks(PAGE) if block.language == "html"]
urlpatterns = [path("vouchers/", include("voucher_payment_gateway.checkout.urls"))]


def test_the_page_for_jinja2_is_rendered_by_its_settings(shop, settings, tmp_path):
    (page,) = [text for text in SHOWN if "voucher_payments(order)" in text]
    (tmp_path / "checkout.html").write_text(page)
    names = {}
    run("Jinja2", names, "TEMPLATES")
    first, *others = names["TEMPLATES"]
    settings.TEMPLATES = [{**first, "DIRS": [tmp_path], "APP_DIRS": False}, *others]
    request = RequestFactory().get("/checkout/")
    get_token(request)
    html = render(request, "checkout.html", {"order": shop.order()}).content.decode()
    assert "Still due" in html
    assert "checkout.css" in html
    assert "No gift voucher was used." in html
    assert "€50.00" in html


def test_an_environment_of_the_shop_s_own_takes_the_extension(db):
    import jinja2

    text = PAGE.read_text()
    (name,) = set(re.findall(r'add_extension\("([\w.]+)"\)', text))
    environment = jinja2.Environment(autoescape=True)
    environment.add_extension(name)
    assert (
        environment.from_string("{{ voucher_payments(None) }}{{ voucher_styles() }}")
        .render()
        .startswith("<link")
    )
    assert engines.all()


@pytest.mark.django6
def test_the_policy_of_the_recipe_allows_the_script_of_the_block(shop):
    from django.http import HttpResponse
    from django.middleware.csp import ContentSecurityPolicyMiddleware
    from django.template import RequestContext, Template

    names, order = {"MIDDLEWARE": []}, shop.order()
    run("A Content Security Policy with nonces", names, "SECURE_CSP")
    assert names["MIDDLEWARE"] == [
        f"{ContentSecurityPolicyMiddleware.__module__}.{ContentSecurityPolicyMiddleware.__name__}"
    ]

    def page(request):
        text = Template("{% load voucher_payments %}{% voucher_styles %}{% voucher_payments order %}")
        return HttpResponse(text.render(RequestContext(request, {"order": order})))

    with override_settings(SECURE_CSP=names["SECURE_CSP"]):
        response = ContentSecurityPolicyMiddleware(page)(RequestFactory().get("/checkout/"))
    (nonce,) = set(re.findall(r' nonce="([^"]+)"', response.content.decode()))
    assert f"'nonce-{nonce}'" in response["Content-Security-Policy"]
