"""One cell of the kill matrix: ``python -m tests.proofs.crash.case capture K4 lost_answer again killed`` plays it.

A story is told up to the crash point, where its process is killed, or cut off from its database. Another process
starts, calls again or not, and settles. Then the Voucher Cloud's books and our rows are compared to the cent.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import django.db
from django.core.cache import cache

from tests.proofs.crash.forkserver import Nursery
from tests.proofs.crash.killer import watched
from tests.proofs.crash.oracle import problems, problems_once_settled, written_so_far
from tests.proofs.crash.points import NAMES, REQUEST_SENT, Passing
from tests.proofs.crash.scenarios import STORIES, Story
from tests.proofs.crash.shop import (
    CODES_KEPT,
    TRAILING_READ,
    connected_to,
    forget_everything,
    later,
    settle_until_nothing_is_open,
)
from tests.proofs.crash.voucher_cloud import LATE_SECONDS, DeadlyCloud
from tests.proofs.crash.world import world
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OperationInProgressError, VoucherGatewayError
from voucher_payment_gateway.sandbox import serve

__all__ = ["FAULTS", "Cell", "Result", "passings", "play", "rehearse"]

FAULTS = {
    "none": "",
    "lost_request": "before:drop",
    "lost_answer": "after:drop",
    "late": "late:drop",
    "error_before": "before:500",
    "error_after": "after:500",
    "garbage": "after:garbage",
}
"""What happens to the first call that matters, of whichever process."""


REHEARSED = ("authorize_selected", "settle_lost_charge", "settle_lost_refund")

MOST_CALLS = 5


@dataclass(frozen=True)
class Cell:
    """A story, the crash point at which it ends, what is wrong at the remote side, what the shop does next."""

    story: str
    death: Passing
    fault: str
    again: bool
    end: str = "killed"

    def __str__(self) -> str:
        return f"{self.story} {self.death} {self.fault} {'again' if self.again else 'alone'} {self.end}"

    @classmethod
    def read(cls, words: list[str]) -> "Cell":
        """Return the cell of these words; the last two may be missing."""
        story, death, fault, again, end = (*words, *("again", "killed")[len(words) - 3 :])
        return cls(story, Passing.read(death), fault, again == "again", end)


@dataclass(frozen=True)
class Result:
    """How a cell ended; ``problems`` is empty where all is right."""

    cell: Cell
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = "\n  ".join(self.problems) or "all is right"
        return f"{self.cell} (again: python -m tests.proofs.crash.case {self.cell})\n  {found}"


def rehearse(nursery: Nursery) -> None:
    """Have the nursery itself tell some stories, so that each process of it is quicker: it begins with all that Python
    and Django keep of what was done before, but with no connection, no token and no row of it."""
    for story in REHEARSED:
        with _arranged(story, "none") as (_, base_url):
            nursery.rehearse(_tell_to_nobody, story, base_url)


def passings(nursery: Nursery, story: str, fault: str) -> list[Passing]:
    """Let a process tell the story to its end, and return every crash point that it passed.

    Nothing is returned where the fault never struck: it is the story without it.
    """
    with _arranged(story, fault) as (cloud, base_url):
        ended = nursery.run(_live, story, base_url, None, born=lambda pid: cloud.watch(pid, None))
        passed: Counter[str] = Counter(ended.returned)
        passed[REQUEST_SENT] = cloud.unwatch()
        if FAULTS[fault] and FAULTS[fault] not in [struck for struck, _, _ in cloud.faults.log]:
            return []
    return [Passing(point, time + 1) for point in NAMES for time in range(passed[point])]


def play(nursery: Nursery, cell: Cell) -> Result:
    """Play a cell, and say what is wrong afterwards."""
    deadly_request = cell.death.time if cell.death.point == REQUEST_SENT else None
    with _arranged(cell.story, cell.fault) as (cloud, base_url):
        try:
            victim = nursery.run(
                _live,
                cell.story,
                base_url,
                cell.death,
                cell.end,
                born=lambda pid: cloud.watch(pid, deadly_request),
            )
            cloud.unwatch()
            if not victim.killed and (cell.end == "killed" or cell.death.point not in victim.returned):
                return Result(cell, [f"the process never came to {cell.death}"])
            at_death = written_so_far()
            restarted = nursery.run(_restart, cell.story, base_url, cell.again)
        except RuntimeError as error:
            return Result(cell, [str(error)])
        later_on = problems(cloud, STORIES[cell.story], at_death, again=cell.again)
        return Result(cell, [*restarted.returned, *later_on])


@contextmanager
def _arranged(story: str, fault: str) -> Iterator[tuple[DeadlyCloud, str]]:
    """The Voucher Cloud and the shop as they are when the story begins; all of it is gone afterwards."""
    told = STORIES[story]
    cloud = DeadlyCloud()
    with serve(cloud) as server, connected_to(server.base_url):
        try:
            told.arrange(cloud)
            if FAULTS[fault]:
                method, path = told.fault_at
                cloud.faults.next(FAULTS[fault], method=method, path=path, lands_after_seconds=LATE_SECONDS)
            yield cloud, server.base_url
        finally:
            forget_everything()


def _live(story: str, base_url: str, death: Passing | None, end: str = "killed") -> list[str]:
    """Tell a story in this process; return the crash points that were passed."""
    with (
        connected_to(base_url),
        watched(death, end) as passed,
        suppress(VoucherGatewayError, django.db.Error),
    ):
        STORIES[story].act()
    return passed


def _restart(story: str, base_url: str, again: bool) -> list[str]:
    """Go on where another process died: call again or not, and settle until nothing is open, and for days after.

    Returns what was wrong as soon as nothing was open any more.
    """
    with connected_to(base_url):
        if again:
            _call_again(STORIES[story])
        settle_until_nothing_is_open()
        found = problems_once_settled(STORIES[story], again=again)
        for pause in (TRAILING_READ, CODES_KEPT):
            later(pause)
            gateway.settle()
    return found


def _tell_to_nobody(story: str, base_url: str) -> None:
    with connected_to(base_url):
        STORIES[story].act()
    _restart(story, base_url, True)
    django.db.connections.close_all()
    cache.clear()


def _call_again(story: Story) -> None:
    """Call until it is not refused any more for what the dead process left open."""
    for _ in range(MOST_CALLS):
        try:
            story.again()
        except OperationInProgressError:
            settle_until_nothing_is_open()
            continue
        except VoucherGatewayError:
            pass
        return


def main() -> int:

    cell = Cell.read(sys.argv[1:])
    with world() as nursery:
        result = play(nursery, cell)
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
