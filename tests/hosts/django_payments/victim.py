"""A process that runs one verb of the host and is killed on the way. Python's fork server imports this module once."""

from contextlib import suppress
from decimal import Decimal

import django

django.setup()

from payments import PaymentError, RedirectNeeded  # noqa: E402

from tests.hosts.django_payments.models import Payment  # noqa: E402
from tests.hosts.killed import pass_points  # noqa: E402

__all__ = ["VERBS", "run"]

VERBS = {
    "enter": lambda row, code: row.get_form({"code": code, "pin": ""}),
    "capture_a_part": lambda row, _: row.capture(Decimal("8.00")),
    "refund_a_part": lambda row, _: row.refund(Decimal("3.00")),
    "release": lambda row, _: row.release(),
}


def run(database, base_url, verb, pk, code, crash_at, to_parent):
    """Run a verb, and be killed at ``crash_at``: a crash point of the gateway, or a save of the host's row."""

    def act():
        with suppress(PaymentError, RedirectNeeded):
            VERBS[verb](Payment.objects.get(pk=pk), code)

    pass_points(act, [Payment], database, base_url, crash_at, to_parent)
