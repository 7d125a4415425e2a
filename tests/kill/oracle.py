"""What must be true once the restarted shop has settled: of the money, of the order, of the codes."""

from collections.abc import Iterator
from decimal import Decimal

from tests.kill.shop import order
from tests.kill.stories import Story
from tests.storm import oracle as books
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.sandbox import LocalVoucherCloud

__all__ = ["Written", "problems", "written_so_far"]

CAME_TO_NOTHING = ("refused", "not_applied")

Written = dict[str, Decimal]
"""What our rows say of an order, by kind of operation: what moved, or is to."""


def written_so_far() -> Written:
    operations = VoucherOperation.objects.exclude(state__in=CAME_TO_NOTHING)
    sums = {"charge": Decimal("0.00"), "refund": Decimal("0.00")}
    for kind, amount in operations.filter(kind__in=sums).values_list("kind", "amount"):
        sums[kind] += amount
    return sums


def problems(cloud: LocalVoucherCloud, story: Story, at_death: Written, *, again: bool) -> list[str]:
    """Return what is wrong. ``at_death``: what the dead process had written down. ``again``: the shop called again."""
    vouchers = [cloud.voucher(voucher_id) for voucher_id in cloud.books.state.vouchers]
    wrong = books.problems(cloud, vouchers, {order().number: order().total}, refused_as_forbidden=False)
    return [*wrong, *_money(story, at_death, again), *_order(story, again), *_codes()]


def _money(story: Story, at_death: Written, again: bool) -> Iterator[str]:
    """What was written down is carried out, and nothing else; all of it, where the shop or the sweep goes on."""
    now, in_any_case = order(), again or not story.calls_again
    for name, kind, is_now in (
        ("captured", "charge", now.voucher_captured),
        ("refunded", "refund", now.voucher_refunded),
    ):
        in_full = Decimal(getattr(story, name))
        expected = in_full if in_any_case else min(at_death[kind], in_full)
        if is_now != expected:
            yield f"{name} is {is_now}, {expected} was to be ({at_death[kind]} was written down at the death)"


def _order(story: Story, again: bool) -> Iterator[str]:
    payments = VoucherPayment.objects.filter(order_number=order().number)
    statuses = {payment.status for payment in payments}
    if again and story.status and statuses != {story.status}:
        yield f"the payments are {statuses}, {story.status} was to be"
    shipped, captured = order().status == "shipped", order().voucher_captured > 0
    if story.ships and shipped != captured:
        yield f"the order is {order().status}, captured are {order().voucher_captured}"
    noted = VoucherOperation.objects.filter(kind="reserve").order_by("number")
    if order().voucher_reservation_ids != list(noted.values_list("remote_id", flat=True)):
        yield "the order names other reservations than our rows"


def _codes() -> Iterator[str]:
    """Days later no code is stored any more, whatever became of its payment."""
    for payment in VoucherPayment.objects.exclude(sealed_code=""):
        yield f"the code of payment {payment.pk} ({payment.status}) is still stored"
