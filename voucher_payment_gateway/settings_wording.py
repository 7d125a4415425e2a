"""Sentences about wrong settings, for people: what a value must be, and which key may have been meant.

No sentence repeats a value.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["QUOTE", "did_you_mean", "sentences"]

QUOTE = "'"
"""Around a word that stands in quotes in the shop's settings."""

UNION_TAGS = {"str", "list[str]", "[key]", "callable"}
"""Parts that pydantic adds to the path of a value whose type is a union, or of a key; not part of the path."""

FIXED = {
    "missing": "is missing",
    "invalid_key": "is not a setting of this app",
    "string_too_short": "must not be empty",
    "bool_type": "must be True or False",
    "bool_parsing": "must be True or False",
    "callable_type": "must be a callable",
    "dict_type": "must be a dict",
    "model_type": "must be a dict",
    "model_attributes_type": "must be a dict",
    "list_type": "must be a list",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "string_sub_type": "must be text",
    "string_unicode": "must be text",
}

FILLED = {
    "greater_than": "must be above {gt:.10g}",
    "greater_than_equal": "must be at least {ge:.10g}",
    "less_than_equal": "must be at most {le:.10g}",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
}

OTHER = "is not a value that this key takes"


def sentences(error: ValidationError, settings: type[BaseModel]) -> list[tuple[str, str]]:
    """Return a pair of key and sentence for each wrong value of ``settings``."""
    by_path: dict[str, list[str]] = {}
    for detail in error.errors(include_input=False, include_url=False):
        path, text = _path_and_text(detail, settings)
        by_path.setdefault(path, []).append(text)
    return [
        (path.split(".")[0], f"{path}: {_either(texts)}")
        for path, texts in by_path.items()
        if not any(other.startswith(f"{path}.") for other in by_path)  # told by what is wrong inside of it
    ]


def did_you_mean(word: str, known: Iterable[str], quote: str = "", *, below: Iterable[str] = ()) -> str:
    """Return ``"; did you mean …?"`` with what is most like ``word``, or an empty text; by its path where it stands
    ``below`` other keys."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), names, n=1)
    return f"; did you mean {quote}{'.'.join([*below, names[found[0]]])}{quote}?" if found else ""


def _path_and_text(detail: Any, settings: type[BaseModel]) -> tuple[str, str]:
    parts = [str(part) for part in detail["loc"] if part not in UNION_TAGS]
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        text = detail["msg"].removeprefix("Value error, ")
        path = ".".join(parts)
        return _split(text) if not path or text.startswith(f"{path}.") else (path, text)  # it may name a part
    if kind == "extra_forbidden":
        known = _section(parts[:-1], settings).model_fields
        return ".".join(
            parts
        ), f"is not a setting of this app{did_you_mean(parts[-1], known, below=parts[:-1])}"
    return ".".join(parts), _text(kind, context) + _hint_at_key(detail, parts, context)


def _split(text: str) -> tuple[str, str]:
    path, _, sentence = text.partition(": ")
    return path, sentence


def _section(path: list[str], settings: type[BaseModel]) -> type[BaseModel]:
    """Return the model whose fields are the keys at ``path``, in which there may be keys of the shop's own."""
    for part in path:
        annotation = settings.model_fields[part].annotation if part in settings.model_fields else None
        models: tuple[Any, ...] = getattr(annotation, "__args__", (annotation,))
        found = [model for model in models if isinstance(model, type) and issubclass(model, BaseModel)]
        settings = found[0] if found else settings
    return settings


def _text(kind: str, context: Mapping[str, Any]) -> str:
    return FIXED.get(kind) or (FILLED[kind].format(**context) if kind in FILLED else OTHER)


def _hint_at_key(detail: Any, parts: list[str], context: Mapping[str, Any]) -> str:
    if detail["loc"][-1] != "[key]":
        return ""
    known = re.findall(r"'([^']+)'", str(context.get("expected", "")))
    return did_you_mean(parts[-1], known, below=parts[:-1])


def _either(texts: list[str]) -> str:
    """Return one sentence of those about a value that may be of several types."""
    unique = list(dict.fromkeys(texts))
    if all(text.startswith("must be ") for text in unique):
        return "must be " + " or ".join(text.removeprefix("must be ") for text in unique)
    return unique[-1]
