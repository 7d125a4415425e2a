"""9: in no language is a gift voucher called like one of Oscar's discount codes."""

import re

import polib
from django.utils.translation import override

from tests.hosts.oscar.wording import GERMAN, wanted
from voucher_payment_gateway.checkout.problems import NOT_ON_ORDER


def test_the_german_of_the_adapter_follows_that_of_the_package():
    """After a change of the package's German: python -m tests.hosts.oscar.wording"""
    entries = polib.pofile(str(GERMAN))
    assert {(each.msgid, each.msgctxt): each.msgstr_plural or each.msgstr for each in entries} == wanted()
    assert GERMAN.with_suffix(".mo").read_bytes() == entries.to_binary()


def test_a_german_customer_reads_of_gift_vouchers(oscar_shop, settings):
    visitor = oscar_shop.visitor(headers={"accept-language": "de"}).buy(oscar_shop.product()).to_preview()
    page = visitor.client.get("/checkout/preview/").content.decode()

    block = page[
        page.index('<section class="vpg"') : page.index("</section>", page.index('<section class="vpg"'))
    ]
    assert "Geschenkgutschein" in block
    assert not re.search(r"\bGutschein", block)
    with override("de"):
        assert "Geschenkgutschein" in NOT_ON_ORDER.message
