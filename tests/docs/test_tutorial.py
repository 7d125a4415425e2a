"""The tutorial is followed to the letter in a new project, and the shop that it ends with is tested as it says."""

import pytest

from tests.docs.newcomer import Newcomer
from tests.docs.pages import DOCS, blocks


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    someone = Newcomer(tmp_path_factory.mktemp("tutorial"))
    yield someone
    someone.leave()


def test_a_newcomer_gets_through_the_tutorial(newcomer):
    newcomer.follow(blocks(DOCS / "tutorial/first-voucher-order.md"))


def test_the_tutorial_shows_every_step_of_a_payment():
    page = (DOCS / "tutorial/first-voucher-order.md").read_text()
    for step in ("authorize", "capture", "refund", "cancel"):
        assert f'"{step}": "shop.signals.' in page


def test_the_shop_of_the_tutorial_is_tested_as_told(newcomer):
    if not (newcomer.folder / "shop/views.py").exists():
        newcomer.follow(blocks(DOCS / "tutorial/first-voucher-order.md"))
    (newcomer.folder / "shop/tests.py").unlink()
    newcomer.follow(block for block in blocks(DOCS / "how-to/test-your-checkout.md") if block.options)
    newcomer.run("python manage.py test", "")
