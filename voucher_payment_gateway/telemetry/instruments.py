"""Every instrument of the package: its name, kind, unit, attributes and meaning.

The values of attributes are short lists: names of verbs, limits and states, path templates, classes of errors. None is
a code, an id, an order number or a text of an error.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from voucher_payment_gateway.telemetry.backend import SCOPE, created

__all__ = [
    "API_CALLS",
    "HOLDS",
    "INSTRUMENTS",
    "NOT_SENT",
    "OPERATIONS",
    "OVERDUE_AGE",
    "REQUEST_DURATION",
    "SIGNALS",
    "SWEEP_AGE",
    "THROTTLED",
    "UNDECIDED",
    "UNDECIDED_AGE",
    "VERB_DURATION",
    "Counter",
    "Gauge",
    "Histogram",
    "Instrument",
    "observe",
]

Attributes = Mapping[str, str | int]

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
"""Seconds. A call ends within ``DEADLINE_SECONDS``, by default 15."""


@dataclass(frozen=True)
class Instrument:
    """One instrument. ``meaning`` is its description at the backend and in the documentation."""

    kind: ClassVar[str] = ""

    suffix: str
    unit: str
    attributes: tuple[str, ...]
    meaning: str
    _made: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_made", self._make())

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{SCOPE}.{self.suffix}"

    def _make(self) -> Any:
        return created(self.kind, self.name, unit=self.unit, description=self.meaning)


class Counter(Instrument):
    """Counts what happens."""

    kind = "counter"

    def add(self, attributes: Attributes) -> None:
        """Count one."""
        if self._made is not None:
            with suppress(Exception):
                self._made.add(1, dict(attributes))


class Histogram(Instrument):
    """Counts and measures what takes time."""

    kind = "histogram"

    def record(self, seconds: float, attributes: Attributes) -> None:
        """Count one that took ``seconds``."""
        if self._made is not None:
            with suppress(Exception):
                self._made.record(seconds, dict(attributes))

    def _make(self) -> Any:
        advice = {"explicit_bucket_boundaries_advisory": BUCKETS}
        return created(self.kind, self.name, unit=self.unit, description=self.meaning, **advice)


class Gauge(Instrument):
    """Read from the database when metrics are collected, in a process that has called ``gauges.observe()``."""

    kind = "observable_gauge"

    def _make(self) -> Any:
        return None


def observe(gauge: Gauge, callback: Any) -> None:
    """Let the meter call ``callback`` at each collection."""
    options = {"unit": gauge.unit, "description": gauge.meaning, "callbacks": [callback]}
    created(gauge.kind, gauge.name, **options)


VERB_DURATION: Final = Histogram(
    "verb.duration",
    "s",
    ("verb", "error.type"),
    "A verb of the gateway, from its call to its return.",
)
API_CALLS: Final = Counter(
    "api.calls",
    "{call}",
    ("call", "error.type"),
    "A call of the Voucher Cloud, its retries and its token included, by what it came to.",
)
REQUEST_DURATION: Final = Histogram(
    "api.request.duration",
    "s",
    (
        *("http.request.method", "url.template", "http.response.status_code"),
        *("error.type", "server.address", "server.port"),
    ),
    "One HTTP request to the Voucher Cloud, from the connection to the last byte of the answer.",
)
NOT_SENT: Final = Counter(
    "api.calls.not_sent",
    "{call}",
    ("reason",),
    "A call that was not sent, as the Voucher Cloud is slow or does not answer, or there are too many calls.",
)
OPERATIONS: Final = Counter(
    "operations",
    "{operation}",
    ("kind", "state"),
    "An operation that came to an outcome, counted after its commit.",
)
SIGNALS: Final = Counter(
    "signals",
    "{signal}",
    ("signal", "confirmed"),
    "A signal that was sent to the shop: what became of a payment or a sale.",
)
THROTTLED: Final = Counter(
    "throttle.hits",
    "{attempt}",
    ("limit",),
    "An attempt to use a code that a limit on guesses stopped before it was sent.",
)
UNDECIDED: Final = Gauge(
    "operations.undecided",
    "{operation}",
    ("state",),
    "Operations without an outcome: due, being sent, unknown, or left to a person.",
)
UNDECIDED_AGE: Final = Gauge(
    "operations.undecided.age",
    "s",
    ("state",),
    "The time since the oldest operation of that state was written; 0 where there is none.",
)
OVERDUE_AGE: Final = Gauge(
    "operations.overdue.age",
    "s",
    (),
    "How long the operation that waits longest for settle is overdue; 0 where none is.",
)
HOLDS: Final = Gauge(
    "holds",
    "{hold}",
    (),
    "Payments for which a voucher is held now.",
)
SWEEP_AGE: Final = Gauge(
    "sweep.age",
    "s",
    (),
    "The time since the last complete run of settle ended; absent before the first one.",
)

INSTRUMENTS: Final[Iterable[Instrument]] = (
    *(VERB_DURATION, API_CALLS, REQUEST_DURATION, NOT_SENT, OPERATIONS, SIGNALS, THROTTLED),
    *(UNDECIDED, UNDECIDED_AGE, OVERDUE_AGE, HOLDS, SWEEP_AGE),
)
