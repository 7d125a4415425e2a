"""A schedule played on the shipped gateway: the real ORM, the real client, the local Voucher Cloud.

Of the package it takes one name that is not public: where the client of a process is kept.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from random import Random

from django.conf import settings
from django.db import connection as database
from django.test import override_settings

from tests.proofs.differential.fates import Crash, Fates
from tests.proofs.differential.ledger import Ledger, cents, operation_lines, payment_line
from tests.proofs.differential.player import Engine
from tests.proofs.differential.schedule import Schedule, Step
from tests.proofs.differential.scripted_client import MEANINGS, REFUSED, scripted_client
from tests.proofs.differential.standing import Standing
from tests.proofs.simulation.remote import Behaviour as Simulated
from tests.proofs.simulation.remote import euros
from tests.proofs.storm.clock import shared_time
from tests.proofs.storm.day import MORNING, no_rows, quiet
from tests.shop.models import Order
from voucher_payment_gateway import connection, gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.states import MONEY_KINDS, OPEN_STATES
from voucher_payment_gateway.sandbox import LOCAL_CLIENT_ID, ApiError, Behaviour, Clock, LocalVoucherCloud

__all__ = ["Shipped", "shipped"]

MUCH = Decimal("99999.00")
"""What an order costs: never less than is to be captured, which the simulation does not check."""
LONG = 10_000_000
"""Seconds that a token lasts: a late request must not meet an old one."""


@contextmanager
def shipped(schedule: Schedule, fates: Fates) -> Iterator["Shipped"]:
    """Set a shop up with the orders and vouchers of a schedule, on a clock of its own."""
    cloud = LocalVoucherCloud(Clock(MORNING), _behaviour(schedule.behaviour))
    cloud.token_seconds = LONG
    changed = {
        **settings.VOUCHER_PAYMENT_GATEWAY,
        "ERROR_MEANINGS": MEANINGS,
        "API_BEHAVIOUR": {"cancel_reservation": "works"} if schedule.behaviour.release_works else {},
        "SELECTED_HOURS": 720,
        "CAPTURE": "manual",
    }
    with (
        quiet(),
        shared_time(cloud.clock, Random(schedule.seed)),
        override_settings(VOUCHER_PAYMENT_GATEWAY=changed),
        no_rows(),
    ):
        engine = Shipped(schedule, fates, cloud)
        connection._clients[os.getpid(), ""] = engine.client
        try:
            with database.execute_wrapper(engine.client.statement):
                yield engine
        finally:
            connection.close()


def _behaviour(simulated: Simulated) -> Behaviour:
    """Set the switches of the local Voucher Cloud as those of the simulated one."""
    return Behaviour(
        second_charge={"book": "book_again"}.get(simulated.second_charge, simulated.second_charge),
        refund_carries_order_number=simulated.refunds_tell_number,
        refund_limit="less_than" if simulated.refund_limit_is_less else "up_to",
        refund_limit_shrinks=simulated.refund_limit_shrinks,
        cancel_reservation="works" if simulated.release_works else "absent",
        refused_reserve_kills_hold=simulated.refused_reserve_kills_hold,
        order_number_unique=simulated.numbers_are_unique,
        lapse_lag_seconds=simulated.lapse_lag,
        clock_offset_seconds=simulated.clock_offset,
        code_names={"balance": REFUSED},
    )


class Shipped(Engine):
    """A shop with the real gateway, driven step by step."""

    def __init__(self, schedule: Schedule, fates: Fates, cloud: LocalVoucherCloud) -> None:
        super().__init__(schedule, fates)
        self.cloud = cloud
        self.vouchers = [cloud.add_voucher(amount=euros(each)) for each in schedule.balances]
        self.orders = [Order.objects.create(number=each.number, total=MUCH) for each in schedule.orders]
        self.clients = {cloud.add_client(name=who).id: who for who in ("till", "clerk")}
        self.clients[LOCAL_CLIENT_ID] = "shop"
        self.client = scripted_client(self, cloud, self.vouchers)
        self._till: dict[int, str] = {}

    def advance_to(self, at: float) -> None:
        self.cloud.clock.advance((MORNING + timedelta(seconds=at) - self.cloud.clock.now()).total_seconds())

    def now(self) -> float:
        return (self.cloud.clock.now() - MORNING).total_seconds()

    def do(self, step: Step) -> None:
        with suppress(VoucherGatewayError, ApiError, Crash):
            getattr(self, f"_{step.verb}")(step)
        self.client.must_have_crashed()

    def sweep(self) -> None:
        gateway.settle()

    def make_due(self) -> None:
        VoucherOperation.objects.filter(state__in=("due", "unknown")).update(due_at=self.cloud.clock.now())

    def is_open(self) -> bool:
        return VoucherOperation.objects.filter(state__in=OPEN_STATES).exists()

    # What is asked for

    def _authorize(self, step: Step) -> None:
        code, amount = self.vouchers[step.voucher].code, euros(step.cents or 0)
        gateway.authorize(self.orders[step.order], code, amount=amount)

    def _capture(self, step: Step) -> None:
        self._ask(step, lambda payment: gateway.capture(payment, step.cents and euros(step.cents)))

    def _refund(self, step: Step) -> None:
        self._ask(step, lambda payment: gateway.refund(payment, step.cents and euros(step.cents)))

    def _cancel(self, step: Step) -> None:
        self._ask(step, gateway.cancel)

    _capture_part, _refund_part = _capture, _refund

    def _settle(self, step: Step) -> None:
        self.make_due()
        self.sweep()

    def _ask(self, step: Step, verb: Callable[[VoucherPayment], object]) -> None:
        payment = self._payments().get(step.order)
        if payment is not None and not self._standing(payment).leaves_out(step.verb):
            verb(payment)

    def _till_reserve(self, step: Step) -> None:
        code = self.vouchers[step.voucher].code
        self._till[step.voucher] = self.cloud.reserve(
            code, euros(step.cents or 0), client_id=self._client_id("till")
        )

    def _till_charge(self, step: Step) -> None:
        if step.voucher in self._till:
            number = self.orders[step.order].number
            self.cloud.charge(self._till[step.voucher], number, client_id=self._client_id("till"))

    def _clerk(self, step: Step) -> None:
        rows = self.cloud.bookings(self.vouchers[step.voucher].id)
        charges = [row.id for row in rows if (row.type, row.client_id) == ("charge", LOCAL_CLIENT_ID)]
        for newest in charges[-1:]:
            self.cloud.refund(newest, euros(step.cents or 0), client_id=self._client_id("clerk"))

    def _client_id(self, who: str) -> str:
        return next(client_id for client_id, name in self.clients.items() if name == who)

    # What came of it

    def _payments(self) -> dict[int, VoucherPayment]:
        places = {order.number: place for place, order in enumerate(self.orders)}
        return {places[payment.order_number]: payment for payment in VoucherPayment.objects.all()}

    def _operations(self) -> dict[int, list[VoucherOperation]]:
        """Return what moves money, by payment, oldest first."""
        found: dict[int, list[VoucherOperation]] = defaultdict(list)
        for operation in VoucherOperation.objects.filter(kind__in=MONEY_KINDS).order_by("pk"):
            found[operation.payment_id].append(operation)
        return found

    def _standing(self, payment: VoucherPayment) -> Standing:
        operations = self._operations()
        elsewhere = [each for pk, some in operations.items() if pk != payment.pk for each in some]
        return Standing(
            cents(payment.amount_captured),
            cents(payment.amount_refunded),
            tuple((each.kind, each.state, each.attempts) for each in operations[payment.pk]),
            is_voucher_busy=any(
                each.state in OPEN_STATES and each.voucher_id == payment.voucher_id for each in elsewhere
            ),
        )

    def ledger(self) -> Ledger:
        ledger: Ledger = {}
        operations = self._operations()
        for payment in self._payments().values():
            ledger |= payment_line(
                payment.order_number,
                status=payment.status,
                captured=payment.amount_captured,
                refunded=payment.amount_refunded,
                held=payment.amount_authorized,
            )
            ledger |= operation_lines(
                payment.order_number,
                (
                    (each.kind, cents(each.amount), each.state, each.attempts)
                    for each in operations[payment.pk]
                ),
            )
        for place, voucher in enumerate(self.vouchers):
            ledger[f"voucher {place}, cents"] = cents(self.cloud.balance(voucher.id))
            ledger[f"voucher {place}, bookings"] = [
                (row.type, cents(row.amount), self.clients[row.client_id])
                for row in self.cloud.bookings(voucher.id)
            ]
        return ledger
