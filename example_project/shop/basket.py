"""The basket: teas, quantities and gift vouchers in the visitor's session."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from shop.gift_basket import GiftBasket
from shop.models import Product

MAX_QUANTITY = 20
DISCOUNTS = {"TEA10": Decimal("0.10")}
"""Discount codes are no secret; any other code may be a gift voucher."""


@dataclass(frozen=True)
class BasketLine:
    """A tea in the basket."""

    product: Product
    quantity: int

    @property
    def amount(self) -> Decimal:
        return self.product.price * self.quantity


class Basket:
    """The visitor's teas and ``gifts``. Teas that are no longer sold are left out."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        self._quantities: dict[str, int] = request.session.get("basket", {})
        self.gifts = GiftBasket(request.session)

    def __iter__(self) -> Iterator[BasketLine]:
        for product in Product.objects.filter(slug__in=self._quantities):
            yield BasketLine(product, self._quantities[product.slug])

    @property
    def goods(self) -> Decimal:
        return sum((line.amount for line in self), Decimal("0.00"))

    @property
    def discount(self) -> Decimal:
        rate = DISCOUNTS.get(self._session.get("discount", ""), Decimal(0))
        return (self.goods * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)

    @property
    def total(self) -> Decimal:
        """What the basket costs: the discount is for teas alone."""
        return self.goods - self.discount + self.gifts.amount

    @property
    def count(self) -> int:
        return sum(self._quantities.values()) + len(self.gifts)

    def quantity_of(self, product: Product) -> int:
        return self._quantities.get(product.slug, 0)

    def put(self, product: Product, quantity: int) -> None:
        """Set the quantity of a tea, at most ``MAX_QUANTITY``; zero removes it."""
        self._quantities[product.slug] = min(quantity, MAX_QUANTITY)
        if quantity <= 0:
            del self._quantities[product.slug]
        self._session["basket"] = self._quantities

    def clear(self) -> None:
        for name in ("basket", "discount", "gifts"):
            self._session.pop(name, None)


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the number of items in the basket, and the currency of the shop."""
    count = sum(request.session.get("basket", {}).values()) + len(request.session.get("gifts", []))
    return {"basket_count": count, "currency": settings.SHOP_CURRENCY}
