"""Random schedules of customers and clerks with faults of the Voucher Cloud: at the end both ledgers, and the sources
of Oscar, are equal to the cent. A failing seed is replayed by its number."""

import random
from contextlib import suppress
from decimal import Decimal

import pytest
from django.core.cache import cache
from oscar.apps.payment.exceptions import PaymentError
from oscar.core.loading import get_model

from tests.hosts.oscar_api_checkout.shop import card, cash, voucher
from tests.hosts.oscar_books import differences
from tests.hosts.settled import settle_to_the_end
from voucher_payment_gateway import gateway
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import CENT

SEEDS, STEPS, BUYERS = 4, 16, 2
VERBS = (
    "checkout",
    "checkout",
    "checkout",
    "bank",
    "ship",
    "ship",
    "give_back",
    "give_back",
    "cancel",
    "wait",
)


class Schedule:
    """One shop day, drawn from a seed."""

    def __init__(self, shop, later, seed):
        self.shop, self.later, self.chance = shop, later, random.Random(seed)
        self.codes = [f"GIFT-{seed:03}-{number}" for number in range(3)]
        self.vouchers = [shop.voucher(self.amount(1000, 6000), code=code) for code in self.codes]
        self.buyers = [shop.buyer(self.amount(1000, 7000)) for _ in range(BUYERS)]
        self.authorized = set()
        shop.buyer("20.00").checkout(
            v1=voucher(self.codes[0], "5.00"), cash=cash()
        )  # one order is always paid
        shop.cloud.faults.next("after:drop", path="*/charge")  # and the answer to its charge is lost
        self.ship(None, shop.order)
        shop.cloud.faults.draw(seed, rate=0.25, late_seconds=500)

    def amount(self, low, high):
        return (Decimal(self.chance.randint(low, high)) / 100).quantize(CENT)

    def step(self):
        buyer = self.chance.choice(self.buyers)
        getattr(self, self.chance.choice(VERBS))(buyer, self.order_of(buyer))
        cache.clear()

    def order_of(self, buyer):
        return get_model("order", "Order").objects.filter(basket_id=buyer.basket).first()

    def checkout(self, buyer, order):
        codes = self.chance.sample(self.codes, self.chance.randint(0, 2))
        payment = {
            f"v{number}": voucher(code, str(self.amount(100, 500))) for number, code in enumerate(codes)
        }
        rest = self.chance.choice([cash(), card(), voucher(self.codes[0])])
        name = "v9" if rest["method_type"] == "gift-voucher" else rest["method_type"]
        answer = buyer.checkout(**payment, **{name: rest})
        assert answer.status_code in (200, 406), answer.content
        self.look_at(self.order_of(buyer))

    def bank(self, buyer, order):
        _, states = buyer.states() if order else ("", {})
        if states.get("card", ("",))[0] == "Pending":
            answer = buyer.bank(order, states["card"][1], **self.chance.choice([{}, {}, {"refused": "yes"}]))
            assert answer.status_code == 200, answer.content
            self.look_at(self.order_of(buyer))

    def look_at(self, order):
        """At the moment when an order is authorized, all that it costs is held, and each hold is a real one."""
        if not order or order.status != "Authorized" or order.pk in self.authorized:
            return
        self.authorized.add(order.pk)
        payments = VoucherPayment.objects.filter(order_number=order.number)
        held = sum(payment.amount_authorized for payment in payments)
        listed = {True: 0, False: 0}
        for source in order.sources.all():
            listed[source.source_type.name == "Gift voucher"] += source.amount_allocated
        assert listed[True] == held
        assert sum(listed.values()) >= order.total_incl_tax
        assert all(payment.confirmed_at for payment in payments if payment.amount_authorized)

    def ship(self, buyer, order):
        if order and order.status == "Authorized" and not order.shipping_events.exists():
            self.staff(lambda: self.shop.ship(order))

    def give_back(self, buyer, order):
        if order and order.shipping_events.exists():
            self.staff(lambda: self.shop.give_back(self.amount(100, 2000), order=order))

    def cancel(self, buyer, order):
        if order and order.status == "Authorized" and self.chance.random() < 0.3:
            self.staff(lambda: self.shop.events().handle_order_status_change(order, "Canceled"))

    def wait(self, buyer, order):
        self.later(minutes=self.chance.choice([1, 5, 40]))
        gateway.settle()

    def staff(self, act):
        with suppress(PaymentError):  # the clerk is told, and goes on with something else
            act()

    def settle_to_the_end(self):
        self.shop.cloud.faults.clear()
        self.shop.cloud.faults.land_late()
        for order in get_model("order", "Order").objects.filter(status="Authorized"):
            self.ship(None, order)
        settle_to_the_end(self.later)


def played(shop, later, seed):
    schedule = Schedule(shop, later, seed)
    for _ in range(STEPS):
        schedule.step()
    schedule.settle_to_the_end()
    return schedule


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_cent_is_where_all_records_say(api_shop, later, seed):
    played(api_shop, later, seed)

    assert differences(api_shop.cloud) == []


def test_the_schedules_do_what_they_are_for(api_shop, later):
    """Money moves, and faults occur: a schedule of refusals alone would prove nothing."""
    schedule = played(api_shop, later, 0)

    kinds = {kind for each in schedule.vouchers for kind, _ in api_shop.bookings(each)}
    assert "charge" in kinds
    assert api_shop.cloud.faults.log


def test_the_oracle_notices_a_source_that_is_out_of_step(api_shop, later):
    played(api_shop, later, 0)
    source = (
        get_model("payment", "Source")
        .objects.filter(amount_debited__gt=0, source_type__name="Gift voucher")
        .first()
    )

    source.amount_debited += 1
    source.save()

    assert len(differences(api_shop.cloud)) == 2  # the sum, and the transactions of the source
