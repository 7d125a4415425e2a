"""The German of the adapter: *Geschenkgutschein*, since Oscar's own German calls its discount codes *Gutschein*.

``python -m tests.hosts.oscar.wording`` writes it anew from the German of the package.
"""

import re
from pathlib import Path

import polib

__all__ = ["GERMAN", "as_gift_voucher", "wanted"]

PACKAGE = Path(__file__).resolve().parents[3] / "voucher_payment_gateway"
MESSAGES = "locale/de/LC_MESSAGES/django.po"
GERMAN = PACKAGE / "hosts/oscar" / MESSAGES


def as_gift_voucher(text: str) -> str:
    """Return a German text that says Geschenkgutschein."""
    return re.sub(r"\bGutschein", "Geschenkgutschein", text)


def wanted() -> dict[tuple[str, str | None], str | dict[int, str]]:
    """Return the translations of the package that are worded otherwise, by message and context."""
    found: dict[tuple[str, str | None], str | dict[int, str]] = {}
    for entry in polib.pofile(str(PACKAGE / MESSAGES)):
        plural = {number: as_gift_voucher(text) for number, text in entry.msgstr_plural.items()}
        text = as_gift_voucher(entry.msgstr)
        if (text, plural) != (entry.msgstr, entry.msgstr_plural):
            found[entry.msgid, entry.msgctxt] = plural or text
    return found


def main() -> None:
    source, target = polib.pofile(str(PACKAGE / MESSAGES)), polib.POFile(wrapwidth=110)
    target.metadata = dict(source.metadata)
    texts = wanted()
    for entry in source:
        text = texts.get((entry.msgid, entry.msgctxt))
        if text is not None:
            entry.occurrences = []
            entry.msgstr, entry.msgstr_plural = (text, {}) if isinstance(text, str) else ("", text)
            target.append(entry)
    GERMAN.parent.mkdir(parents=True, exist_ok=True)
    target.save(str(GERMAN))
    target.save_as_mofile(str(GERMAN.with_suffix(".mo")))


if __name__ == "__main__":
    main()
