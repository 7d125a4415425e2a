"""The rules of sales: each decision, and every path of status, target, fault and crash that they allow."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import product

import pytest

from voucher_payment_gateway.rules.resolution import expiry_of
from voucher_payment_gateway.rules.sales import (
    ENDED_SALES,
    TARGETS,
    bookings_are_final_from,
    is_unpaid_too_long,
    is_whole,
    needs_recipient,
    next_step,
    spent_amount,
    stays_inactive_from,
    target_after,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STATUSES = ("ordered", "issued", "active", "taken_back", "failed")


@dataclass(frozen=True)
class Booking:
    type: str
    amount: D
    id: str = ""
    order_number: str = ""
    client_id: str = ""


@pytest.mark.parametrize(
    ("status", "target", "step"),
    [
        ("ordered", "issued", "issue"),
        ("ordered", "active", "issue"),
        ("issued", "issued", None),
        ("issued", "active", "activate"),
        ("issued", "taken_back", "deactivate"),
        ("active", "issued", None),
        ("active", "active", None),
        ("active", "taken_back", "deactivate"),
    ],
)
@pytest.mark.parametrize("was_sent", [False, True])
def test_the_next_step_leads_to_what_the_shop_wants(status, target, step, was_sent):
    assert next_step(status, target, was_sent=was_sent) == step


def test_a_creation_that_may_have_arrived_is_finished_before_it_is_taken_back():
    steps = [next_step("ordered", "taken_back", was_sent=was_sent) for was_sent in (False, True)]
    assert steps == ["end", "issue"]


@pytest.mark.parametrize(("status", "target"), list(product(ENDED_SALES, TARGETS)))
def test_nothing_follows_an_end(status, target):
    assert next_step(status, target, was_sent=True) is None


@pytest.mark.parametrize(("target", "wanted"), list(product(TARGETS, TARGETS)))
def test_a_target_is_never_replaced_by_an_earlier_one(target, wanted):
    later = target_after(target, wanted)
    assert later in (target, wanted)
    assert TARGETS.index(later) == max(TARGETS.index(target), TARGETS.index(wanted))


@pytest.mark.parametrize(
    ("status", "target", "days", "expected"),
    [
        ("ordered", "issued", 14, True),
        ("issued", "issued", 14, True),
        ("issued", "issued", 13.9, False),
        ("issued", "active", 99, False),
        ("issued", "taken_back", 99, False),
        ("active", "issued", 99, False),
        ("failed", "issued", 99, False),
    ],
)
def test_an_order_has_its_days_to_be_paid(status, target, days, expected):
    now = NOON + timedelta(days=days)
    assert is_unpaid_too_long(status, target, NOON, now, days=14) is expected


def test_a_voucher_stays_inactive_once_no_copy_of_its_activation_can_arrive():
    grace = timedelta(minutes=15)
    assert stays_inactive_from(None, grace) is None
    assert stays_inactive_from(NOON, grace) == NOON + grace


@pytest.mark.parametrize("life", [timedelta(minutes=30), timedelta(minutes=34, seconds=59)])
def test_the_bookings_of_an_inactive_voucher_are_final_once_the_last_hold_has_ended_and_its_charge_shows(
    life,
):
    """The hold was made just before the voucher was seen inactive, and the Voucher Cloud may honour it too long."""
    lag = timedelta(seconds=60)
    final = bookings_are_final_from(expiry_of(None, NOON), lag)
    assert NOON + life + lag < final <= NOON + timedelta(minutes=36)
    assert (
        bookings_are_final_from(expiry_of(NOON, NOON + life), lag) == NOON + lag
    )  # stored: it is not counted again


CHARGE, REFUND, RECHARGE = (
    Booking("charge", D("7.00")),
    Booking("refund", D("3.00")),
    Booking("recharge", D("5.00")),
)


@pytest.mark.parametrize(
    ("bookings", "spent"),
    [
        ([], "0.00"),
        ([RECHARGE], "0.00"),
        ([CHARGE], "7.00"),
        ([CHARGE, REFUND, RECHARGE], "4.00"),
        ([CHARGE, Booking("refund", D("7.00"))], "0.00"),
    ],
)
def test_spent_is_what_was_charged_and_did_not_come_back(bookings, spent):
    assert spent_amount(bookings) == D(spent)


@pytest.mark.parametrize(
    ("remaining", "bookings", "expected"),
    [
        (None, [CHARGE], True),
        ("50.00", [], True),
        ("49.99", [], False),
        ("50.00", [RECHARGE], False),
        ("55.00", [RECHARGE, CHARGE], True),
    ],
)
def test_a_voucher_is_whole_while_its_balance_is_what_it_was_sold_and_recharged_for(
    remaining, bookings, expected
):
    assert is_whole(D("50.00"), remaining and D(remaining), bookings) is expected


@dataclass(frozen=True)
class World:
    """A sale, its voucher at the Voucher Cloud, and the requests that may still arrive there."""

    status: str = "ordered"
    target: str = "issued"
    was_sent: bool = False
    voucher: str = "none"
    in_flight: frozenset[str] = frozenset()
    was_paid: bool = False


FATES = ("not sent", "lost", "late", "answer lost", "refused", "answered")
"""What becomes of a step: the process dies before it sends, the request or its answer is lost, and so on."""
DONE = {
    "issue": {"none": "inactive"},
    "activate": {"inactive": "active"},
    "deactivate": dict.fromkeys(("none", "inactive", "active"), "deleted"),
}
"""How each call changes the voucher; another one is left as it is: an id is given once, a deleted voucher is gone."""
STATUS_AFTER = {"issue": "issued", "activate": "active", "deactivate": "taken_back"}


def wanted(world, target):
    """The shop calls a verb. One that comes after the end of the sale changes nothing."""
    if world.status in ENDED_SALES:
        return world
    later = target_after(world.target, target)
    return replace(world, target=later, was_paid=world.was_paid or later == "active")


def arrives(world, kind):
    voucher = DONE[kind].get(world.voucher, world.voucher)
    return replace(world, voucher=voucher, in_flight=world.in_flight - {kind})


def step(world, fate):
    """Take the step that the rules name, with this fate."""
    kind = next_step(world.status, world.target, was_sent=world.was_sent)
    if kind is None:
        return world
    if kind == "end":
        return world if fate == "not sent" else replace(world, status="taken_back")
    if fate == "not sent":
        return world
    is_first = not (world.was_sent if kind == "issue" else world.in_flight)
    sent = replace(world, was_sent=True)
    if fate == "refused":  # believed only of a first attempt; a later one is read
        return replace(world, status="failed") if kind == "issue" and is_first else world
    if fate == "lost":
        return sent
    if fate == "late":
        return replace(sent, in_flight=sent.in_flight | {kind}) if kind != "deactivate" else sent
    done = replace(sent, voucher=DONE[kind].get(sent.voucher, sent.voucher))
    return replace(done, status=STATUS_AFTER[kind]) if fate == "answered" else done


def followers(world):
    """Return all that may happen next."""
    yield from (wanted(world, target) for target in TARGETS)
    yield from (arrives(world, kind) for kind in world.in_flight)
    yield from (step(world, fate) for fate in FATES)


def reachable():
    seen, waiting = set(), [World()]
    while waiting:
        world = waiting.pop()
        if world not in seen:
            seen.add(world)
            waiting += followers(world)
    return seen


def at_rest(world):
    """Nothing fails any more: the sweep takes each step, and what is in flight arrives in the end."""
    for _ in range(5):
        world = step(world, "answered")
    for kind in world.in_flight:
        world = arrives(world, kind)
    return world


AT_REST = {
    "issued": {"inactive"},
    "active": {"active"},
    "taken_back": {"none", "deleted"},
    "failed": {"none"},
}


def test_every_path_ends_where_the_shop_wants_the_sale():
    worlds = reachable()
    assert len(worlds) > 50
    for world in worlds:
        end = at_rest(world)
        assert end.status in (world.target, "failed"), (world, end)
        assert end.voucher in AT_REST[end.status], (world, end)


def test_no_voucher_is_active_that_was_never_paid():
    assert not [world for world in reachable() if world.voucher == "active" and not world.was_paid]


def test_every_status_is_reached():
    assert {world.status for world in reachable()} == set(STATUSES)


@pytest.mark.parametrize("delivery", ["mail", "signal", "page", ""])
@pytest.mark.parametrize("is_delivered", [True, False])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_recipient_is_needed_until_the_code_was_sent_or_will_never_be(
    status, target, is_delivered, delivery
):
    is_owed = status in ("ordered", "issued", "active") and target in ("issued", "active")
    is_sent_by_us = delivery == "mail" or delivery == "signal"
    needed = needs_recipient(status, target, delivery, is_delivered=is_delivered)
    assert needed == (is_owed and is_sent_by_us and not is_delivered)
