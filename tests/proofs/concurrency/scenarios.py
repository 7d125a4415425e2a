"""What the workers do in one round, and what must be true afterwards."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django.db
from django.db import transaction

from tests.proofs.concurrency.workers import Workers
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
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.states import HELD_BEFORE
from voucher_payment_gateway.sandbox import LocalVoucherCloud
from voucher_payment_gateway.signals import payment_captured

__all__ = ["SCENARIOS", "Scenario", "record_captures"]

AMOUNT = Decimal("20.00")
ORDERS, UNKNOWN_OPERATIONS = 8, 50
SWEEP_DELAY_SECONDS = 60
"""The delay of the sweep, so that many operations are due at once."""
EXPECTED_ERRORS = (PaymentStateError, RefusedError, OutcomeUnknownError, django.db.OperationalError)
"""Errors that concurrent workers may get; a locked database is one of them, and costs no money."""
CHARGE = {"method": "POST", "path": "*/charge"}

recorded: list[str] = []
"""The orders whose capture was announced in this process."""


@dataclass(frozen=True)
class Scenario:
    """A round, and its number of processes and threads."""

    play: Callable[[Workers, LocalVoucherCloud, int], list[str]]
    processes: int = 8
    threads: int = 8


def one_order(workers: Workers, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All workers capture the same order."""
    vouchers, orders = _authorized(cloud, number, 1)
    ends = workers.at_once(_capture, orders[0].number)
    not_captured = [] if "" in ends else [f"no worker captured it: {Counter(ends)}"]
    return [*not_captured, *_problems(workers, cloud, vouchers, orders, charges=1)]


def one_voucher(workers: Workers, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All workers authorize and capture one of several orders with the same voucher, which pays only one."""
    vouchers = [cloud.add_voucher(code=_code(number), amount=AMOUNT)]
    orders = [_order(number, each) for each in range(ORDERS)]
    workers.at_once(_authorize_and_capture, [order.number for order in orders], _code(number))
    _settle()
    if not any(order.voucher_captured for order in orders):  # each replaced the hold of another
        gateway.authorize(orders[0], _code(number))
        gateway.capture(orders[0])
    return _problems(workers, cloud, vouchers, orders, charges=1)


def confirmations(workers: Workers, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All workers confirm several orders with one voucher, which pays three of them: no more is agreed than it holds,
    and what was agreed is charged."""
    paid, code = 3, _code(number)
    vouchers = [cloud.add_voucher(code=code, amount=paid * AMOUNT)]
    orders = [_order(number, each) for each in range(ORDERS)]
    for order in orders:
        gateway.select(order, code)
    workers.at_once(_confirm, [order.number for order in orders])
    for order in orders:  # whoever met only conflicts is confirmed now, if anything is left
        _confirm(0, [order.number])
    confirmed = list(VoucherPayment.objects.filter(confirmed_at__isnull=False, status__in=HELD_BEFORE))
    agreed = sum(payment.amount_agreed for payment in confirmed)
    too_much = [] if agreed == paid * AMOUNT else [f"{agreed} are agreed, the voucher holds {paid * AMOUNT}"]
    for payment in confirmed:
        gateway.capture(payment)
    return [*too_much, *_problems(workers, cloud, vouchers, orders, charges=paid)]


def capture_against_settle(workers: Workers, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """Half of the workers capture an order whose charge is due, the other half settle."""
    vouchers, orders = _authorized(cloud, number, 1)
    cloud.faults.next("before:503", **CHARGE)
    with transaction.atomic():
        gateway.capture(orders[0])
    later(until_next())
    workers.at_once(_capture_or_settle, orders[0].number)
    return _problems(workers, cloud, vouchers, orders, charges=1)


def settlers(workers: Workers, cloud: LocalVoucherCloud, number: int) -> list[str]:
    """All workers settle the same unknown operations until none is open: half are booked, half were lost."""
    vouchers, orders = _authorized(cloud, number, UNKNOWN_OPERATIONS)
    for index, order in enumerate(orders):
        cloud.faults.next(("after:drop", "before:drop")[index % 2], **CHARGE)
        with suppress(OutcomeUnknownError):
            gateway.capture(order)
    while open_operations().exists():
        later(until_next() + SWEEP_DELAY_SECONDS)
        workers.at_once(_sweep)
    return _problems(workers, cloud, vouchers, orders, charges=UNKNOWN_OPERATIONS)


SCENARIOS = {
    "one_order": Scenario(one_order),
    "one_voucher": Scenario(one_voucher),
    "confirmations": Scenario(confirmations),
    "capture_against_settle": Scenario(capture_against_settle),
    "settlers": Scenario(settlers, processes=2, threads=1),
}


def record_captures() -> None:
    """Record the captures announced in this process from now on."""
    payment_captured.connect(_record, weak=False)


def _record(order_number: str, **_: Any) -> None:
    recorded.append(order_number)


def _take_recorded() -> list[str]:
    taken = recorded[:]
    recorded.clear()
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


def _capture(worker: int, order: str) -> str:
    return _outcome(lambda: gateway.capture(Order.objects.get(number=order)))


def _authorize_and_capture(worker: int, orders: list[str], code: str) -> str:
    order = orders[worker % len(orders)]
    tried = _outcome(lambda: gateway.authorize(Order.objects.get(number=order), code))
    return tried or _capture(worker, order)


def _confirm(worker: int, orders: list[str]) -> str:
    order = Order.objects.get(number=orders[worker % len(orders)])
    return _outcome(lambda: gateway.authorize_selected(order))


def _capture_or_settle(worker: int, order: str) -> str:
    return _sweep(worker) if worker % 2 else _capture(worker, order)


def _sweep(worker: int) -> str:
    return _outcome(gateway.settle)


def _outcome(verb: Callable[[], object]) -> str:
    try:
        verb()
    except UnavailableError as error:
        if error.code not in ("voucher_being_charged", "voucher_busy"):
            raise
        return error.code
    except EXPECTED_ERRORS as error:
        return type(error).__name__
    return ""


def _problems(
    workers: Workers, cloud: LocalVoucherCloud, vouchers: list[Any], orders: list[Order], *, charges: int
) -> list[str]:
    """Return the problems: a wrong number of charges, a wrong cent, a capture announced twice or never."""
    _settle()
    totals = {order.number: order.total for order in orders}
    found = oracle.problems(cloud, vouchers, totals)
    booked = [row for voucher in vouchers for row in cloud.bookings(voucher.id)]
    if [row.type for row in booked] != ["charge"] * charges:
        found.append(f"booked are {[row.type for row in booked]}, {charges} charges were to be")
    captured = sorted(order.number for order in orders if order.voucher_captured)
    announced = sorted(
        [*_take_recorded(), *(name for names in workers.each_process(_take_recorded) for name in names)]
    )
    if captured != announced:
        found.append(f"captured are {captured}, the signals announced {announced}")
    return [*found, *(problem for order in orders for problem in _numbering_gaps(order))]


def _numbering_gaps(order: Order) -> list[str]:
    numbers = sorted(
        VoucherOperation.objects.filter(order_number=order.number).values_list("number", flat=True)
    )
    return [] if numbers == list(range(1, len(numbers) + 1)) else [f"{order} has the operations {numbers}"]


def _settle() -> None:
    if open_operations().exists():
        settle_until_nothing_is_open()
