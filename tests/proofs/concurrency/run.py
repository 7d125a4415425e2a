"""Plays rounds of a scenario: ``python -m tests.proofs.concurrency.run one_order --rounds 200``.

The database is SQLite, or the one that ``DATABASE_URL`` names.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic

from django.db import connection

from tests.proofs.concurrency.scenarios import SCENARIOS, record_captures
from tests.proofs.concurrency.workers import Workers
from tests.proofs.crash.shop import connected_to, delete_all_rows
from tests.proofs.storm.bench import database
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

__all__ = ["play_many"]


PROCESS_LIFETIME = ExitStack()


def play_many(name: str, rounds: int) -> Iterator[list[str]]:
    """Play ``rounds`` rounds of a scenario, and yield the problems of each."""
    scenario = SCENARIOS[name]
    with database():
        connection.close()
        workers = Workers(scenario.processes, scenario.threads)
        cloud = LocalVoucherCloud()
        try:
            with serve(cloud) as server, connected_to(server.base_url):
                workers.each_process(_connect, server.base_url)
                record_captures()
                for number in range(rounds):
                    yield scenario.play(workers, cloud, number)
                    delete_all_rows()
        finally:
            workers.close()


def _connect(base_url: str) -> None:
    logging.disable(logging.CRITICAL)
    PROCESS_LIFETIME.enter_context(connected_to(base_url))
    record_captures()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.concurrency.run", description=__doc__)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began, wrong = monotonic(), 0
    for number, problems in enumerate(play_many(asked.scenario, asked.rounds)):
        if problems:
            wrong += 1
            print(f"round {number}:", *problems, sep="\n  ", flush=True)
    print(f"{asked.rounds} rounds on {connection.vendor}, {wrong} wrong, {monotonic() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
