"""Two databases that remember the same past: a copy on a staging site, or a backup that is put back.

Nobody acts on the copy: its ``settle`` alone sends what is due in it. After a backup was put back, staff ship again
what looks unshipped, and tell the gateway again of what came back.
"""

from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

from tests.proofs.orders.rows import Payment
from tests.proofs.orders.shop import Shop
from voucher_payment_gateway.exceptions import VoucherGatewayError

__all__ = ["COPY", "PUT_BACK", "Restore"]

COPY, PUT_BACK = "copy", "put back"
MINUTE, DAY = 60.0, 86400.0


class Restore:
    """One copy or restore of a shop's database. ``at`` schedules a step in seconds from now."""

    def __init__(self, kind: str, shop: Shop, random: Random, at: Any) -> None:
        self.kind, self.shop, self.random, self.at = kind, shop, random, at
        self.taken_at: float | None = None

    def take(self) -> None:
        """Take the copy, once, and schedule what becomes of it."""
        if self.taken_at is not None:
            return
        self.taken_at = self.shop.seconds()
        self.shop.is_alone = False
        database = deepcopy(self.shop.gateway.database)
        self.shop.note(f"the database is copied ({self.kind})")
        if self.kind == PUT_BACK:
            self.at(self.random.uniform(10 * MINUTE, 5 * DAY), lambda: self._put_back(database))
            return
        options = self.shop.options
        elsewhere = replace(options, instance="staging") if options.instance else options
        copy = self.shop.installed(type(self.shop.gateway), database, elsewhere, _hears_nobody)
        for _ in range(6):
            self.at(self.random.uniform(0, 30 * MINUTE), copy.settle)
            self.at(self.random.uniform(0, 20 * DAY), copy.settle)

    def _put_back(self, database: Any) -> None:
        shop = self.shop
        shop.gateway.database = database
        shop.note("the backup is put back")
        for story in shop.stories.values():
            story.is_restored = True
            order = shop.order(story.uid)
            story.is_lost = order is None and not story.is_ended
            if order is None or story.shipped_at is None or story.shipped_at < (self.taken_at or 0.0):
                continue
            for verb in ("capture", "refund") if story.goods == 0 else ("capture",):
                try:
                    shop.deliver(verb, order)
                except VoucherGatewayError as error:
                    shop.note(f"order {story.uid}: {error.code} after the restore")


def _hears_nobody(what: str, payment: Payment) -> None:
    """What a copy tells does not reach the shop."""
