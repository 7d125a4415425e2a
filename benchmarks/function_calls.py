"""Calls of functions in one verb: the same on every machine.

    python -m benchmarks.function_calls

A profiler hook counts those of Python in this thread, and those in C beside them: of the database's driver, of the
interpreter. Everything is counted: the gateway, Django, httpx, the standard library.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator

from benchmarks import table
from benchmarks.calls import Bare, acts
from benchmarks.shop import connected, database_name, shop

HEADER = ("database", "call", "functions of Python", "functions in C", "in all")
NAMES = {
    "bare capture": "a charge by a bare `httpx.Client`",
    "authorize": "`authorize`",
    "capture": "`capture`",
}
WARM_UP = 3


def counted(act: Callable[[], object]) -> Counter[str]:
    """Return how often functions were called in ``act``: ``call`` of Python, ``c_call`` in C."""
    events: Counter[str] = Counter()

    def profile(frame: object, event: str, argument: object) -> None:
        events[event] += 1

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    events["c_call"] -= 1  # the one that ends the counting
    return events


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    with shop(), connected() as server:
        bare = Bare(server)
        measured = acts(bare)
        for _ in range(WARM_UP):
            for name in NAMES:
                measured[name]()()
        for name, shown in NAMES.items():
            events = counted(measured[name]())
            found = events["call"], events["c_call"], events["call"] + events["c_call"]
            yield database_name(), shown, *(f"{count:,}" for count in found)
        bare.client.close()


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=1, is_timed=False)
