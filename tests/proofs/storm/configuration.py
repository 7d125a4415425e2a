"""The settings of the shop of a day, drawn at random."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from django.conf import settings
from django.test import override_settings

from tests.proofs.storm.switches import MEANINGS

__all__ = ["configured"]

EVENTS = {
    "authorize": "tests.shop.signals.confirmed",
    "capture": "tests.shop.signals.shipped",
    "refund": "tests.shop.signals.returned",
    "cancel": "tests.shop.signals.aborted",
}
ON_STATUS = {
    "field": "status",
    "authorize": ["confirmed"],
    "capture": ["shipped"],
    "refund": ["returned"],
    "cancel": ["cancelled"],
}


@contextmanager
def configured(random: Random, behaviour, emphasised: dict[str, Any]) -> Iterator[None]:
    """The shop's settings of this day; half of the operators have configured how their Voucher Cloud behaves."""
    known = {
        "cancel_reservation": behaviour.cancel_reservation,
        "open_reservation_lowers_balance": behaviour.open_reservation_lowers_balance,
    }
    keys = settings.VOUCHER_PAYMENT_GATEWAY["SEALING_KEYS"]
    changed = {
        **settings.VOUCHER_PAYMENT_GATEWAY,
        "REFUND_ORDER": random.choice(("last-first", "first-first", "pro-rata")),
        "API_BEHAVIOUR": random.choice(({}, known)),
        "SEALING_KEYS": random.choice((keys, keys, keys, keys, [])),
        "TOTAL_AFTER_RETURN": random.choice(("stays", "stays", "lowered")),
        "RENEW_HOLDS": random.choice((False, False, True)),
        "SELECTED_HOURS": random.choice((1, 24)),
        "CAPTURE": random.choice(("manual", "manual", "immediate")),
        "CANCEL_RESERVATION_CALL": random.choice((True, True, False)),
        "ERROR_MEANINGS": dict(MEANINGS.values()) if behaviour.code_names and random.random() < 0.5 else {},
        "EVENTS": EVENTS,
        "ON_STATUS": ON_STATUS,
        **emphasised,
    }
    with override_settings(VOUCHER_PAYMENT_GATEWAY=changed):
        yield
