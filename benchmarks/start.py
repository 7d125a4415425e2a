"""What the app adds to the start of Django: modules, and seconds of the processor.

    .venv/bin/python benchmarks/start.py

Each round starts the test project twice in processes of their own, with the app and without it. Their median is
printed with the quartiles around it, since a machine that does other work at the same time makes every figure larger.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 20

START = """
import sys, time
from django.conf import settings
settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in sys.argv[1:]]
began = time.process_time()
import django
django.setup()
print(len(sys.modules), time.process_time() - began)
"""


def start(*without):
    """Return the number of modules and the seconds of a start without these apps."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", START, *without]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    modules, seconds = done.stdout.split()
    return int(modules), float(seconds)


def main():
    shop = ("voucher_payment_gateway", "tests.shop")
    start(), start(*shop)  # the bytecode is written
    rounds = [(start(), start(*shop)) for _ in range(ROUNDS)]
    (modules, _), (modules_without, _) = rounds[0]
    print(f"modules: {modules} with the app, {modules_without} without")
    for name, of in (
        ("with the app, ms", lambda ours, other: ours[1] * 1000),
        ("without, ms", lambda ours, other: other[1] * 1000),
        ("added, ms", lambda ours, other: (ours[1] - other[1]) * 1000),
        ("ratio", lambda ours, other: ours[1] / other[1]),
    ):
        low, middle, high = statistics.quantiles([of(*each) for each in rounds], n=4)
        print(f"{name}: {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
