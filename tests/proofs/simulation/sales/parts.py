"""A part of an order line comes back: one of its vouchers is taken back alone, and its quantity is lowered."""

from random import Random

from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.sales.orders import Order
from tests.proofs.simulation.sales.stories import Stories

__all__ = ["reduce_lines"]

SHARE = 0.5
LATEST = 5000
"""Maximum seconds after the opening of the shop at which a clerk takes a voucher back."""


def reduce_lines(stories: Stories, random: Random) -> None:
    """Let a clerk take back one of several vouchers of some orders before these are paid."""
    for order in stories.orders:
        if random.random() < SHARE:
            at = random.uniform(0, LATEST)
            stories.schedule(at, lambda order=order: _return_one(stories, random, order))


def _return_one(stories: Stories, random: Random, order: Order) -> Process | None:
    """Return one voucher of a line whose others stay sold, unless the order is paid or came back by now."""
    if order.paid_at is not None or order.returned_at is not None:
        return None
    rows = stories.shop.rows.of_order(order.number)
    for key, (_, quantity) in order.lines.items():
        sales = [sale for sale in rows if sale.key.partition("-")[0] == key and sale.target == "issued"]
        if quantity > 1 and len(sales) == quantity:
            order.is_reduced = True
            return _reduce(stories, order, key, random.choice(sales).pk)
    return None


def _reduce(stories: Stories, order: Order, key: str, sale_pk: int) -> Process:
    """The clerk lowers the quantity once the return is stored."""
    if (yield from stories.shop.return_unpaid(sale_pk)):
        cents, quantity = order.lines[key]
        order.lines[key] = (cents, quantity - 1)
        stories.shop.injector.seen["taken back alone"] += 1
        yield from stories.shop.advance(sale_pk)
