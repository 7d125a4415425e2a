"""Cells of a file for a spreadsheet: what it would take for a formula is disabled."""

from typing import Protocol

__all__ = ["FORMULA", "Sink", "cell"]

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Characters that start a formula in a spreadsheet; order numbers of other clients can hold anything."""


class Sink(Protocol):
    """Anything with a ``write`` for text."""

    def write(self, text: str, /) -> object: ...


def cell(value: object) -> str:
    """Return the text of a cell; behind an apostrophe where a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
