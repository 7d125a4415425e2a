"""The test shop, which sends signals, as the conformance suite drives it."""

from tests.shop import signals
from tests.shop.models import Order
from tests.testing.conforming_shop import ConformingShop


class ShopBySignals(ConformingShop):
    def confirm(self, order):
        signals.confirmed.send(sender=Order, order=self.reload(order))

    def ship(self, order):
        signals.shipped.send(sender=Order, order=self.reload(order))

    def return_goods(self, order):
        signals.returned.send(sender=Order, order=self.reload(order))

    def return_part(self, order, amount):
        signals.returned.send(sender=Order, order=self.reload(order), amount=amount)

    def ship_part(self, order, amount):
        signals.shipped.send(sender=Order, order=self.reload(order), amount=amount)

    def cancel(self, order):
        signals.aborted.send(sender=Order, order=self.reload(order))
