"""The Python of ``docs/how-to/recipes.md``, so that the shops run what the page shows."""

from typing import Any

from tests.docs.pages import DOCS, FENCE, page, section

PAGE = DOCS / "how-to" / "recipes.md"


def code_of(title: str) -> list[str]:
    """Return the blocks of Python under a heading of the page."""
    text = section(page("how-to/recipes.md"), title)
    return [match["text"] for match in FENCE.finditer(text) if match["language"] == "python"]


def run(title: str, names: dict[str, Any], holding: str) -> None:
    """Run the one block under the heading that holds this text."""
    (code,) = [code for code in code_of(title) if holding in code]
    exec(compile(code, f"{PAGE.name}: {title}", "exec"), names)
