"""``python -m tests.hosts.oscar.german``: write the German of an Oscar shop again, after the package's.

Oscar's discount codes are *Gutscheine* in German. So the package's own *Gutschein* is a *Geschenkgutschein* here: the
catalogue of ``hosts/oscar`` has these texts once more, beside those of the adapter itself.
"""

import re
from pathlib import Path

import polib

PACKAGE = Path(__file__).resolve().parents[3] / "voucher_payment_gateway"
CATALOGUE = PACKAGE / "hosts/oscar/locale/de/LC_MESSAGES/django.po"
SHORT = re.compile(r"(?<!Geschenk)(?<!geschenk)Gutschein")


def written():
    """Return the catalogue as it should be: the adapter's own texts, then those of the package with the longer word."""
    own, package = polib.pofile(CATALOGUE), polib.pofile(PACKAGE / "locale/de/LC_MESSAGES/django.po")
    there = {(entry.msgctxt, entry.msgid) for entry in package}
    wanted = polib.POFile(wrapwidth=0)
    wanted.metadata = package.metadata
    wanted.extend(_plain(entry) for entry in own if (entry.msgctxt, entry.msgid) not in there)
    wanted.extend(_longer(entry) for entry in package if SHORT.search(_german(entry)))
    return wanted


def _german(entry):
    return " ".join([entry.msgstr, *entry.msgstr_plural.values()])


def _longer(entry):
    plural = {number: SHORT.sub("Geschenkgutschein", text) for number, text in entry.msgstr_plural.items()}
    return _plain(entry, SHORT.sub("Geschenkgutschein", entry.msgstr), plural)


def _plain(entry, text=None, plural=None):
    """Return the entry without the places where its text stands: they change with every line of code."""
    return polib.POEntry(
        msgctxt=entry.msgctxt,
        msgid=entry.msgid,
        msgid_plural=entry.msgid_plural,
        msgstr=entry.msgstr if text is None else text,
        msgstr_plural=entry.msgstr_plural if plural is None else plural,
        flags=[flag for flag in entry.flags if flag != "fuzzy"],
    )


def main():
    catalogue = written()
    catalogue.save(CATALOGUE)
    catalogue.save_as_mofile(CATALOGUE.with_suffix(".mo"))


if __name__ == "__main__":
    main()
