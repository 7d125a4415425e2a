"""Tills of other shops, which spend vouchers, and hold one while its order comes back."""

from random import Random

from tests.proofs.simulation.loop import Process
from tests.proofs.simulation.remote import HOLD_SECONDS, RefusalError
from tests.proofs.simulation.sales.remote import SaleRemote
from tests.proofs.simulation.sales.rows import Sale
from tests.proofs.simulation.sales.shop import SaleShop

__all__ = ["recharge", "spend", "use_and_hold"]


def recharge(shop: SaleShop, remote: SaleRemote, sale: Sale, cents: int) -> None:
    """Recharge a voucher, under an order number that looks like ours."""
    try:
        remote.recharge(shop.loop.now, sale.voucher_id, cents, sale.order_number, "till", None)
    except RefusalError:
        return


def spend(shop: SaleShop, remote: SaleRemote, random: Random, sale: Sale, *, is_refunded: bool) -> Process:
    """Spend all or a part of a voucher; sometimes the goods come back."""
    loop = shop.loop
    cents = random.choice((100, int(sale.amount * 100)))
    try:
        hold = remote.reserve(loop.now, sale.voucher_id, cents)
        yield random.choice((0.5, 5.0, 30.0, 900.0))
        row = remote.charge(loop.now, hold.id, "till", "till", None)
        shop.injector.seen["spent"] += 1
        if is_refunded:
            yield random.uniform(60, 1200)
            remote.refund(loop.now, row.id, cents, "till", None)
    except RefusalError:
        return


def use_and_hold(shop: SaleShop, remote: SaleRemote, random: Random, voucher_id: str) -> Process:
    """Charge a voucher and give that back, so that it cannot be deleted; then reserve it again, and charge that until
    the hold has ended."""
    loop = shop.loop
    try:
        hold = remote.reserve(loop.now, voucher_id, 100)
        row = remote.charge(loop.now, hold.id, "till", "till", None)
        remote.refund(loop.now, row.id, 100, "till", None)
        yield random.uniform(1, 900)
        hold = remote.reserve(loop.now, voucher_id, 200)
        yield random.uniform(1, HOLD_SECONDS - 1)
        remote.charge(loop.now, hold.id, "till", "till", None)
        shop.injector.seen["charged over a return"] += 1
    except RefusalError:
        return
