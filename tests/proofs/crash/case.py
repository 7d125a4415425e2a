"""One case of the kill matrix: ``python -m tests.proofs.crash.case capture K4 lost_answer again killed`` replays it.

A process runs a scenario up to the crash point, where it is killed or cut off from its database. Another process
starts, retries the call or not, and settles. Then the Voucher Cloud's books and our rows are compared to the cent.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import django.db
from django.core.cache import cache

from tests.proofs.crash import handed_over
from tests.proofs.crash.forkserver import Forkserver
from tests.proofs.crash.killer import Passed, watched
from tests.proofs.crash.oracle import problems, problems_once_settled, unconfirmed_codes, written_so_far
from tests.proofs.crash.points import NAMES, REQUEST_SENT, Passing
from tests.proofs.crash.scenario import Scenario
from tests.proofs.crash.scenarios import SCENARIOS
from tests.proofs.crash.shop import (
    CODES_KEPT,
    CONFIRMED_KEPT,
    TRAILING_READ,
    connected_to,
    delete_all_rows,
    later,
    settle_until_nothing_is_open,
)
from tests.proofs.crash.voucher_cloud import LATE_SECONDS, KillingCloud
from tests.proofs.crash.world import world
from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import OperationInProgressError, VoucherGatewayError
from voucher_payment_gateway.sandbox import serve

__all__ = ["FAULTS", "Case", "Result", "observed", "passings", "play", "rehearse"]

FAULTS = {
    "none": "",
    "lost_request": "before:drop",
    "lost_answer": "after:drop",
    "late": "late:drop",
    "error_before": "before:500",
    "error_after": "after:500",
    "garbage": "after:garbage",
}
"""The fault of the first relevant call, in either process."""


REHEARSED = ("authorize_selected", "settle_lost_charge", "settle_lost_refund")

MAX_RETRIES = 5


@dataclass(frozen=True)
class Case:
    """A scenario, its crash point, the fault of the remote side, and whether the shop retries (``again``)."""

    scenario: str
    crash_at: Passing
    fault: str
    again: bool
    end: str = "killed"

    def __str__(self) -> str:
        return f"{self.scenario} {self.crash_at} {self.fault} {'again' if self.again else 'alone'} {self.end}"

    @classmethod
    def read(cls, words: list[str]) -> "Case":
        """Parse the words of ``str(case)``; the last two may be missing."""
        scenario, crash_at, fault, again, end = (*words, *("again", "killed")[len(words) - 3 :])
        return cls(scenario, Passing.read(crash_at), fault, again == "again", end)


@dataclass(frozen=True)
class Result:
    """How a case ended; ``problems`` is empty where all is right."""

    case: Case
    problems: list[str] = field(default_factory=list)
    has_come: bool = True
    """Whether the process came to the crash point."""

    def __str__(self) -> str:
        found = "\n  ".join(self.problems) or "all is right"
        return f"{self.case} (again: python -m tests.proofs.crash.case {self.case})\n  {found}"


def rehearse(forkserver: Forkserver) -> None:
    """Warm the forkserver up with some scenarios: its processes then inherit the caches of Python and Django, but no
    connection, no token and no row."""
    for scenario in REHEARSED:
        with _prepared(scenario, "none") as (_, base_url):
            forkserver.rehearse(_play_unobserved, scenario, base_url)


def passings(forkserver: Forkserver, scenario: str, fault: str) -> list[Passing]:
    """Run the scenario to its end in a process, and return every crash point that it passed.

    The list is empty if the fault never occurred: the case is then the same as without it.
    """
    passed, requests = observed(forkserver, scenario, fault)
    times = Counter(each.point for each in passed)
    times[REQUEST_SENT] = requests
    return [Passing(point, time + 1) for point in NAMES for time in range(times[point])]


def observed(forkserver: Forkserver, scenario: str, fault: str) -> tuple[list[Passed], int]:
    """Run the scenario to its end in a process; return what it passed, and the number of its requests. Both are empty
    if the fault never occurred."""
    with _prepared(scenario, fault) as (cloud, base_url):
        ended = forkserver.run(
            _run_until_crash, scenario, base_url, None, on_start=lambda pid: cloud.watch(pid, None)
        )
        requests = cloud.unwatch()
        if FAULTS[fault] and FAULTS[fault] not in [struck for struck, _, _ in cloud.faults.log]:
            return [], 0
    return ended.returned, requests


def play(forkserver: Forkserver, case: Case) -> Result:
    """Play a case, and return the problems found afterwards."""
    fatal_request = case.crash_at.time if case.crash_at.point == REQUEST_SENT else None
    with _prepared(case.scenario, case.fault) as (cloud, base_url):
        try:
            victim = forkserver.run(
                _run_until_crash,
                case.scenario,
                base_url,
                case.crash_at,
                case.end,
                on_start=lambda pid: cloud.watch(pid, fatal_request),
            )
            cloud.unwatch()
            if not victim.killed and (
                case.end == "killed" or case.crash_at.point not in [each.point for each in victim.returned]
            ):
                return Result(case, [f"the process never came to {case.crash_at}"], has_come=False)
            at_crash = written_so_far()
            restarted = forkserver.run(_restart, case.scenario, base_url, case.again)
        except RuntimeError as error:
            return Result(case, [str(error)])
        later_on = problems(
            cloud, SCENARIOS[case.scenario], at_crash, again=case.again, crashed_at=case.crash_at.point
        )
        return Result(case, [*restarted.returned, *later_on])


@contextmanager
def _prepared(scenario: str, fault: str) -> Iterator[tuple[KillingCloud, str]]:
    """Set the scenario up at the Voucher Cloud and in the shop; delete all rows afterwards."""
    played = SCENARIOS[scenario]
    cloud = KillingCloud()
    with serve(cloud) as server, connected_to(server.base_url, **played.settings):
        try:
            played.set_up(cloud)
            if FAULTS[fault]:
                method, path = played.fault_at
                cloud.faults.next(FAULTS[fault], method=method, path=path, lands_after_seconds=LATE_SECONDS)
            yield cloud, server.base_url
        finally:
            delete_all_rows()
            handed_over.delete_all()


def _run_until_crash(
    scenario: str, base_url: str, crash_at: Passing | None, end: str = "killed"
) -> list[Passed]:
    """Run a scenario in this process; return the crash points that were passed."""
    with (
        connected_to(base_url, **SCENARIOS[scenario].settings),
        watched(crash_at, end) as passed,
        suppress(VoucherGatewayError, django.db.Error),
    ):
        SCENARIOS[scenario].act()
    return passed


def _restart(scenario: str, base_url: str, again: bool) -> list[str]:
    """Restart after the crash: retry or not, settle until nothing is open, then settle for a month.

    Returns the problems found as soon as nothing is open, and two days later.
    """
    with connected_to(base_url, **SCENARIOS[scenario].settings):
        if again:
            _retry(SCENARIOS[scenario])
        settle_until_nothing_is_open()
        found = problems_once_settled(SCENARIOS[scenario], again=again)
        for pause in (TRAILING_READ, CODES_KEPT):
            later(pause)
            gateway.settle()
        found += unconfirmed_codes()
        later(CONFIRMED_KEPT)
        gateway.settle()
    return found


def _play_unobserved(scenario: str, base_url: str) -> None:
    with connected_to(base_url):
        SCENARIOS[scenario].act()
    _restart(scenario, base_url, True)
    django.db.connections.close_all()
    cache.clear()


def _retry(scenario: Scenario) -> None:
    """Call until no operation of the crashed process is in the way."""
    for _ in range(MAX_RETRIES):
        try:
            scenario.retry()
        except OperationInProgressError:
            settle_until_nothing_is_open()
            continue
        except VoucherGatewayError:
            pass
        return


def main() -> int:

    case = Case.read(sys.argv[1:])
    with world() as forkserver:
        result = play(forkserver, case)
    print(result)
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
