"""A process that runs one verb of the host and is killed on the way. Python's fork server imports this module once."""

import os
import signal
from contextlib import suppress
from decimal import Decimal

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models.signals import pre_save  # noqa: E402
from django.test import override_settings  # noqa: E402
from payments import PaymentError, RedirectNeeded  # noqa: E402

from tests.hosts.django_payments.models import Payment  # noqa: E402
from tests.proofs.crash.killer import watched  # noqa: E402
from tests.proofs.crash.points import Passing  # noqa: E402

__all__ = ["VERBS", "run"]

VERBS = {
    "enter": lambda row, code: row.get_form({"code": code, "pin": ""}),
    "capture_a_part": lambda row, _: row.capture(Decimal("8.00")),
    "refund_a_part": lambda row, _: row.refund(Decimal("3.00")),
    "release": lambda row, _: row.release(),
}


def run(database, base_url, verb, pk, code, crash_at, to_parent):
    """Run a verb, and send what was passed: the gateway's crash points, and ``S`` for each save of the host's row.
    The process is killed at ``crash_at``."""
    connection.settings_dict["NAME"] = database
    passed = []

    def saving(**_):
        passed.append("S")
        if crash_at == f"S.{passed.count('S')}":
            os.kill(os.getpid(), signal.SIGKILL)

    pre_save.connect(saving, sender=Payment, weak=False)
    point = Passing.read(crash_at) if crash_at and not crash_at.startswith("S") else None
    gateway = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": base_url}
    answers = suppress(PaymentError, RedirectNeeded)
    with override_settings(VOUCHER_PAYMENT_GATEWAY=gateway), watched(point) as points, answers:
        VERBS[verb](Payment.objects.get(pk=pk), code)
    saves = [f"S.{time + 1}" for time in range(len(passed))]
    to_parent.send([*dict.fromkeys(each.point for each in points), *saves])
    to_parent.close()
