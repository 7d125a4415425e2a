"""Every block of the how-to is executed, in order, in the tutorial's shop."""

import pytest

from tests.docs.newcomer import Newcomer
from tests.docs.pages import DOCS, Block, blocks

HOW_TO = DOCS / "how-to/test-your-checkout.md"
MAKES_A_PROJECT = ("django-admin startproject", "makemigrations")


def belongs_to_the_code(block: Block) -> bool:
    """Return whether a block of the tutorial creates the shop, rather than using it."""
    if "no-run" in block.options:
        return False
    return "=" in block.options or any(command in block.text for command in MAKES_A_PROJECT)


@pytest.fixture
def newcomer(tmp_path):
    someone = Newcomer(tmp_path)
    someone.follow(
        block
        for block in blocks(DOCS / "tutorial/first-voucher-order.md")
        if block.language != "pycon" and belongs_to_the_code(block)
    )
    yield someone
    someone.leave()


def test_the_how_to_is_true_to_the_letter(newcomer):
    (newcomer.folder / "shop/tests.py").unlink()
    newcomer.follow(blocks(HOW_TO))


def test_the_test_of_five_lines_has_five():
    (block,) = [block for block in blocks(HOW_TO) if "test_five_lines" in block.options]
    assert len(block.text.splitlines()) == 5
