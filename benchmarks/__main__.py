"""Measure, and write the tables and plots of ``docs/explanation/performance.md``: ``make bench``.

python -m benchmarks
python -m benchmarks calls order_paid --rounds 20
python -m benchmarks --only-plots
"""

import argparse
import os
import subprocess
import sys
from contextlib import ExitStack

from benchmarks import plots
from benchmarks.page import PAGE, ROOT, Place, merged, places, with_figures
from tests.postgres_server import postgres_server

TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def measure(place: Place, options: list[str], urls: dict[str, str]) -> None:
    """Run one benchmark on each of its databases, and write down what it printed."""
    printed = {TITLES[each]: _run(place.name, options, urls[each]) for each in place.databases}
    PAGE.write_text(with_figures(PAGE.read_text(), place.name, merged(printed)))


def _run(name: str, options: list[str], url: str) -> str:
    print(f"== {name} {url.partition(':')[0] or 'sqlite'}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="benchmarks; without any all that have a place in the page")
    parser.add_argument("--rounds", help="without it each one's own number")
    parser.add_argument("--only-plots", action="store_true", help="draw what stands in the page")
    given = parser.parse_args()
    chosen = [each for each in places(PAGE.read_text()) if not given.names or each.name in given.names]
    with ExitStack() as started:
        urls = {"sqlite": ""}
        if not given.only_plots and any("postgresql" in place.databases for place in chosen):
            urls["postgresql"] = started.enter_context(postgres_server())
        for place in [] if given.only_plots else chosen:
            measure(place, ["--rounds", given.rounds] if given.rounds else [], urls)
    plots.draw(PAGE.read_text())


if __name__ == "__main__":
    main()
