"""The figures come between their markers, and nothing else of the page is touched."""

import pytest

from benchmarks.page import Place, merged, places, table_of, with_figures

PAGE = """Before.
<!-- bench:calls sqlite postgresql -->
| old |
<!-- /bench:calls -->
Between.
<!-- bench:start sqlite -->
<!-- /bench:start -->
After.
"""
ONE = "| what | ms |\n| --- | --- |\n| a | 1 |\n\n2 rounds.\n"


def test_places_are_found_with_their_databases():
    assert places(PAGE) == [
        Place("calls", ("sqlite", "postgresql"), "| old |\n"),
        Place("start", ("sqlite",), ""),
    ]


def test_only_the_named_place_is_written():
    assert with_figures(PAGE, "start", r"\1 new" + "\n") == PAGE.replace(
        "<!-- /bench:start", "\\1 new\n<!-- /bench:start"
    )
    assert with_figures(PAGE, "calls", "| new |\n") == PAGE.replace("| old |", "| new |")


def test_the_rows_of_two_databases_stand_in_one_table():
    other = ONE.replace("| a | 1 |", "| b | 2 |").replace("2 r", "3 r")
    together = merged({"SQLite": ONE, "PostgreSQL": other})
    assert (
        together
        == "| what | ms |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n\nSQLite: 2 rounds.\n\nPostgreSQL: 3 rounds.\n"
    )
    assert table_of(together) == [{"what": "a", "ms": "1"}, {"what": "b", "ms": "2"}]


def test_tables_of_other_columns_are_not_put_together():
    with pytest.raises(ValueError, match="columns"):
        merged({"SQLite": ONE, "PostgreSQL": ONE.replace("ms", "s")})
