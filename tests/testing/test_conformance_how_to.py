"""The how-to is followed to the letter in the tutorial's shop, which conforms."""

import pytest

from tests.docs.newcomer import Newcomer
from tests.docs.pages import DOCS, blocks
from tests.testing.test_how_to import belongs_to_the_code

HOW_TO = DOCS / "how-to/prove-your-own-integration.md"


@pytest.fixture
def newcomer(tmp_path):
    someone = Newcomer(tmp_path)
    tutorial = blocks(DOCS / "tutorial/first-voucher-order.md")
    someone.follow(block for block in tutorial if block.language != "pycon" and belongs_to_the_code(block))
    (someone.folder / "shop/tests.py").unlink()
    yield someone
    someone.leave()


def test_the_shop_of_the_tutorial_conforms_as_told(newcomer):
    newcomer.follow(block for block in blocks(HOW_TO) if block.language != "text")
