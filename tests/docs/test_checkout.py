"""The page about the checkout names all that exists, and nothing else."""

import re
from typing import get_args

from django.template import engines
from django.urls import URLPattern

from tests.docs.pages import ROOT, first_words, page, rows, section, words
from voucher_payment_gateway import checkout
from voucher_payment_gateway.checkout import schema, urls
from voucher_payment_gateway.checkout.problems import PROBLEMS
from voucher_payment_gateway.customer import urls as customer_urls
from voucher_payment_gateway.selling import urls as selling_urls

PACKAGE = ROOT / "voucher_payment_gateway"
TEMPLATES = PACKAGE / "templates"


def documented(title):
    return section(page("reference/checkout.md"), title)


def test_every_tag_and_filter_is_told_and_no_other_is():
    register = engines["django"].engine.template_libraries["voucher_payments"]
    named = {
        word.split()[0].rpartition("|")[2].partition(":")[0]
        for word in first_words(documented("Tags and filters"))
    }
    assert named == {*register.tags, *register.filters}


def test_every_function_is_told_and_no_other_is():
    assert {word.partition("(")[0] for word in first_words(documented("Functions"))} == set(checkout.__all__)


def test_every_endpoint_is_told_with_its_method_and_no_other_is():
    methods = {cells[0].strip("`"): cells[1] for cells in rows(documented("Endpoints")) if len(cells) == 4}
    endpoints = [pattern for pattern in urls.urlpatterns if isinstance(pattern, URLPattern)]
    assert set(methods) == {pattern.name for pattern in endpoints}
    for pattern in endpoints:
        source = re.search(
            rf'@endpoint\("(\w+)"\)(?:\n@\w.*)?\ndef {pattern.name}\(',
            (PACKAGE / "checkout/views.py").read_text(),
        )
        assert methods[pattern.name] == source[1]


def test_every_page_of_a_sold_voucher_is_told_and_no_other_is():
    methods = {cells[0].strip("`"): cells[1] for cells in rows(documented("Pages of sold vouchers"))}
    assert list(methods) == [pattern.name for pattern in selling_urls.urlpatterns]
    assert [name for name, method in methods.items() if method == "POST"] == ["sold_seen"]


def test_every_page_of_a_customer_is_told_with_its_method_and_no_other_is():
    methods = {cells[0].strip("`"): cells[1] for cells in rows(documented("Customer's own pages"))}
    source = (PACKAGE / "customer/views.py").read_text()
    assert list(methods) == [pattern.name for pattern in customer_urls.urlpatterns]
    for name, method in methods.items():
        assert re.search(rf'@endpoint\("{method}"\)(?:\n@\w.*)?\ndef {name}\(', source)


def test_every_field_of_the_document_is_told_and_no_other_is():
    def names(model, prefix):
        return {f"{prefix}{name}" for name in model.model_fields}

    fields = names(schema.CheckoutDocument, "") | names(schema.OrderDocument, "order.")
    fields |= names(schema.VoucherDocument, "order.vouchers[].") | names(schema.ErrorDocument, "error.")
    named = {word for cells in rows(documented("Document")) for word in words(cells[0])}
    named |= {
        word
        for cells in rows(documented("Document"))
        for word in words(cells[1])
        if word.startswith("error.")
    }
    assert named | {"order.vouchers"} == fields


def test_every_state_of_a_voucher_is_told_and_no_other_is():
    assert first_words(documented("States of a gift voucher")) == list(get_args(schema.State))


def test_every_error_code_is_told_with_its_status_and_no_other_is():
    named = {cells[0].strip("`"): int(cells[1]) for cells in rows(documented("Error codes"))}
    assert named == {problem.code: problem.status for problem in PROBLEMS.values()}


def test_every_template_is_told_and_no_other_is():
    there = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    assert set(first_words(documented("Templates"))) == there


def test_every_attribute_that_the_script_reads_is_told_and_no_other_is():
    script = (PACKAGE / "static/voucher_payment_gateway/checkout.js").read_text()
    read = set(re.findall(r"data-vpg(?:-[a-z]+)?", script)) - {"data-vpg-busy"}
    assert {word for cells in rows(documented("Script")) for word in words(cells[0])} == read
    assert "voucher-payments:change" in script
