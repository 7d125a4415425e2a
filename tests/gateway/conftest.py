"""Fixtures for the tests of the verbs: an order with a voucher, recorded signals, and actions during a call."""

from contextlib import ExitStack

import pytest

from voucher_payment_gateway import gateway, signals
from voucher_payment_gateway.connection import voucher_cloud


@pytest.fixture
def voucher(shop):
    """A voucher of 20.00."""
    return shop.voucher("20.00")


@pytest.fixture
def order(shop, voucher):
    """An order of 20.00, authorized with ``voucher``."""
    order = shop.order("20.00")
    gateway.authorize(order, voucher.code)
    return order


@pytest.fixture
def reviews():
    """The amounts for which a review was requested, in order."""
    with SignalRecorder("payment_needs_review") as recorded:
        yield recorded


@pytest.fixture
def record_signal():
    """Record a signal by its name: the list that the call returns fills with pairs of order number and amount."""
    with ExitStack() as recorders:
        yield lambda name: recorders.enter_context(SignalRecorder(name, pairs=True))


@pytest.fixture
def during(shop, monkeypatch):
    """Run an action once, just before a call of the client is sent."""

    def schedule(name, action):
        client = voucher_cloud()
        call, done = getattr(client, name), []

        def interrupted(*arguments, **options):
            if not done:
                done.append(True)
                action()
            return call(*arguments, **options)

        monkeypatch.setattr(client, name, interrupted)

    return schedule


class SignalRecorder:
    """Records the amounts of a signal of the gateway, or pairs of order number and amount, while it is entered."""

    def __init__(self, name, *, pairs=False):
        self.signal, self.pairs, self.recorded = getattr(signals, name), pairs, []

    def _record(self, order_number, amount, **_):
        self.recorded.append((order_number, amount) if self.pairs else amount)

    def __enter__(self):
        self.signal.connect(self._record)
        return self.recorded

    def __exit__(self, *_):
        self.signal.disconnect(self._record)


@pytest.fixture
def frozen(monkeypatch):
    """Freeze the first worker before it goes on with ``name`` of ``module``, while ``meanwhile`` happens."""

    def freeze(module, name, meanwhile):
        goes_on, is_frozen = getattr(module, name), []

        def wait(*arguments, **options):
            if not is_frozen:
                is_frozen.append(True)
                meanwhile()
            return goes_on(*arguments, **options)

        monkeypatch.setattr(module, name, wait)

    return freeze
