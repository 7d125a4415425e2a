"""Rows make every transition of the rules and of the documented diagrams, and no other."""

import threading

import pytest
from django.db import connection

from tests.proofs.storm import transitions
from tests.proofs.storm.emphasis import Emphasis
from tests.proofs.storm.run import play_many
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.models import VoucherOperation

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="transitions are recorded by triggers of SQLite"
    ),
]
CODE = "GIFT-2000-ABCD"
LOST_ANSWERS = ("after:drop", "late:drop")
REFUSALS = ("before:409", "before:422", "after:slow=0")
EVENTFUL = (
    Emphasis(
        doubled_rate=0.8,
        faults=LOST_ANSWERS,
        behaviour={"second_charge": "book_again", "order_number_unique": False},
    ),
    Emphasis(
        behaviour={"refusal_status": 403},
        verbs={"authorize": 5, "office": 8, "capture": 5, "capture_part": 5, "refund_part": 4},
        pauses=(40, 2000),
    ),
    Emphasis(
        freeze_rate=0.3,
        verbs={"authorize": 3, "capture": 5, "refund": 8, "settle": 2},
        meanwhile={"cancel": 4, "settle": 1},
    ),
    Emphasis(
        faults=REFUSALS,
        verbs={"select": 8, "confirm": 8, "office": 4, "cancel": 2, "capture": 2},
        pauses=(1, 40, 2000),
    ),
    Emphasis(
        verbs={"authorize": 4, "capture_part": 9, "refund": 6, "settle": 3, "till": 3, "office": 2},
        pauses=(1, 40, 2000),
    ),
)
"""Days that bring out rare transitions."""
MAX_EVENTFUL_DAYS = 400


@pytest.fixture
def order(shop):
    shop.voucher("20.00", code=CODE)
    return shop.order("20.00")


@pytest.fixture
def recorded():
    with transitions.recorded() as count:
        yield count


def attempt(verb, *arguments):
    with pytest.raises(VoucherGatewayError):
        verb(*arguments)


def selected_and_refused(shop, order):
    gateway.select(order, CODE)
    shop.cloud.set_status(shop.vouchers[0].id, "inactive")
    attempt(gateway.authorize_selected, order)


def lapsed_and_refused(shop, order):
    gateway.authorize(order, CODE)
    shop.later(minutes=40)
    gateway.settle()
    shop.cloud.set_status(shop.vouchers[0].id, "inactive")
    attempt(gateway.capture, order)


def failed_and_taken_off(shop, order):
    """The order is paid another way; nobody counts on its voucher any more."""
    gateway.authorize(order, CODE)
    gateway.authorize_selected(order)
    shop.later(minutes=40)
    shop.cloud.set_status(shop.vouchers[0].id, "inactive")
    attempt(gateway.capture, order)
    gateway.cancel(order)


def captured_again_after_a_return(shop, order):
    gateway.authorize(order, CODE)
    gateway.capture(order, "5.00")
    gateway.refund(order)
    gateway.capture(order, "5.00")


def cancelled_during_a_return(shop, order):
    gateway.authorize(order, CODE)
    gateway.capture(order)
    answer = shop.cloud.answer

    def answer_later(request):
        if request.path.endswith("/refund"):
            other = threading.Thread(target=cancel_in_a_thread, args=(order,))
            other.start()
            other.join()
        return answer(request)

    shop.cloud.answer = answer_later
    gateway.refund(order)
    gateway.settle()


def cancel_in_a_thread(order):
    gateway.cancel(order)
    connection.close()


def forbidden_to_read_for_a_day(shop, order):
    gateway.authorize(order, CODE)
    gateway.capture(order)
    shop.cloud.faults.next("before:403", method="GET", path="*/charges", times=None)
    attempt(gateway.refund, order)
    for _ in range(30):
        shop.later(hours=1)
        gateway.settle()


def booked_after_all(shop, order):
    """A person finds the charge after another order has reserved the voucher."""
    gateway.authorize(order, CODE)
    shop.cloud.faults.next("after:drop", path="*/charge")
    attempt(gateway.capture, order, "5.00")
    VoucherOperation.objects.filter(state="unknown").update(state="manual")
    gateway.authorize(shop.order("10.00", number="A-1002"), CODE)
    booked = shop.cloud.bookings(shop.vouchers[0].id)[0].id
    gateway.conclude(
        VoucherOperation.objects.get(state="manual"), remote_id=booked, actor="anna", reason="it is there"
    )


RARE = {
    "operation": {
        ("due", "manual"): forbidden_to_read_for_a_day,
    },
    "payment": {
        ("selected", "failed"): selected_and_refused,
        ("lapsed", "captured"): booked_after_all,
        ("lapsed", "failed"): lapsed_and_refused,
        ("failed", "cancelled"): failed_and_taken_off,
        ("refunded", "authorized"): captured_again_after_a_return,
        ("refunded", "cancelled"): cancelled_during_a_return,
    },
}
"""Transitions too rare to be relied on in a storm, each with a schedule that makes it."""


@pytest.mark.parametrize(
    ("kind", "transition"), [(kind, each) for kind, schedules in RARE.items() for each in schedules]
)
def test_a_rare_transition_is_possible(kind, transition, shop, order, recorded):
    RARE[kind][transition](shop, order)
    assert transition in transitions.transitions_of(kind, recorded())


def test_every_allowed_transition_is_made_and_no_other(figures):
    """Play days until the rows of the shop have made every transition that operations and payments may make."""
    allowed = transitions.ALLOWED
    made = {kind: set(schedules) for kind, schedules in RARE.items()}
    for seed in range(MAX_EVENTFUL_DAYS):
        if made == allowed:
            break
        _, seen = play_many(seed, 1, EVENTFUL[seed % len(EVENTFUL)])
        made = {kind: before | transitions.transitions_of(kind, seen) for kind, before in made.items()}
    figures("arrows of the diagrams", gone=(sum(map(len, made.values())), sum(map(len, allowed.values()))))
    assert made == allowed
