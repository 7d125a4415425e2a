"""The gauges of the operator: what the database says when metrics are collected, and at no other time.

Only a process that has called ``observe`` reads for them: the one that exports metrics. A verb or a page never does,
not even one that serves the metrics.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from voucher_payment_gateway.gateway.recovery.last_sweep import last_sweep_at
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_OPEN
from voucher_payment_gateway.models.current import current_alias
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.telemetry.backend import IS_INSTALLED
from voucher_payment_gateway.telemetry.instruments import (
    HOLDS,
    OVERDUE_AGE,
    SWEEP_AGE,
    UNDECIDED,
    UNDECIDED_AGE,
    Gauge,
)
from voucher_payment_gateway.telemetry.instruments import observe as observe_gauge

if IS_INSTALLED:
    from opentelemetry.metrics import Observation

__all__ = ["MAX_ROWS", "observe"]

MAX_ROWS = 10_000
"""Maximum of rows that one statement reads or counts; a gauge that shows it means "at least"."""

FRESH_SECONDS = 1.0
"""How long a reading serves the other gauges, and other exporters, of the same collection."""

STATES = (*OPEN_STATES, "manual")

Figures = dict[Gauge, list[tuple[float, dict[str, str]]]]

_is_observed = False

_is_in_request: ContextVar[bool] = ContextVar("is_in_request", default=False)
"""Whether this thread or task handles a request, such as that of a view which serves the metrics."""


def observe() -> None:
    """Report the gauges of this database from this process, whenever its metrics are collected.

    Call it once, in one process that exports metrics, best not in one that serves pages: each collection makes six
    statements. Without the extra ``telemetry`` it does nothing. Moves no money and changes nothing.
    """
    global _is_observed
    if _is_observed or not IS_INSTALLED:
        return
    _is_observed = True
    request_started.connect(_note_request, dispatch_uid="voucher_payment_gateway.gauges")
    request_finished.connect(_note_end_of_request, dispatch_uid="voucher_payment_gateway.gauges")
    for gauge in (UNDECIDED, UNDECIDED_AGE, OVERDUE_AGE, HOLDS, SWEEP_AGE):
        observe_gauge(gauge, _callback(gauge))


def _note_request(**_: object) -> None:
    _is_in_request.set(True)


def _note_end_of_request(**_: object) -> None:
    _is_in_request.set(False)


def _callback(gauge: Gauge) -> Callable[[Any], Iterable[Any]]:
    def observed(_: object) -> list[Any]:
        return [Observation(value, attributes) for value, attributes in _reading.figures().get(gauge, ())]

    return observed


class _Reading:
    """What was read last, for all gauges of one collection."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._figures: Figures = {}
        self._read_at = float("-inf")

    def figures(self) -> Figures:
        """Return the figures; none while the database cannot be read, in a request, or inside a transaction."""
        if _is_in_request.get():
            return {}
        with self._lock:
            if monotonic() - self._read_at > FRESH_SECONDS:
                self._figures = _read()
                self._read_at = monotonic()
            return self._figures

    def forget(self) -> None:
        """Let the next collection read."""
        self._read_at = float("-inf")


_reading = _Reading()


def _renew() -> None:
    """A process forked while its parent collected would wait for the lock forever."""
    global _reading
    _reading = _Reading()


os.register_at_fork(after_in_child=_renew)


def _read() -> Figures:
    """Read all gauges in six statements. A connection that this has opened is closed again: an exporter may collect
    in a new thread each time, whose connection Django would not close."""
    connection = connections[current_alias(VoucherOperation)]
    if connection.in_atomic_block:
        return {}
    was_open = connection.connection is not None
    try:
        return dict(_figures(timezone.now()))
    except (DatabaseError, InterfaceError):
        return {}
    finally:
        if not was_open:
            connection.close()


def _figures(now: datetime) -> Iterator[tuple[Gauge, list[tuple[float, dict[str, str]]]]]:
    counts, ages, overdue = [], [], [now]
    for state in STATES:
        rows = _undecided(state)
        by_state = dict.fromkeys(UNDECIDED.attributes, state)
        counts.append((float(len(rows)), by_state))
        ages.append((_seconds(now, [created_at for created_at, _ in rows]), by_state))
        overdue += [due_at for _, due_at in rows if due_at is not None and state in OPEN_STATES]
    yield UNDECIDED, counts
    yield UNDECIDED_AGE, ages
    yield OVERDUE_AGE, [(_seconds(now, overdue), {})]
    held = VoucherPayment.current.filter(status="authorized").order_by("reservation_dead_at")
    yield HOLDS, [(held[:MAX_ROWS].count(), {})]
    swept_at = last_sweep_at()
    if swept_at is not None:
        yield SWEEP_AGE, [(_seconds(now, [swept_at]), {})]


def _undecided(state: str) -> list[tuple[datetime, datetime | None]]:
    """Return when each operation of that state was written, and when it is due."""
    operations = VoucherOperation.current.filter(state=state)
    is_open = state in OPEN_STATES
    found = operations.filter(IS_OPEN).order_by("due_at") if is_open else operations.order_by("settled_at")
    return list(found.values_list("created_at", "due_at")[:MAX_ROWS])


def _seconds(now: datetime, instants: list[datetime]) -> float:
    """Return the seconds since the earliest instant; 0 where there is none, or a clock was ahead."""
    return max((now - min(instants, default=now)).total_seconds(), 0.0)
