"""A query that is composed once: the ORM takes longer to compose a statement than the database takes to run it.

The ORM stays the source: it composes the statement for each database, and nothing is written by hand.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import QuerySet

__all__ = ["CompiledQuery"]


class _Statement(NamedTuple):
    sql: str
    params: Sequence[Any]
    compiler: Any


class CompiledQuery:
    """A query of one model that is run with other values each time.

    ``build`` is called once per database with a text in place of each value, and returns the queryset; the values are
    texts that stand in its parameters as they are. Values of any other kind belong into ``build`` itself.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], count: int = 1) -> None:
        self._build = build
        self._marks = [f"value {position} of {id(self)}" for position in range(count)]
        self._statements: dict[str, _Statement] = {}

    def rows(self, alias: str, *values: str) -> list[Any]:
        """Return the rows of one run in this database, as the queryset would."""
        statement = self._statement(alias)
        found = self._fetch(statement, alias, values)
        return list(_instances(statement.compiler, alias, found)) if found else []

    def has_rows(self, alias: str, *values: str) -> bool:
        """Return whether there is one. The queryset should ask for one row alone, and for no column of it."""
        return bool(self._fetch(self._statement(alias), alias, values))

    def _statement(self, alias: str) -> _Statement:
        return self._statements.get(alias) or self._compile(alias)

    def _fetch(self, statement: _Statement, alias: str, values: Sequence[str]) -> list[Any]:
        given = dict(zip(self._marks, values, strict=True))
        params = [given.get(each, each) if isinstance(each, str) else each for each in statement.params]
        with connections[alias].cursor() as cursor:
            cursor.execute(statement.sql, params)
            return list(cursor.fetchall())

    def _compile(self, alias: str) -> _Statement:
        compiler = self._build(*self._marks).using(alias).query.get_compiler(alias)
        sql, params = compiler.as_sql()
        compiler.connection = None  # it is of this thread, and the statement is kept for all
        statement = self._statements[alias] = _Statement(sql, params, compiler)
        return statement


def _instances(compiler: Any, alias: str, found: list[Any]) -> Iterator[Any]:
    """Yield the instances of rows, as ``django.db.models.query.ModelIterable`` makes them."""
    compiler = copy.copy(compiler)
    compiler.connection = connections[alias]
    columns = compiler.klass_info["select_fields"]
    fields = slice(columns[0], columns[-1] + 1)
    names = [selected[0].target.attname for selected in compiler.select[fields]]
    for row in compiler.results_iter([found]):
        instance = compiler.klass_info["model"].from_db(alias, names, row[fields])
        for name, position in compiler.annotation_col_map.items():
            setattr(instance, name, row[position])
        yield instance
