"""What must be true once the restarted shop has settled: of the money, of the order, of the codes."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tests.proofs.crash.scenarios import Story
from tests.proofs.crash.shop import ANOTHER, order
from tests.proofs.storm import oracle as books
from tests.shop.models import Order
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["Written", "problems", "problems_once_settled", "written_so_far"]

CAME_TO_NOTHING = ("refused", "not_applied")

BOOKED_AT = {"shipped": "voucher_captured", "returned": "voucher_refunded"}
"""What is booked where the order has this status."""

Written = dict[str, Decimal]
"""What our rows say of an order, by kind of operation: what moved, or is to."""


def written_so_far() -> Written:
    operations = VoucherOperation.objects.exclude(state__in=CAME_TO_NOTHING)
    sums = {"charge": Decimal("0.00"), "refund": Decimal("0.00")}
    for kind, amount in operations.filter(kind__in=sums).values_list("kind", "amount"):
        sums[kind] += amount
    return sums


def problems_once_settled(story: Story, *, again: bool) -> list[str]:
    """Return what is wrong once nothing is open any more, long before time ends all holds and erases all codes."""
    return [
        *_holds(),
        *_other_order(story, again),
        *(_still_stored(payment) for payment in _with_a_code() if _needs_no_code(payment)),
    ]


def problems(cloud: LocalVoucherCloud, story: Story, at_death: Written, *, again: bool) -> list[str]:
    """Return what is wrong. ``at_death``: what the dead process had written down. ``again``: the shop called again."""
    vouchers = [cloud.voucher(voucher_id) for voucher_id in cloud.store.state.vouchers]
    dearest = dict(Order.objects.values_list("number", "total"))
    return [
        *books.problems(cloud, vouchers, dearest),
        *_money(story, at_death, again),
        *_order(story, again or not story.calls_again),
        *_left_over(),
    ]


def _money(story: Story, at_death: Written, again: bool) -> Iterator[str]:
    """What was written down is carried out, and nothing else; all of it, where the shop or the sweep goes on."""
    sums, in_any_case = order().voucher_payments.sums(), again or not story.calls_again
    for name, kind, at_most in (
        ("captured", "charge", story.left_alone or story.captured),
        ("refunded", "refund", story.refunded),
    ):
        in_full = Decimal(getattr(story, name))
        expected = in_full if in_any_case else min(at_death[kind], Decimal(at_most))
        if sums[name] != expected:
            yield f"{name} is {sums[name]}, {expected} was to be ({at_death[kind]} was written down at the death)"


def _order(story: Story, to_its_end: bool) -> Iterator[str]:
    now = order()
    statuses = set(now.voucher_payments.values_list("status", flat=True))
    if to_its_end and story.status and statuses != {story.status}:
        yield f"the payments are {statuses}, {story.status} was to be"
    if story.turns and (now.status == story.turns) != (getattr(now, BOOKED_AT[story.turns]) > 0):
        yield f"the order is {now.status}, {BOOKED_AT[story.turns]} is {getattr(now, BOOKED_AT[story.turns])}"
    noted = VoucherOperation.objects.filter(kind="reserve", order_number=now.number).order_by("number")
    if now.voucher_reservation_ids != list(noted.values_list("remote_id", flat=True)):
        yield "the order names other reservations than our rows"


def _holds() -> Iterator[str]:
    holding = Counter(VoucherPayment.objects.filter(status="authorized").values_list("voucher_id", flat=True))
    for voucher, payments in holding.items():
        if payments > 1:
            yield f"{payments} payments hold the voucher {voucher}"


def _other_order(story: Story, again: bool) -> Iterator[str]:
    statuses = set(VoucherPayment.objects.filter(order_number=ANOTHER).values_list("status", flat=True))
    if again and story.other and statuses != {story.other}:
        yield f"the payments of the other order are {statuses}, {story.other} was to be"


def _left_over() -> Iterator[str]:
    """Days later nothing is held any more, and no code is stored, whatever became of its payment."""
    yield from map(_still_stored, _with_a_code())
    for payment in VoucherPayment.objects.filter(status__in=("selected", "authorized")):
        yield f"payment {payment.pk} is still {payment.status}"


def _with_a_code() -> Iterator[VoucherPayment]:
    return VoucherPayment.objects.exclude(sealed_code="").iterator()


def _needs_no_code(payment: VoucherPayment) -> bool:
    """Nothing can be held for it any more: it is over, or all that was agreed to is captured."""
    if payment.status == "captured":
        return payment.amount_captured >= payment.amount_agreed
    return payment.status in ("refunded", "cancelled", "failed")


def _still_stored(payment: VoucherPayment) -> str:
    return f"the code of payment {payment.pk} ({payment.status}) is still stored"
