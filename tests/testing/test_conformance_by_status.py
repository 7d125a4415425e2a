"""The test shop, which only changes a status, conforms."""

from typing import ClassVar

import pytest

from tests.testing.conforming_shop import NO_PARTS, ConformingShop

ON_STATUS = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}


@pytest.fixture(autouse=True)
def driven_by_status(settings):
    """Exchange the signals for statuses, before the suite connects the shop to its cloud."""
    own = settings.VOUCHER_PAYMENT_GATEWAY
    settings.VOUCHER_PAYMENT_GATEWAY = {**own, "EVENTS": {}, "ON_STATUS": ON_STATUS}


class TestTheShopByStatus(ConformingShop):
    cannot: ClassVar = {
        **ConformingShop.cannot,
        "ship_part": NO_PARTS,
        "return_part": NO_PARTS,
        "an_order_that_is_not_paid_any_more_is_not_sent": "a status is a fact that the gateway cannot refuse; what "
        "is not paid is logged, sent as payment_failed and listed",
    }

    def confirm(self, order):
        self.set_status(order, "confirmed")

    def ship(self, order):
        self.set_status(order, "shipped")

    def return_goods(self, order):
        self.set_status(order, "returned")

    def cancel(self, order):
        self.set_status(order, "cancelled")

    def set_status(self, order, status):
        row = self.reload(order)
        row.status = status
        row.save()
