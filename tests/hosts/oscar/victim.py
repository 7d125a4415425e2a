"""A process that runs one verb of Oscar and is killed on the way. Python's fork server imports this module once."""

from contextlib import suppress

import django

django.setup()

from django.test import Client  # noqa: E402
from django.urls import resolve  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

from tests.hosts.killed import pass_points  # noqa: E402
from tests.hosts.oscar_desk import Desk, RefusedError  # noqa: E402

__all__ = ["run"]

MODELS = [
    *(get_model("order", name) for name in ("Order", "ShippingEvent", "PaymentEvent")),
    *(get_model("payment", name) for name in ("Source", "Transaction")),
]


resolve("/checkout/preview/")  # loads every view, once for all processes


def place(_, cookies):
    browser = Client()
    browser.cookies.load(cookies)
    browser.post("/checkout/preview/", {"action": "place_order"})


VERBS = {
    "place": place,
    "ship": lambda number, _: Desk(number).ship(),
    "refund": lambda number, _: Desk(number).give_back("5.00"),
    "cancel": lambda number, _: Desk(number).set_status("Cancelled"),
}


def run(database, base_url, verb, number, cookies, crash_at, to_parent):
    """Run a verb, and be killed at ``crash_at``: a crash point of the gateway, or a save of one of Oscar's records."""

    def act():
        with suppress(RefusedError):
            VERBS[verb](number, cookies)

    pass_points(act, MODELS, database, base_url, crash_at, to_parent)
