"""Many at once, round after round: ``python -m tests.proofs.concurrency.run one_order --rounds 200``.

The database is SQLite, or the one that ``DATABASE_URL`` names.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic

from django.db import connection

from tests.proofs.concurrency.scenarios import KINDS, hear
from tests.proofs.concurrency.workers import Crowd
from tests.proofs.crash.shop import connected_to, forget_everything
from tests.proofs.storm.bench import database
from voucher_payment_gateway.sandbox import LocalVoucherCloud, serve

__all__ = ["play_many"]


AS_LONG_AS_IT_LIVES = ExitStack()


def play_many(name: str, rounds: int) -> Iterator[list[str]]:
    """Play so many rounds of a kind, and yield what was wrong in each."""
    kind = KINDS[name]
    with database():
        connection.close()
        crowd = Crowd(kind.processes, kind.threads)
        cloud = LocalVoucherCloud()
        try:
            with serve(cloud) as server, connected_to(server.base_url):
                crowd.each_process(_connect, server.base_url)
                hear()
                for number in range(rounds):
                    yield kind.play(crowd, cloud, number)
                    forget_everything()
        finally:
            crowd.close()


def _connect(base_url: str) -> None:
    logging.disable(logging.CRITICAL)
    AS_LONG_AS_IT_LIVES.enter_context(connected_to(base_url))
    hear()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.concurrency.run", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began, wrong = monotonic(), 0
    for number, problems in enumerate(play_many(asked.kind, asked.rounds)):
        if problems:
            wrong += 1
            print(f"round {number}:", *problems, sep="\n  ", flush=True)
    print(f"{asked.rounds} rounds on {connection.vendor}, {wrong} wrong, {monotonic() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
