"""A shop with one mistake."""

from typing import ClassVar

from tests.testing.shop_by_signals import ShopBySignals

__all__ = ["PlantedShop"]


class PlantedShop(ShopBySignals):
    found_by: ClassVar[str]
    """The name of the situation."""
    says: ClassVar[str]
    """What the failure says, as a regular expression."""
