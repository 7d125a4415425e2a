"""Lets real workers do the work of a shop, and kills two of them: ``python -m tests.tasks.run celery``.

One worker dies while its charge is in flight, one right after it has sent a mail. Needs ``DATABASE_URL``, and for
Celery a Redis in ``WORKER_BROKER``.
"""

import argparse
import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

__all__: list[str] = []

WORKERS = {"celery": 4, "django": 3}
ROUND = [*["settle"] * 8, *["deliver"] * 4, *["remind"] * 4]
MAX_ROUNDS = 20
DELAY_SECONDS = 60
"""Between two rounds, so that many operations are due at once."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tasks.run", description=__doc__)
    parser.add_argument("queue", choices=WORKERS)
    queue = parser.parse_args().queue
    with TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.tasks.worker_settings",
            "WORKER_QUEUE": queue,
            "WORKER_FOLDER": folder,
        }
        return _play(queue, Path(folder))


def _play(name: str, folder: Path) -> int:
    from tests.proofs.storm.bench import database

    with database():
        from django.db import connection

        from tests.proofs.crash.shop import connected_to
        from tests.tasks.mailbox import KILLED
        from tests.tasks.work import Work
        from tests.tasks.workers import QUEUES, workers
        from voucher_payment_gateway.sandbox import DOCUMENTED, LocalVoucherCloud, serve

        logging.disable(logging.CRITICAL)
        os.environ["WORKER_DATABASE"] = connection.settings_dict["NAME"]
        cloud = LocalVoucherCloud(behaviour=DOCUMENTED.but(second_charge="book_again"))
        queue = QUEUES[name](folder)
        with serve(cloud) as server, connected_to(server.base_url):
            work = Work(cloud)
            with workers(queue, cloud, WORKERS[name], folder / "printed") as fate:
                rounds, problems = _rounds(
                    lambda: queue.run(ROUND, lambda: bool(fate.killed) + (folder / KILLED).exists())
                )
            problems += work.problems(folder)
            if not fate.killed:
                problems.append("no worker was killed while it charged")
            if problems:
                problems.append((folder / "printed").read_text())
    print(*problems, f"{rounds} rounds of {len(ROUND)} tasks, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


def _rounds(play):
    """Play rounds until nothing is open; return their number and what failed."""
    from tests.proofs.crash.shop import later, until_next
    from tests.tasks.work import is_open

    problems, rounds = [], 0
    while rounds < MAX_ROUNDS and is_open():
        later(until_next() + DELAY_SECONDS)
        problems += play()
        rounds += 1
    return rounds, problems


if __name__ == "__main__":
    sys.exit(main())
