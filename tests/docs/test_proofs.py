"""The page about the proofs names the proofs that exist."""

import re

from tests.docs.pages import ROOT, page, rows, section, words
from tests.gateway.test_counterexamples import RULES
from tests.proofs.orders import mutants as orders
from tests.proofs.simulation import mutants as simulation
from tests.proofs.simulation.sales import mutants as sales
from tests.proofs.storm import mutants as storm

PAGE = page("explanation/proofs.md")


def test_every_planted_bug_is_told_and_no_other_is():
    documented = [cells for cells in rows(section(PAGE, "Planted bugs")) if len(cells) == 4]
    assert {cells[0] for cells in documented if cells[1] == "caught"} == set(simulation.MUTANTS)
    assert {cells[0] for cells in documented if cells[2] == "caught"} == set(storm.MUTANTS)
    schedules = {cells[3] for cells in documented} - {"", "kill matrix"}
    assert schedules == {name.partition(" ")[0] for name in RULES} | {"C9"}


def test_every_planted_bug_of_the_orders_is_told_and_no_other_is():
    documented = [cells[1] for cells in rows(section(PAGE, "Planted bugs of orders"))]
    assert documented == list(orders.MUTANTS)


def test_every_planted_bug_of_sales_is_told_and_no_other_is():
    documented = [cells[1] for cells in rows(section(PAGE, "Planted bugs of sales"))]
    assert documented == list(sales.SALE_MUTANTS)


def test_every_figure_that_a_run_of_the_tests_prints_is_told():
    documented = [word for cells in rows(section(PAGE, "What CI counts")) for word in words(cells[0])]
    printed = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.name != "test_figures.py":
            printed |= set(re.findall(r'\bfigures\(\s*f?"([^"{]+)', path.read_text()))
    assert len(printed) > 8
    untold = [
        name
        for name in printed
        if not any(row.startswith(name) or name.startswith(row) for row in documented)
    ]
    assert untold == []


def test_each_counterexample_names_tests_that_exist():
    table = list(rows(section(PAGE, "Counterexamples")))
    assert [cells[0] for cells in table] == [f"C{number}" for number in range(1, 19)]
    tests = "".join(path.read_text() for path in (ROOT / "tests/gateway").glob("test_*.py"))
    named = [word for cells in table for word in words(cells[2])]
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert all(words(cells[2]) for cells in table)
