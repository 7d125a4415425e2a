"""What the app adds to the start of Django: modules, and milliseconds of the processor.

    python -m benchmarks.start

Each round starts the test project twice in processes of their own, with the app and without it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import table
from benchmarks.rounds import spread

HEADER = ("start of Django", "modules", "processor, ms (quartiles)")
ROOT = Path(__file__).parent.parent
OURS = ("voucher_payment_gateway", "tests.shop")

START = """
import sys, time
from django.conf import settings
settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in sys.argv[1:]]
began = time.process_time()
import django
django.setup()
print(len(sys.modules), time.process_time() - began)
"""


def start(*without: str) -> tuple[int, float]:
    """Return the number of modules and the milliseconds of a start without these apps."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", START, *without]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    modules, seconds = done.stdout.split()
    return int(modules), float(seconds) * 1000


def rows(rounds: int) -> Iterator[tuple[object, ...]]:
    start(), start(*OURS)  # the bytecode is written
    pairs = [(start(), start(*OURS)) for _ in range(rounds)]
    (modules, _), (modules_without, _) = pairs[0]
    yield "with the app", modules, spread(ours for (_, ours), _ in pairs)
    yield "without", modules_without, spread(theirs for _, (_, theirs) in pairs)
    yield "added", modules - modules_without, spread(ours - theirs for (_, ours), (_, theirs) in pairs)


if __name__ == "__main__":
    table.main(__doc__, HEADER, rows, rounds=20)
