"""The oracle: what must be true of money, order and codes once the restarted shop has settled."""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from tests.proofs.crash.fallback_oracle import rung_problems, unseen_problems
from tests.proofs.crash.sale_oracle import sale_problems, sale_problems_once_settled
from tests.proofs.crash.scenario import Scenario
from tests.proofs.crash.shop import ANOTHER, order
from tests.proofs.storm import oracle as books
from tests.shop.models import Order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment, VoucherSale
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["Written", "problems", "problems_once_settled", "unconfirmed_codes", "written_so_far"]

WITHOUT_EFFECT = ("refused", "not_applied")

DONE_AT: dict[str, Callable[[Order], object]] = {
    "shipped": lambda order: order.voucher_captured,
    "returned": lambda order: order.voucher_refunded,
    "paid": lambda order: order.voucher_sales.exists(),
}
"""What must be there where the order has this status, and only there."""

Written = dict[str, Decimal]
"""The sums of our rows by kind of operation: moved, or to be moved."""


def written_so_far() -> Written:
    operations = VoucherOperation.objects.exclude(state__in=WITHOUT_EFFECT)
    sums = {"charge": Decimal("0.00"), "refund": Decimal("0.00")}
    for kind, amount in operations.filter(kind__in=sums).values_list("kind", "amount"):
        sums[kind] += amount
    in_place_of_refunds = [
        operations.filter(kind="recharge", payment__isnull=False),
        VoucherSale.objects.filter(replaces_refund__isnull=False).exclude(status="failed"),
    ]
    for rows in in_place_of_refunds:
        sums["refund"] += sum(rows.values_list("amount", flat=True))
    return sums


def problems_once_settled(scenario: Scenario, *, again: bool) -> list[str]:
    """Return the problems once nothing is open, long before holds expire and codes are erased by age."""
    return [
        *_holds(),
        *unseen_problems(scenario),
        *_other_order(scenario, again),
        *sale_problems_once_settled(scenario, to_its_end=again or not scenario.retries),
        *(_still_stored(payment) for payment in _with_a_code() if _needs_no_code(payment)),
    ]


def unconfirmed_codes() -> list[str]:
    """Return the codes that are stored two days later, of orders that were never confirmed."""
    return [_still_stored(payment) for payment in _with_a_code() if payment.confirmed_at is None]


def problems(
    cloud: LocalVoucherCloud, scenario: Scenario, at_crash: Written, *, again: bool, crashed_at: str
) -> list[str]:
    """Return the problems. ``at_crash``: what the crashed process had recorded. ``again``: the shop has retried.
    ``crashed_at``: the crash point."""
    vouchers = [cloud.voucher(each.id) for each in cloud.store.state.vouchers.values() if not each.deleted]
    highest_totals = dict(Order.objects.values_list("number", "total"))
    return [
        *books.problems(cloud, vouchers, highest_totals),
        *_money(scenario, at_crash, again),
        *_order(scenario, again or not scenario.retries),
        *_a_month_later(),
        *rung_problems(scenario, to_its_end=again or not scenario.retries),
        *sale_problems(cloud, scenario, crashed_at),
    ]


def _money(scenario: Scenario, at_crash: Written, again: bool) -> Iterator[str]:
    """What was recorded is executed, and nothing else; the whole scenario, if the shop retries or the sweep does it."""
    sums, in_any_case = order().voucher_payments.sums(), again or not scenario.retries
    for name, kind, at_most in (
        ("captured", "charge", scenario.captured_without_retry or scenario.captured),
        ("refunded", "refund", scenario.refunded),
    ):
        in_full = Decimal(getattr(scenario, name))
        expected = in_full if in_any_case else min(at_crash[kind], Decimal(at_most))
        if sums[name] != expected:
            yield f"{name} is {sums[name]}, {expected} was to be ({at_crash[kind]} was recorded before the crash)"


def _order(scenario: Scenario, to_its_end: bool) -> Iterator[str]:
    now = order()
    statuses = set(now.voucher_payments.values_list("status", flat=True))
    if to_its_end and scenario.status and statuses != {scenario.status}:
        yield f"the payments are {statuses}, {scenario.status} was to be"
    if scenario.order_status:
        done = DONE_AT[scenario.order_status](now)
        if (now.status == scenario.order_status) != bool(done):
            yield f"the order is {now.status}, booked or sold is {done}"
    noted = VoucherOperation.objects.filter(kind="reserve", order_number=now.number).order_by("number")
    last = dict(
        noted.values_list("payment", "remote_id")
    )  # a later reservation of a payment replaces an earlier one
    if now.voucher_reservation_ids != list(last.values()):
        yield "the order names other reservations than our rows"


def _holds() -> Iterator[str]:
    holding = Counter(VoucherPayment.objects.filter(status="authorized").values_list("voucher_id", flat=True))
    for voucher, payments in holding.items():
        if payments > 1:
            yield f"{payments} payments hold the voucher {voucher}"


def _other_order(scenario: Scenario, again: bool) -> Iterator[str]:
    statuses = set(VoucherPayment.objects.filter(order_number=ANOTHER).values_list("status", flat=True))
    if again and scenario.other_status and statuses != {scenario.other_status}:
        yield f"the payments of the other order are {statuses}, {scenario.other_status} was to be"


def _a_month_later() -> Iterator[str]:
    """A month later nothing is held, and no code is stored, whatever the status of its payment."""
    yield from map(_still_stored, _with_a_code())
    for payment in VoucherPayment.objects.filter(status__in=("selected", "authorized")):
        yield f"payment {payment.pk} is still {payment.status}"


def _with_a_code() -> Iterator[VoucherPayment]:
    return VoucherPayment.objects.exclude(sealed_code="").iterator()


def _needs_no_code(payment: VoucherPayment) -> bool:
    """Nothing can be reserved for the payment any more: it has ended, or its full amount is captured."""
    if payment.status == "captured":
        return payment.amount_captured >= payment.amount_agreed
    return payment.status in ("refunded", "cancelled", "failed")


def _still_stored(payment: VoucherPayment) -> str:
    return f"the code of payment {payment.pk} ({payment.status}) is still stored"
