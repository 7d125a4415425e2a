"""The page of the figures: between two markers stands what a benchmark printed.

<!-- bench:calls sqlite postgresql -->
<!-- /bench:calls -->
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGE", "ROOT", "Place", "benchmarks", "merged", "places", "table_of", "with_figures"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/explanation/performance.md"

_PLACE = re.compile(r"<!-- bench:(\w+)((?: \w+)*) -->\n(.*?)<!-- /bench:\1 -->\n", re.DOTALL)


class Place(NamedTuple):
    """Where the figures of a benchmark stand, and the databases that it runs on."""

    name: str
    databases: tuple[str, ...]
    figures: str


def benchmarks() -> set[str]:
    """Return the names of the modules that are benchmarks."""
    files = Path(__file__).parent.glob("*.py")
    return {path.stem for path in files if "\ndef rows(" in path.read_text()}


def places(text: str) -> list[Place]:
    """Return the places in a page, in its order."""
    return [Place(found[1], tuple(found[2].split()), found[3]) for found in _PLACE.finditer(text)]


def with_figures(text: str, name: str, figures: str) -> str:
    """Return the page with other figures in the place of this name."""

    def replaced(found: re.Match[str]) -> str:
        if found[1] != name:
            return found[0]
        return found[0][: found.start(3) - found.start()] + figures + found[0][found.end(3) - found.start() :]

    return _PLACE.sub(replaced, text)


def merged(printed: Mapping[str, str]) -> str:
    """Return what one benchmark printed on each database as one table, and a line about each run below it."""
    outputs = {database: text.strip().partition("\n\n") for database, text in printed.items()}
    tables = [table.splitlines() for table, _, _ in outputs.values()]
    head = tables[0][:2]
    if any(table[:2] != head for table in tables):
        raise ValueError("the tables have other columns")
    rows = [row for table in tables for row in table[2:]]
    below = [f"{database}: {text}" if len(outputs) > 1 else text for database, (*_, text) in outputs.items()]
    return "\n\n".join(["\n".join([*head, *rows]), *below]) + "\n"


def table_of(figures: str) -> list[dict[str, str]]:
    """Return the rows of a table by the titles of its columns."""
    lines = [line.strip("| ").split(" | ") for line in figures.splitlines() if line.startswith("|")]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]
