"""The conformance suite finds what it looks for: shops with one mistake each fail the situation that is about it."""

import pytest

from tests.testing import planted_checkouts, planted_shops
from tests.testing.shop_by_signals import ShopBySignals

PLANTED = [*planted_checkouts.PLANTED, *planted_shops.PLANTED]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda shop: shop.__name__)
def test_a_mistake_is_found(planted, request, transactional_db, caplog):
    suite = planted()
    with suite.prepared(request, caplog), pytest.raises(Exception, match=planted.says) as found:
        getattr(suite, f"test_{suite.found_by}")()
    assert "What would be lost: " in found.value.__notes__[0]


def test_the_situations_that_find_them_pass_without_the_mistake():
    """They are played by ``test_conformance_by_signals``, unless the shop without a mistake cannot do them."""
    assert not {shop.found_by for shop in PLANTED} & ShopBySignals.cannot.keys()


def test_there_are_mistakes_enough():
    assert len(PLANTED) >= 15
