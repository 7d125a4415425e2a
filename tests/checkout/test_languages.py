"""The German catalogue is complete, and the compiled catalogue is up to date."""

import gettext
import re
import shutil
import subprocess
import sys
from pathlib import Path

import django
import oscar
import polib
import pytest
from django.apps import apps

ROOT = Path(__file__).parents[2]
CATALOGUES = [ROOT / "voucher_payment_gateway", *[ROOT / "example_project" / "shop"]]
OTHERS = [django, oscar]
"""Apps that may stand before ours."""
FOR_PEOPLE = ("admin/", "checkout/", "customer/", "models/", "selling/", "templates/", "templatetags/")
PLACEHOLDER = re.compile(r"%\(\w+\)s|<[^>]+>|…")
NAMES = re.compile(r"%\(\w+\)s|voucher_\w+")
"""Placeholders and commands: no words of a language."""


def catalogue(folder, ending="po"):
    return folder / "locale" / "de" / "LC_MESSAGES" / f"django.{ending}"


@pytest.fixture(params=[folder for folder in CATALOGUES if catalogue(folder).exists()], ids=lambda f: f.name)
def folder(request):
    return request.param


def test_nothing_is_untranslated_or_doubtful(folder):
    po = polib.pofile(catalogue(folder))
    assert len(po) > 40
    assert [entry.msgid for entry in po if entry.fuzzy or entry.obsolete or not entry.translated()] == []


def test_every_placeholder_survives_the_translation(folder):
    for entry in polib.pofile(catalogue(folder)):
        for form, german in (entry.msgstr_plural or {0: entry.msgstr}).items():
            english = entry.msgid_plural if form else entry.msgid
            assert sorted(PLACEHOLDER.findall(german)) == sorted(PLACEHOLDER.findall(english)), english


def test_a_gift_voucher_is_a_gutschein_and_nothing_else(folder):
    for entry in polib.pofile(catalogue(folder)):
        german = NAMES.sub("", " ".join([entry.msgstr, *entry.msgstr_plural.values()]))
        assert not re.search(r"voucher(?! cloud)|geschenkkarte|coupon", german, re.IGNORECASE), german
        if "gift voucher" in entry.msgid.lower():
            assert re.search(r"gutschein|\bih[rmn]|\bsie\b", german, re.IGNORECASE), entry.msgid


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_no_label_of_ours_is_replaced_by_a_text_of_another_app(other):
    """Of two texts without a context the first app of INSTALLED_APPS has its way, whatever it means there."""
    models = apps.get_app_config("voucher_payment_gateway").get_models()
    labels = {str(label) for model in models for label in labels_of(model)}
    ours = {
        entry.msgid: entry.msgstr for entry in polib.pofile(catalogue(CATALOGUES[0])) if not entry.msgctxt
    }
    files = Path(other.__file__).parent.rglob("locale/de/LC_MESSAGES/django.po")
    theirs = [entry for file in files for entry in polib.pofile(file) if entry.msgstr and not entry.msgctxt]
    assert len(theirs) > 300
    shared = [entry for entry in theirs if entry.msgid in labels & ours.keys()]
    assert [entry.msgid for entry in shared if entry.msgstr != ours[entry.msgid]] == []


def labels_of(model):
    """Return the labels of the choices of a model, in English."""
    return [label for field in model._meta.get_fields() for _, label in getattr(field, "choices", None) or ()]


def test_what_is_shipped_is_what_was_translated(folder):
    with catalogue(folder, "mo").open("rb") as file:
        shipped = gettext.GNUTranslations(file)._catalog
    expected = {}
    for entry in polib.pofile(catalogue(folder)):
        key = f"{entry.msgctxt}\x04{entry.msgid}" if entry.msgctxt else entry.msgid
        if entry.msgid_plural:
            expected |= {(key, number): text for number, text in entry.msgstr_plural.items()}
        else:
            expected[key] = entry.msgstr
    assert {key: text for key, text in shipped.items() if key} == expected


def test_every_text_for_customers_and_clerks_is_in_the_catalogue(folder, tmp_path):
    """To fix a failure: run makemessages for ``de`` in that folder, translate the new texts, run compilemessages."""
    if not shutil.which("xgettext"):
        pytest.skip("gettext is not installed")
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.mo", "__pycache__"))
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "-v", "0", "--no-obsolete"]
    subprocess.run(command, cwd=copy, check=True, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
    wanted = {
        (entry.msgctxt, entry.msgid)
        for entry in polib.pofile(catalogue(copy))
        if folder.name == "shop" or any(path.startswith(FOR_PEOPLE) for path, _ in entry.occurrences)
    }
    there = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(catalogue(folder))}
    assert sorted(wanted - there, key=str) == []
