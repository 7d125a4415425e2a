"""Reading the documentation: its pages, headings, tables, code blocks and links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(?P<language>\w*)(?P<options>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^<!-- (?P<name>\w+): (?P<text>.*?) -->$", re.MULTILINE)
HEADING = re.compile(r"^(?P<depth>#+) (?P<title>.+)$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
WORD = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced code block, or a directive in a comment: ``<!-- browser: enter GIFT-20 -->``."""

    language: str
    options: str
    text: str
    line: int

    def option(self, name: str) -> str:
        found = re.search(rf"\b{name}=(\S+)", self.options)
        return found[1] if found else ""


def all_pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def page(name: str) -> str:
    return (DOCS / name).read_text()


def blocks(path: Path) -> list[Block]:
    """The code blocks and directives of a page, in their order."""
    text, found = path.read_text(), []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        found.append((match.start(), Block(match["language"], match["options"], match["text"], line)))
    for match in DIRECTIVE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append((match.start(), Block("directive", match["name"], match["text"], line)))
    return [block for _, block in sorted(found)]


def prose(text: str) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", text)


def headings(text: str, depth: int | None = None) -> list[str]:
    return [match["title"] for match in HEADING.finditer(prose(text)) if depth in (None, len(match["depth"]))]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in headings(text))
    return {title.replace(" ", "-") for title in kept}


def section(text: str, title: str) -> str:
    """What stands under a heading, down to the next one of the same depth or a lesser one."""
    for match in HEADING.finditer(text):
        if match["title"] == title:
            end = re.compile(rf"^#{{1,{len(match['depth'])}}} ", re.MULTILINE).search(text, match.end())
            return text[match.end() : end.start() if end else None]
    raise AssertionError(f"there is no heading {title!r}")


def drawn_arrows(heading: str) -> set[tuple[str, str]]:
    """The arrows of the diagram under a heading of the page about life cycles, as pairs of states."""
    text = section(page("explanation/life-cycles.md"), heading)
    return set(re.findall(r"^ +(\S+) --> (\S+)$", text, re.MULTILINE))


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the tables in a text, heads and rules left out."""
    lines = text.splitlines()
    for position, line in enumerate(lines):
        if not line.startswith("|") or set(line) <= set("|- :"):
            continue
        if position + 1 < len(lines) and lines[position + 1].startswith("| ---"):
            continue
        yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def plain(text: str) -> str:
    """A text without its links and backticks."""
    return re.sub(r"\[([^\]]*)\]\([^)\s]+\)", r"\1", text).replace("`", "")


def words(text: str) -> list[str]:
    """What stands in backticks."""
    return WORD.findall(text)


def first_words(text: str) -> list[str]:
    """The word in backticks at the head of each row of the tables in a text."""
    return [found[0] for cells in rows(text) if (found := words(cells[0]))]
