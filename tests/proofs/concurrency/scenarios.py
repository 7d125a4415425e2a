"""What a crowd does in one round, and what must be true afterwards."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django.db
from django.db import transaction

from tests.proofs.concurrency.workers import Crowd
from tests.proofs.crash.shop import later, open_operations, settle_until_nothing_is_open, until_next
from tests.proofs.storm import oracle
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import (
    OutcomeUnknownError,
    PaymentStateError,
    RefusedError,
    UnavailableError,
)
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.sandbox import LocalVoucherCloud
from voucher_payment_gateway.signals import payment_captured

__all__ = ["KINDS", "Kind", "hear"]

AMOUNT = Decimal("20.00")
ORDERS, UNKNOWN = 8, 50
TOGETHER = 60
"""Seconds that the sweep comes late, so that many operations are due at once."""
CRUSHED = (PaymentStateError, RefusedError, OutcomeUnknownError, django.db.OperationalError)
"""What a shop may be told in the crush; a database that is locked is among it, and costs no money."""
CHARGE = {"method": "POST", "path": "*/charge"}

heard: list[str] = []
"""The orders that this process was told to be captured."""


@dataclass(frozen=True)
class Kind:
    """One sort of round: how many do what at the same moment."""

    play: Callable[[Crowd, LocalVoucherCloud, int], list[str]]
    processes: int = 8
    threads: int = 8


def one_order(crowd: Crowd, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All capture the same order."""
    vouchers, orders = _authorized(cloud, number, 1)
    ends = crowd.at_once(_capture, orders[0].number)
    nobody = [] if "" in ends else [f"nobody captured it: {Counter(ends)}"]
    return [*nobody, *_problems(crowd, cloud, vouchers, orders, charges=1)]


def one_voucher(crowd: Crowd, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All authorize and capture one of several orders with the same voucher, which pays one of them."""
    vouchers = [cloud.add_voucher(code=_code(number), amount=AMOUNT)]
    orders = [_order(number, each) for each in range(ORDERS)]
    crowd.at_once(_authorize_and_capture, [order.number for order in orders], _code(number))
    _settle()
    if not any(order.voucher_captured for order in orders):  # each evicted another
        gateway.authorize(orders[0], _code(number))
        gateway.capture(orders[0])
    return _problems(crowd, cloud, vouchers, orders, charges=1)


def capture_against_settle(crowd: Crowd, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """Half of them capture an order whose charge is due, the other half settle."""
    vouchers, orders = _authorized(cloud, number, 1)
    cloud.faults.next("before:503", **CHARGE)
    with transaction.atomic():
        gateway.capture(orders[0])
    later(until_next())
    crowd.at_once(_capture_or_settle, orders[0].number)
    return _problems(crowd, cloud, vouchers, orders, charges=1)


def settlers(crowd: Crowd, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All settle the same unknown operations, until none is open: half are booked, half were lost."""
    vouchers, orders = _authorized(cloud, number, UNKNOWN)
    for index, order in enumerate(orders):
        cloud.faults.next(("after:drop", "before:drop")[index % 2], **CHARGE)
        with suppress(OutcomeUnknownError):
            gateway.capture(order)
    while open_operations().exists():
        later(until_next() + TOGETHER)
        crowd.at_once(_sweep)
    return _problems(crowd, cloud, vouchers, orders, charges=UNKNOWN)


KINDS = {
    "one_order": Kind(one_order),
    "one_voucher": Kind(one_voucher),
    "capture_against_settle": Kind(capture_against_settle),
    "settlers": Kind(settlers, processes=2, threads=1),
}


def hear() -> None:
    """Note from now on what this process is told."""
    payment_captured.connect(_hear, weak=False)


def _hear(order_number: str, **_: Any) -> None:
    heard.append(order_number)


def _take_heard() -> list[str]:
    taken = heard[:]
    heard.clear()
    return taken


def _code(number: int, index: int = 0) -> str:
    return f"CROWD-{number:06}-{index:02}"


def _order(number: int, index: int) -> Order:
    return Order.objects.create(number=f"P-{number}-{index}", total=AMOUNT)


def _authorized(cloud: LocalVoucherCloud, number: int, count: int) -> tuple[list[Any], list[Order]]:
    codes = [_code(number, index) for index in range(count)]
    vouchers = [cloud.add_voucher(code=code, amount=AMOUNT) for code in codes]
    orders = [_order(number, index) for index in range(count)]
    for order, code in zip(orders, codes, strict=True):
        gateway.authorize(order, code)
    return vouchers, orders


# what a worker does; it returns how that ended


def _capture(worker: int, order: str) -> str:
    return _crushed(lambda: gateway.capture(Order.objects.get(number=order)))


def _authorize_and_capture(worker: int, orders: list[str], code: str) -> str:
    order = orders[worker % len(orders)]
    tried = _crushed(lambda: gateway.authorize(Order.objects.get(number=order), code))
    return tried or _capture(worker, order)


def _capture_or_settle(worker: int, order: str) -> str:
    return _sweep(worker) if worker % 2 else _capture(worker, order)


def _sweep(worker: int) -> str:
    return _crushed(gateway.settle)


def _crushed(verb: Callable[[], object]) -> str:
    try:
        verb()
    except UnavailableError as error:
        if error.code not in ("voucher_being_charged", "voucher_busy"):
            raise
        return error.code
    except CRUSHED as error:
        return type(error).__name__
    return ""


# what must be true afterwards


def _problems(
    crowd: Crowd, cloud: LocalVoucherCloud, vouchers: list[Any], orders: list[Order], *, charges: int
) -> list[str]:
    """Return what is wrong: not exactly so many charges, a cent that differs, a fact told twice or not at all."""
    _settle()
    totals = {order.number: order.total for order in orders}
    found = oracle.problems(cloud, vouchers, totals)
    booked = [row for voucher in vouchers for row in cloud.bookings(voucher.id)]
    if [row.type for row in booked] != ["charge"] * charges:
        found.append(f"booked are {[row.type for row in booked]}, {charges} charges were to be")
    captured = sorted(order.number for order in orders if order.voucher_captured)
    announced = sorted(
        [*_take_heard(), *(name for names in crowd.each_process(_take_heard) for name in names)]
    )
    if captured != announced:
        found.append(f"captured are {captured}, the shop was told of {announced}")
    return [*found, *(problem for order in orders for problem in _gaps(order))]


def _gaps(order: Order) -> list[str]:
    numbers = sorted(
        VoucherOperation.objects.filter(order_number=order.number).values_list("number", flat=True)
    )
    return [] if numbers == list(range(1, len(numbers) + 1)) else [f"{order} has the operations {numbers}"]


def _settle() -> None:
    if open_operations().exists():
        settle_until_nothing_is_open()
