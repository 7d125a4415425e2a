"""Random schedules of customers and staff with faults of the Voucher Cloud: at the end every cent is where all three
records say. A failing seed is replayed by its number."""

import random
from decimal import Decimal

import pytest
from django.core.cache import cache

from tests.hosts.django_payments.models import Payment
from tests.hosts.django_payments.oracle import problems, settle_to_the_end
from voucher_payment_gateway.money import CENT

SEEDS, STEPS, ROWS = 4, 24, 3
VERBS = ("enter", "enter", "post", "capture", "capture", "refund", "refund", "release", "cancel", "wait")


class Schedule:
    """One shop day, drawn from a seed."""

    def __init__(self, shop, seed):
        self.shop, self.chance = shop, random.Random(seed)
        self.rows, self.codes = [], []
        for _ in range(ROWS):
            self.codes.append(f"GIFT-{seed:03}-{len(self.codes)}")
            shop.voucher(self.amount(1000, 6000), code=self.codes[-1])
            variant = self.chance.choice(["voucher", "voucher-at-once"])
            self.rows.append(shop.payment(self.amount(500, 4000), variant=variant))
        self.totals = {row.pk: row.total for row in self.rows}
        shop.cloud.faults.draw(seed, rate=0.12, late_seconds=500)

    def amount(self, low, high):
        return (Decimal(self.chance.randint(low, high)) / 100).quantize(CENT)

    def step(self):
        verb, row = self.chance.choice(VERBS), self.chance.choice(self.rows)
        if verb == "wait":
            self.shop.later(minutes=self.chance.choice([1, 5, 20]))
            cache.clear()
            self.shop.settle()
        elif verb in ("enter", "post"):
            getattr(self.shop, verb)(row, code=self.chance.choice(self.codes))
        else:
            is_part = verb in ("capture", "refund") and self.chance.random() < 0.6
            self.shop.staff(row, verb, **({"amount": self.amount(100, 2000)} if is_part else {}))


def played(shop, seed):
    schedule = Schedule(shop, seed)
    for _ in range(STEPS):
        schedule.step()
    shop.cloud.faults.clear()
    shop.cloud.faults.land_late()
    settle_to_the_end(shop.later)
    return schedule


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_cent_is_where_all_records_say(shop, seed):
    schedule = played(shop, seed)
    assert problems(shop.cloud, schedule.totals) == []


def test_the_schedules_do_what_they_are_for(shop):
    """Money moves, and faults occur: a simulation of refusals alone would prove nothing."""
    played(shop, 1)
    kinds = [kind for voucher in shop.vouchers for kind, _ in shop.bookings(voucher)]
    assert {"charge", "refund"} <= set(kinds)
    assert shop.cloud.faults.log


@pytest.mark.parametrize("mistake", [{"captured_amount": 1}, {"status": "waiting"}, {"status": "refunded"}])
def test_the_oracle_notices_a_row_that_is_out_of_step(shop, mistake):
    payment, _ = shop.captured("20.00")
    totals = {payment.pk: Decimal("20.00")}
    assert problems(shop.cloud, totals) == []
    Payment.objects.filter(pk=payment.pk).update(**mistake)
    assert len(problems(shop.cloud, totals)) == 1


def test_the_oracle_notices_a_charge_that_the_shop_does_not_know(shop):
    payment, voucher = shop.captured("20.00")
    shop.cloud.refund(next(row.id for row in shop.cloud.bookings(voucher.id)), "1.00")
    assert problems(shop.cloud, {payment.pk: Decimal("20.00")}) != []
