"""The test shop, which sends signals, conforms."""

from tests.testing.shop_by_signals import ShopBySignals


class TestTheShopBySignals(ShopBySignals):
    """The suite itself; it is named here for pytest to find it."""
