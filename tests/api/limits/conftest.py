"""A clock of the client that is moved by hand: no test of the limits depends on how fast the machine is."""

from types import SimpleNamespace

import pytest

from voucher_payment_gateway.api import _drivers, _steps
from voucher_payment_gateway.api._auth import keeper
from voucher_payment_gateway.api._http import send_window
from voucher_payment_gateway.api._limits import gate, shared_state
from voucher_payment_gateway.api.limits import by_clock

EPOCH = 1_800_000_000.0


class HandClock:
    """The monotonic clock and the time of the client."""

    def __init__(self):
        self.now = 1000.0

    def advance(self, seconds):
        self.now += seconds

    def monotonic(self):
        return self.now

    def time(self):
        return EPOCH + self.now


@pytest.fixture
def clock(monkeypatch):
    moved = HandClock()
    for module in (gate, shared_state, keeper, send_window, _steps):
        monkeypatch.setattr(module, "time", moved)
    with by_clock(moved.monotonic):
        yield moved


@pytest.fixture
def sleeps(clock, monkeypatch):
    """Sleeping moves the clock, and takes no time; for the client for threads."""
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(_drivers, "time", SimpleNamespace(sleep=sleep))
    return slept


class MemoryStore:
    """A store of several processes in one."""

    def __init__(self):
        self.until, self.probing, self.counted = None, False, {}

    def open_until(self):
        return self.until

    def open(self, until):
        self.until = until

    def close(self):
        self.until = None

    def claim_probe(self, seconds):
        claimed, self.probing = not self.probing, True
        return claimed

    def release_probe(self):
        self.probing = False

    def count(self, second):
        self.counted[second] = self.counted.get(second, 0) + 1
        return self.counted[second]


@pytest.fixture
def store():
    return MemoryStore()
