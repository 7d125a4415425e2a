"""Every planted difference is reported with its kind, and nothing else."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.gateway.planted_differences import SORTS, World
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherDifference
from voucher_payment_gateway.sandbox.behaviour import DOCUMENTED, HOSTILE

VOUCHERS, ORDERS, PLANTED = 40, 11, 400
BEHAVIOURS = {
    "documented": DOCUMENTED,
    "refunds without number, lag, small pages": HOSTILE.but(
        refund_by_other_client="accept", refund_limit="up_to", largest_page=25
    ),
    "prefix filter, lag, clock ahead": DOCUMENTED.but(
        order_number_filter="prefix", list_lag_seconds=55, clock_offset_seconds=7200, second_charge="same"
    ),
}


def reconcile():
    now = timezone.now()
    return gateway.reconcile(now - timedelta(days=1), now + timedelta(days=1))


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_hundreds_of_planted_differences_are_found_and_nothing_else(shop, behaviour, figures):
    shop.cloud.behaviour = behaviour
    world = World(shop, seed=1)
    paid = []
    for _ in range(VOUCHERS):
        world.voucher()
        paid += [world.paid(world.vouchers[-1]) for _ in range(ORDERS)]
        world.others(world.vouchers[-1], paid[-1])
        world.under_way(world.vouchers[-1])
    world.write()
    shop.later(minutes=5)
    assert reconcile() == []
    for number, order in enumerate(world.random.sample(paid, PLANTED)):
        world.plant(list(SORTS)[number % len(SORTS)], order)
    world.write()
    shop.later(minutes=5)
    for voucher in world.vouchers:
        world.just_booked(voucher)
    world.write()

    found = reconcile()

    right = sum(world.planted.get(row.remote_id, ("",))[0] == row.kind for row in found)
    figures("planted differences", found=(right, len(world.planted)), false_alarms=len(found) - right)
    assert len(world.planted) == PLANTED
    assert {row.remote_id: row.kind for row in found} == {
        remote_id: kind for remote_id, (kind, _) in world.planted.items()
    }
    wrong = [row for row in found if row.order_number not in ("", world.planted[row.remote_id][1])]
    assert wrong == []
    named = Counter(row.kind for row in found if row.order_number)
    if behaviour.refund_carries_order_number:
        assert (
            PLANTED - named.total() <= PLANTED / len(SORTS) + 1
        )  # bookings of our client under an unknown order number
    assert [row.pk for row in reconcile()] == [row.pk for row in found]
    assert VoucherDifference.objects.count() == PLANTED
