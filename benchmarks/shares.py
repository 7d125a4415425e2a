"""Where the time of one authorization and of one capture goes: what computes, and what is waited for.

python -m benchmarks.shares
python -m tests.postgres_server python -m benchmarks.shares

A timer interrupts the verb, and the stack of that moment says what was running. Nothing else is measured on the way, so
that the verb runs as it does in a shop. Once the timer counts the processor time of this process, once the time that
passes.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import NamedTuple

from benchmarks import table
from benchmarks.calls import Bare, acts
from benchmarks.rounds import Prepare, alternate, ms
from benchmarks.shop import connected, database_name, shop

HEADER = ("database", "verb", "what", "processor, µs", "in bare calls", "passed, µs", "in bare calls of that")
VERBS = ("authorize", "capture")
ACTS = 20
"""In one round."""

SECONDS = 0.001
"""Between two interruptions. For processor time the kernel looks once in a tick, which is up to 4 ms."""

IN_ALL = "in all"
HTTP = "HTTP: httpcore, h11, the socket"
CLIENT = "our client around it"
STATEMENTS = "SQL statements"
COMMITS = "commits"
DJANGO = "Django around them"
GATEWAY = "the gateway"
OTHERS = "Python's own library, and others"
PARTS = (HTTP, CLIENT, STATEMENTS, COMMITS, DJANGO, GATEWAY, OTHERS)


class Kind(NamedTuple):
    """A timer, and which time of an act it counts."""

    timer: int
    signal: int
    of: str


KINDS = (
    Kind(signal.ITIMER_PROF, signal.SIGPROF, "cpu"),
    Kind(signal.ITIMER_REAL, signal.SIGALRM, "wall"),
)


def sampled(kind: Kind, prepare: Prepare, count: int) -> Counter[str]:
    """Run as many acts, and count what runs in them when they are interrupted, but not what prepares them."""
    found: Counter[str] = Counter()
    is_running = False

    def note(_: int, frame: FrameType | None) -> None:
        if is_running and frame is not None:
            found[part_of(frame)] += 1

    with _interrupted(kind, note):
        for _ in range(count):
            act = prepare()
            is_running = True
            act()
            is_running = False
    return found


@contextmanager
def _interrupted(kind: Kind, note: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    earlier = signal.signal(kind.signal, note)
    signal.setitimer(kind.timer, SECONDS, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(kind.timer, 0)
        signal.signal(kind.signal, earlier)


def part_of(frame: FrameType) -> str:
    """Return what was running: a call of the Voucher Cloud, a statement or a commit as a whole, with all that it calls;
    else whoever wrote the function."""
    called: FrameType | None = frame
    while called is not None:
        if whole := _whole(called.f_code):
            return whole
        called = called.f_back
    return _owner(frame.f_code)


@cache
def _whole(code: CodeType) -> str | None:
    """Return the part of which a function is the outermost one, or one that stands for all of it."""
    import h11
    import httpcore
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper
    from django.db.utils import DatabaseErrorWrapper

    from voucher_payment_gateway import api

    fetch = DatabaseErrorWrapper(None)(lambda: None)
    by_code = {
        CursorWrapper.execute.__code__: STATEMENTS,
        fetch.__code__: STATEMENTS,
        BaseDatabaseWrapper._commit.__code__: COMMITS,
    }
    if code in by_code:
        return by_code[code]
    if _is_of(code, httpcore) or _is_of(code, h11):
        return HTTP
    return CLIENT if _is_of(code, api) else None


@cache
def _owner(code: CodeType) -> str:
    import django

    import voucher_payment_gateway

    owners = {django: DJANGO, voucher_payment_gateway: GATEWAY}
    return next((part for module, part in owners.items() if _is_of(code, module)), OTHERS)


def _is_of(code: CodeType, module: ModuleType) -> bool:
    return Path(code.co_filename).is_relative_to(Path(module.__file__ or "").parent)


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop(), connected() as server:
        bare = Bare(server)
        prepared = acts(bare)
        for verb in VERBS:
            for part, *cells in _shares(prepared[verb], prepared[f"bare {verb}"], rounds * ACTS):
                yield database_name(), f"`{verb}`", part, *cells
        bare.client.close()


def _shares(prepare: Prepare, prepare_bare: Prepare, count: int) -> Iterator[tuple[str, ...]]:
    """Yield each part, and its share of the median of the act. The act is timed apart: while a timer of the processor
    is set, the kernel counts that time tick by tick."""
    took = alternate({"act": prepare, "bare": prepare_bare}, count)
    found = {kind.of: sampled(kind, prepare, count) for kind in KINDS}
    for part in (IN_ALL, *PARTS):
        cells: list[str] = []
        for of, counted in found.items():
            act, bare = (ms(took[name], of).median for name in ("act", "bare"))
            share = 1.0 if part == IN_ALL else counted[part] / max(counted.total(), 1)
            cells += (f"{1000 * act * share:.0f}", f"{act * share / bare:.2f}")
        yield part, *cells


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows)
