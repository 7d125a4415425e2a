"""Every benchmark works and prints its table, and the page has a place for each. How fast anything is, no test asks."""

import subprocess
import sys
from importlib import import_module

import pytest

from benchmarks import page

NAMES = sorted(page.benchmarks())
PLACES = page.places(page.PAGE.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_it_prints_its_table(name):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--rounds", "1"]
    done = subprocess.run(command, cwd=page.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    table, _, below = done.stdout.partition("\n\n")
    found = page.table_of(table)
    assert [list(row) for row in found] == [list(import_module(f"benchmarks.{name}").HEADER)] * len(found)
    assert found
    assert ("1 rounds, Python " if name not in ("function_calls", "per_order") else "Python ") in below


def test_every_benchmark_has_a_place_in_the_page():
    assert sorted(place.name for place in PLACES) == NAMES
    assert all(place.databases and set(place.databases) <= {"sqlite", "postgresql"} for place in PLACES)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_page_shows_the_table_as_it_is_printed_now(place):
    found = page.table_of(place.figures)
    assert found, f"make bench ARGS={place.name}"
    assert list(found[0]) == list(import_module(f"benchmarks.{place.name}").HEADER)


def test_every_plot_is_of_a_column_in_the_page():
    plots = import_module("benchmarks.plots")
    by_name = {place.name: page.table_of(place.figures)[0] for place in PLACES}
    for name, bars in plots.PLOTS.items():
        assert {bars.label, bars.value, *bars.series} <= set(by_name[name])
        assert (plots.FOLDER / plots.file_name(name)).exists()


def test_the_shop_is_measured_without_debug():
    assert import_module("benchmarks.settings").DEBUG is False
