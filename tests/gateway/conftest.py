"""What the shop hears, for the tests of the verbs."""

import pytest

from voucher_payment_gateway import signals
from voucher_payment_gateway.connection import voucher_cloud


@pytest.fixture
def reviews():
    """The amounts that a person was asked to look at, in order."""
    with Ear("payment_needs_review") as heard:
        yield heard


@pytest.fixture
def hear():
    """Listen to signals by name: call it, and the list it returns fills with pairs of order number and amount."""
    ears = []

    def listen(name):
        ears.append(Ear(name, pairs=True))
        return ears[-1].__enter__()

    yield listen
    for ear in ears:
        ear.__exit__()


@pytest.fixture
def during(shop, monkeypatch):
    """Let something happen while a call of the client is under way, once."""

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


class Ear:
    """Keeps what a signal of the gateway says, while it is open."""

    def __init__(self, name, *, pairs=False):
        self.signal, self.pairs, self.heard = getattr(signals, name), pairs, []

    def _hear(self, order_number, amount, **_):
        self.heard.append((order_number, amount) if self.pairs else amount)

    def __enter__(self):
        self.signal.connect(self._hear)
        return self.heard

    def __exit__(self, *_):
        self.signal.disconnect(self._hear)
