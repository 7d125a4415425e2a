"""What people type and paste for a code, and the code that they mean.

``tidy`` is applied to every code and PIN before anything else: invisible characters make no difference. ``forgiving``
is a ready ``CODE_NORMALISER`` for shops that print their codes in capitals and groups.
"""

import re
import unicodedata

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.opaque import Opaque

__all__ = ["MAX_LENGTH", "MAX_TYPED_LENGTH", "forgiving", "is_blank", "tidy"]

MAX_LENGTH = 255
"""Source: Voucher Cloud API 1.8, ``POST /reservations``, both ``code`` and ``pin``."""

MAX_TYPED_LENGTH = 4 * MAX_LENGTH
"""Of a code or PIN as it was pasted, with the invisible characters in it."""

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Characters that are shown as nothing: zero-width blanks and joiners, the byte order mark, marks of direction, soft
hyphens, fillers, variation selectors, tags. Source: Unicode 17, ``Default_Ignorable_Code_Point``, and annotations."""

BLANKS = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
"""Characters that are shown as a blank: no-break, narrow and wide ones, tabs. Not line ends: several lines may be
several codes."""

DASHES = (
    "\\-\u058a\u05be\u1400\u1806\u02d7\u2010-\u2015\u2043\u207b\u208b\u2212\u2500\u2501\u23af"
    "\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\u30fc\ufe31\ufe32\ufe58\ufe63\uff0d\uff70\U00010ead"
)
"""Characters that people take for a hyphen: every dash of Unicode, minus signs, bullets and lines.
(All three are written as in the brackets of a regular expression.)"""

_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_BLANK = re.compile(f"[{BLANKS}]")
_BETWEEN_GROUPS = re.compile(f"[ {DASHES}]+")
_FULL_WIDTH = {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}


def tidy(text: str) -> str:
    """Return ``text`` without invisible characters: they are dropped, each odd blank is a plain one,
    letters are composed (NFC), full-width characters narrow, and blanks at both ends trimmed.

    Case, hyphens and blanks between other characters stay. What is left may be empty, or still hold control characters.
    """
    seen = _BLANK.sub(" ", _INVISIBLE.sub("", text)).translate(_FULL_WIDTH)
    return unicodedata.normalize("NFC", seen).strip()


def is_blank(code: Opaque) -> bool:
    """Return whether nothing can be seen of what was entered."""
    return len(code.reveal()) <= MAX_TYPED_LENGTH and not tidy(code.reveal())


def forgiving(code: str) -> str:
    """Return the code in capitals, its groups joined by a hyphen, however it was typed: for ``CODE_NORMALISER``.

    Small letters, dashes of every kind, blanks between groups and other forms of letters and digits make no difference:
    ``gift – 2000 abcd`` is ``GIFT-2000-ABCD``. Where that does not match ``CODE_PATTERN`` and the same without hyphens
    does, it is that one: for codes that are issued without hyphens, set the pattern.
    """
    plain = "".join(map(_plain_digit, unicodedata.normalize("NFKC", tidy(code)))).upper()
    groups = [group for group in _BETWEEN_GROUPS.split(plain) if group]
    joined, together = "-".join(groups), "".join(groups)
    return together if _matches(together) and not _matches(joined) else joined


def _matches(code: str) -> bool:
    pattern = gateway_settings().CODE_PATTERN
    return bool(pattern and len(code) <= MAX_LENGTH and re.fullmatch(pattern, code))


def _plain_digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)
