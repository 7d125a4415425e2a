"""In Oscar a "voucher" is a discount code: ours are gift vouchers, in German *Geschenkgutscheine*."""

import re
from pathlib import Path

import oscar
import polib
import pytest
from django.template.loader import get_template
from django.utils.translation import gettext, override

import voucher_payment_gateway
from tests.hosts.oscar.german import CATALOGUE, PACKAGE, SHORT, written

HOST = PACKAGE / "hosts/oscar"
OSCAR = Path(oscar.__file__).parent
TEXTS = re.compile(
    r"""(?:% translate|_\()\s*["']([^"'\n]+)["']|\{% blocktranslate[^%]*%\}(.+?)\{%""", re.DOTALL
)
ADDED_TO = {"oscar/dashboard/orders/order_detail.html", "oscar/customer/baseaccountpage.html"}
"""Templates of Oscar to which blocks are added."""


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


def own_texts():
    for path in sorted([*HOST.rglob("*.py"), *HOST.rglob("*.html")]):
        for found in TEXTS.finditer(path.read_text()):
            yield path.name, found[1] or found[2]


def test_every_label_says_gift_voucher():
    texts = list(own_texts())
    assert len(texts) > 25
    for name, text in texts:
        left = re.sub(r"gift vouchers?|\{\{.*?\}\}|%\(\w+\)s", "", text, flags=re.IGNORECASE)
        assert "voucher" not in left.lower(), (name, text)


def test_no_template_has_the_name_of_one_of_oscars():
    ours = names(HOST / "templates") | names(PACKAGE / "templates")
    assert ours & names(OSCAR / "templates") == ADDED_TO
    assert all(name.startswith(("voucher_payment_gateway/", "admin/")) for name in ours - ADDED_TO)


@pytest.mark.parametrize("name", sorted(ADDED_TO))
def test_a_template_of_oscars_keeps_all_that_it_has(name):
    source = (HOST / "templates" / name).read_text()
    blocks = re.findall(r"\{% block (\w+) %\}(.*?)\{% endblock %\}", source)
    assert source.startswith(f'{{% extends "{name}" %}}')
    assert blocks
    assert all(text.startswith("{{ block.super }}") for _block, text in blocks)
    assert get_template(name).origin.name == str(HOST / "templates" / name)


def test_the_german_of_the_package_has_the_longer_word_here():
    """To fix a failure: ``python -m tests.hosts.oscar.german``."""
    stored = {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in polib.pofile(CATALOGUE)}
    assert stored == {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in written()}
    assert not [text for text, _plural in stored.values() if SHORT.search(text)]


def test_what_is_shipped_is_what_was_translated():
    shipped = {entry.msgid: entry.msgstr for entry in polib.mofile(CATALOGUE.with_suffix(".mo"))}
    assert shipped == {entry.msgid: entry.msgstr for entry in polib.pofile(CATALOGUE)}


def test_every_text_of_the_adapter_is_translated():
    there = {entry.msgid for entry in polib.pofile(CATALOGUE)}
    package = {entry.msgid for entry in polib.pofile(PACKAGE / "locale/de/LC_MESSAGES/django.po")}
    oscars = {entry.msgid for entry in polib.pofile(OSCAR / "locale/de/LC_MESSAGES/django.po")}
    texts = {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for _name, text in own_texts()}
    known = there | package | oscars
    begun = {
        text for text in texts - known if any(each.startswith(text) for each in known)
    }  # in several lines
    assert sorted(texts - known - begun) == []


def test_no_text_of_oscars_is_translated_otherwise_by_us():
    oscars = {entry.msgid: entry.msgstr for entry in polib.pofile(OSCAR / "locale/de/LC_MESSAGES/django.po")}
    ours = {entry.msgid for entry in polib.pofile(CATALOGUE)}
    assert ours & oscars.keys() == set()


def test_a_shop_in_german_reads_geschenkgutschein():
    with override("de"):
        assert gettext("Gift vouchers") == "Geschenkgutscheine"
        assert "Geschenkgutschein" in gettext("Refund to the gift vouchers")
        assert gettext("Vouchers") == "Gutscheine"


def test_the_label_of_the_app_is_not_that_of_oscars_discount_codes():
    from django.apps import apps

    labels = [config.label for config in apps.get_app_configs()]
    assert len(labels) == len(set(labels))
    assert {"voucher", "voucher_gateway_oscar", voucher_payment_gateway.__name__} <= set(labels)
