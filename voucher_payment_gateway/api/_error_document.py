"""The API's own error document: the only proof that the API itself refused, and the part that an error keeps."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn, cast

from voucher_payment_gateway.api._steps import Answer

_KEPT = re.compile(r"[A-Z][A-Z_]*|[A-Z][A-Z0-9_]*(\.[A-Z0-9_]+)+(:[0-9.]{1,10})?")
MAX_CODE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Document:
    """An error document, such as ``{"status": 404, "code": "VOUCHER.NOT_FOUND", "message": "…"}``."""

    codes: tuple[str, ...] = field(repr=False)
    """The codes of the document and of its fields as received: for look-up, never kept, as they may quote anything."""
    api_code: str
    """The code that an error may keep: of the documented form, quoting no secret of the call."""


def document(answer: Answer, secrets: Iterable[str]) -> Document | None:
    """Return the error document of a response, or None where an intermediary may have written it."""
    found = parsed_json(answer.body)
    if not isinstance(found, dict):
        return None
    status, code, message = found.get("status"), found.get("code"), found.get("message")
    if type(status) is not int or status != answer.status:
        return None
    if not isinstance(code, str) or not isinstance(message, str):
        return None
    rows = found.get("errors")
    fields = [row.get("code") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return Document((code, *(field for field in fields if isinstance(field, str))), _kept(code, secrets))


def parsed_json(body: bytes) -> object:
    """Return the JSON value of a body; None for invalid JSON, NaN, duplicate keys and too deep nesting."""
    try:
        return cast(object, _DECODER.decode(body.decode("utf-8")))
    except (ValueError, RecursionError):
        return None


def _kept(code: str, secrets: Iterable[str]) -> str:
    if len(code) > MAX_CODE_LENGTH or not _KEPT.fullmatch(code):
        return ""
    return "" if any(_quotes(code, secret) for secret in secrets) else code


def _quotes(text: str, secret: str) -> bool:
    """Return whether a text holds a secret, in any case and with any separators between its letters and digits."""
    letters = _letters(secret)
    return secret.casefold() in text.casefold() or (letters != "" and letters in _letters(text))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


_DECODER = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_without_doubles)
"""Made once: ``json.loads`` makes a decoder for each call."""
