"""The conformance suite finds what it looks for: shops with one mistake each fail the situation that is about it."""

import pytest

from tests.testing.planted_shops import PLANTED
from tests.testing.shop_by_signals import ShopBySignals


@pytest.mark.parametrize("planted", PLANTED, ids=lambda shop: shop.__name__)
def test_a_mistake_is_found(planted, request, transactional_db, caplog):
    suite = planted()
    with suite.prepared(request, caplog), pytest.raises(Exception, match=planted.says) as found:
        getattr(suite, f"test_{suite.found_by}")()
    assert "What would be lost: " in found.value.__notes__[0]


@pytest.mark.parametrize("name", sorted({shop.found_by for shop in PLANTED}))
def test_without_the_mistake_the_situation_passes(name, request, transactional_db, caplog):
    suite = ShopBySignals()
    with suite.prepared(request, caplog):
        getattr(suite, f"test_{name}")()


def test_there_are_mistakes_enough():
    assert len(PLANTED) >= 15
