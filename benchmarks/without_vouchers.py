"""What an order without vouchers costs: the block of its checkout page, a save and a signal that ask for a verb.

    .venv/bin/python benchmarks/without_vouchers.py
    .venv/bin/python -m tests.postgres_server .venv/bin/python benchmarks/without_vouchers.py

Each round measures all of them once, beside one ``get`` of an order: the ratio means the same on every machine. DEBUG
is off. The calls of Python functions do not depend on the machine at all.
"""

import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.proofs.storm.bench import database

ROUNDS = 1000
WARM_UP = 20
STATUSES = {"field": "status", "authorize": ["confirmed"], "capture": ["shipped"], "cancel": ["cancelled"]}


def seconds(act):
    """Return the seconds of the processor that ``act`` takes."""
    began = time.process_time()
    act()
    return time.process_time() - began


def calls(act):
    """Return the number of calls of Python functions in ``act``."""
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def measured(order):
    """Return what is measured, by name."""
    from django.template import RequestContext, Template
    from django.test import RequestFactory

    from tests.shop import signals
    from tests.shop.models import Order

    template = Template("{% load voucher_payments %}{% voucher_payments order %}")
    request = RequestFactory().get("/checkout/")

    def save(status):
        order.status = status
        order.save()

    return {
        "get": lambda: Order.objects.get(pk=order.pk),
        "block": lambda: template.render(RequestContext(request, {"order": order})),
        "save, no verb": lambda: save("new"),
        "save, capture": lambda: save("shipped"),
        "save, cancel": lambda: save("cancelled"),
        "signal, capture": lambda: signals.shipped.send(sender=None, order=order),
    }


def show(order):
    acts = measured(order)
    for act in list(acts.values()) * WARM_UP:
        act()
    counted = {name: calls(act) for name, act in acts.items()}
    rounds = [{name: seconds(act) for name, act in acts.items()} for _ in range(ROUNDS)]
    for name in acts:
        low, middle, high = statistics.quantiles([each[name] / each["get"] for each in rounds], n=4)
        ms = statistics.median(each[name] for each in rounds) * 1000
        print(f"{name}: {middle:.2f} of a get ({low:.2f} to {high:.2f}), {ms:.2f} ms, {counted[name]} calls")


def main():
    with database():
        from django.conf import settings
        from django.test import override_settings

        from tests.shop.models import Order

        driven = {**settings.VOUCHER_PAYMENT_GATEWAY, "ON_STATUS": STATUSES}
        with override_settings(DEBUG=False, VOUCHER_PAYMENT_GATEWAY=driven):
            show(Order.objects.create(number="A-1001", total=Decimal("50.00")))


if __name__ == "__main__":
    main()
