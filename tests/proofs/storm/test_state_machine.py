"""Stateful testing: hypothesis looks for a sequence of verbs and faults that breaks an invariant.

It shrinks a failing sequence, and prints the calls that repeat it.
"""

from collections import Counter
from contextlib import ExitStack
from decimal import Decimal as D
from random import Random

import pytest
from django.db.models import Count
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.proofs.storm.clock import shared_time
from tests.proofs.storm.day import MORNING, no_rows, quiet
from tests.proofs.storm.faults import FaultInjector
from tests.proofs.storm.oracle import problems
from tests.proofs.storm.order_oracle import order_problems
from tests.proofs.storm.shop import People
from tests.proofs.storm.sweeps import until_next
from tests.shop.models import Order
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import Behaviour, Clock, LocalVoucherCloud

NUMBERS = ("1001", "1002")
FAULTS = (
    "before:drop",
    "after:drop",
    "after:500",
    "before:503",
    "after:garbage",
    "late:drop",
    "before:429=3",
)
CALLS = {
    "authorize": "*/reservations",
    "confirm": "*/reservations",
    "capture": "*/charge",
    "capture_part": "*/charge",
}
OPEN = VoucherOperation.objects.filter(state__in=("due", "sending", "unknown"))

orders = st.integers(0, 1)
vouchers = st.integers(0, 1)
ways = st.sampled_from(("alone", "alone", "in a transaction", "rolled back"))
amounts = st.sampled_from(("0.01", "5.00", "10.00", "20.00"))
faults = st.sampled_from(("", *FAULTS))


class Sequences(RuleBasedStateMachine):
    """Two orders, two vouchers, and the people who act on them."""

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.cloud = LocalVoucherCloud(Clock(MORNING), Behaviour())
        for manager in (quiet(), shared_time(self.cloud.clock, Random(0)), no_rows()):
            self.around.enter_context(manager)
        self.vouchers = [self.cloud.add_voucher(code=f"CODE-{name}", amount="20.00") for name in "AB"]
        self.orders = [Order.objects.create(number=number, total=D("30.00")) for number in NUMBERS]
        self.people = People(Random(0), self.cloud, self.orders, self.vouchers)
        self.around.enter_context(self.people.record.listening())
        self.people.injector = FaultInjector(Random(0), 0.0, 0.0, 0.0, self.people.meanwhile, Counter())

    def teardown(self) -> None:
        try:
            self.settle_all()
            found = problems(self.cloud, self.vouchers, self.people.highest_totals)
            found += order_problems(self.cloud, self.vouchers, self.people.record, after_return="stays")
            assert not found, "\n".join([*found, *self.people.story])
        finally:
            self.around.close()

    def do(
        self,
        verb: str,
        order: int,
        voucher: int = 0,
        amount: str = "5.00",
        way: str = "alone",
        fault: str = "",
    ) -> None:
        if fault:
            self.cloud.faults.next(fault, path=CALLS.get(verb, "*/refund"))
        self.people.random = Fixed(self.vouchers[voucher], amount)
        self.people.do(verb, way, self.orders[order])

    @initialize()
    def the_first_order_holds_a_voucher(self) -> None:
        self.do("authorize", 0)

    @rule(order=orders, voucher=vouchers, way=ways, verb=st.sampled_from(("authorize", "select")))
    def enter(self, order: int, voucher: int, way: str, verb: str) -> None:
        self.do(verb, order, voucher, way=way)

    @rule(
        order=orders, way=ways, fault=faults, verb=st.sampled_from(("confirm", "capture", "refund", "cancel"))
    )
    def act_on_all(self, order: int, way: str, fault: str, verb: str) -> None:
        self.do(verb, order, way=way, fault=fault)

    @rule(
        order=orders,
        amount=amounts,
        way=ways,
        fault=faults,
        verb=st.sampled_from(("capture_part", "refund_part")),
    )
    def act_on_a_part(self, order: int, amount: str, way: str, fault: str, verb: str) -> None:
        self.do(verb, order, amount=amount, way=way, fault=fault)

    @rule(voucher=vouchers, amount=amounts, verb=st.sampled_from(("till", "clerk")))
    def others_act(self, voucher: int, amount: str, verb: str) -> None:
        self.people.random = Fixed(self.vouchers[voucher], amount)
        self.people.do(verb, "alone", self.orders[0])

    @rule(minutes=st.sampled_from((1, 2, 16, 25, 36, 60 * 25)))
    def time_passes(self, minutes: int) -> None:
        self.cloud.clock.advance(minutes * 60)

    @rule()
    def sweep(self) -> None:
        self.do("settle", 0)

    @invariant()
    def both_sides_can_be_explained(self) -> None:
        self.cloud.ledger.check()
        for order in self.orders:
            cover = gateway.cover(order)
            assert cover.captured + cover.held <= order.total, cover
        for payment in VoucherPayment.objects.all():
            assert payment.amount_captured <= payment.amount_agreed, payment
        moving = OPEN.filter(kind__in=("charge", "refund")).values("voucher_id")
        assert not moving.annotate(count=Count("pk")).filter(count__gt=1).exists()

    def settle_all(self) -> None:
        self.cloud.faults.clear()
        for _ in range(60):
            self.cloud.clock.advance(until_next(OPEN, self.cloud.clock.now()) + 1)
            self.do("settle", 0)
            if not OPEN.exists():
                break
        self.cloud.clock.advance(3 * 3600)
        self.do("settle", 0)


class Fixed(Random):
    """A random generator with a fixed voucher and amount."""

    def __init__(self, voucher: object, amount: str) -> None:
        super().__init__(0)
        self.voucher, self.amount = voucher, amount

    def choice(self, among):
        if self.voucher in among:
            return self.voucher
        return self.amount if self.amount in among else super().choice(among)


@pytest.mark.django_db(transaction=True)
def test_no_sequence_of_calls_and_faults_breaks_what_must_hold():
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=60,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
