"""Compare-and-set UPDATEs that are composed once per model, columns and database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import UpdateQuery

from voucher_payment_gateway.models.compiled.kinds import kind_of
from voucher_payment_gateway.models.compiled.values import PLAIN, is_prepared, saved, written
from voucher_payment_gateway.reservation_ids import JSONAppend

__all__ = ["CompiledUpdate"]

Values = Mapping[str, Any]

KEPT = PLAIN | {JSONAppend}

SAMPLES: dict[str, Callable[[int], Any]] = {
    "BooleanField": lambda number: True,
    "CharField": lambda number: f"value {number}",
    "TextField": lambda number: f"value {number}",
    "DateTimeField": lambda number: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=number),
    "DecimalField": lambda number: Decimal(number),
    "JSONField": lambda number: [number],
    "UUIDField": lambda number: UUID(int=number),
}
"""By kind of field: values that differ, to see which parameter is whose. Whole numbers for all others."""


class _Slot(NamedTuple):
    field: Any
    name: str
    is_condition: bool


NULL = _Slot(None, "", False)
"""A parameter that is NULL each time: Django 6.1 passes it, earlier ones write it into the statement."""


class _Statement(NamedTuple):
    sql: str
    order: Sequence[_Slot]
    """What each parameter says."""


class CompiledUpdate:
    """Updates of a model, ``filter(**conditions).update(**changes)``. Which columns they name is up to each run."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._statements: dict[tuple[Any, ...], _Statement | None] = {}

    def run(self, conditions: Values, changes: Values) -> int:
        """Return how many rows were changed. What cannot be kept, such as an expression, is left to the ORM."""
        connection = connections[router.db_for_write(self._model)]
        statement = self.statement(connection, conditions, changes)
        if statement is None:
            return self._rows(connection, conditions).update(**changes)

        def execute() -> int:
            with connection.cursor() as cursor:
                cursor.execute(*statement)
                return int(cursor.rowcount)

        return written(connection, execute)

    def statement(
        self, connection: BaseDatabaseWrapper, conditions: Values, changes: Values
    ) -> tuple[str, tuple[Any, ...]] | None:
        """Return the statement and its parameters; None where it cannot be kept."""
        if not KEPT.issuperset(map(type, changes.values())) or None in conditions.values():
            return None
        # each of these is written in another way than a value is
        others = tuple(
            [type(value) if type(value) in (NoneType, JSONAppend) else None for value in changes.values()]
        )
        key = (kind_of(connection), tuple(conditions), tuple(changes), others)
        if key not in self._statements:
            self._statements[key] = self._compose(connection, conditions, changes)
        kept = self._statements[key]
        if kept is None:
            return None
        return kept.sql, tuple([_parameter(slot, conditions, changes, connection) for slot in kept.order])

    def _compose(
        self, connection: BaseDatabaseWrapper, conditions: Values, changes: Values
    ) -> _Statement | None:
        if not self._columns.keys() >= {*conditions, *changes}:
            return None  # of a related row, or of a parent model, which has a statement of its own
        slots = [_Slot(self._columns[name], name, True) for name in conditions]
        slots += [_Slot(self._columns[name], name, False) for name in changes if changes[name] is not None]
        samples = {slot: _sample(slot.field, number) for number, slot in enumerate(slots, start=1)}
        for slot in samples:
            if not slot.is_condition and type(changes[slot.name]) is JSONAppend:
                samples[slot] = JSONAppend(slot.name, samples[slot])
        asked = {slot.name: sample for slot, sample in samples.items() if slot.is_condition}
        given = {slot.name: sample for slot, sample in samples.items() if not slot.is_condition}
        query: Any = self._rows(connection, asked).query.chain(UpdateQuery)
        query.add_update_values(dict.fromkeys(changes) | given)
        sql, params = query.get_compiler(connection=connection).as_sql()
        by_sample = {repr(_given(slot.field, sample, connection)): slot for slot, sample in samples.items()}
        order = [NULL if each is None else by_sample.pop(repr(each), None) for each in params]
        is_known = not by_sample and None not in order
        return _Statement(sql, [slot for slot in order if slot]) if is_known else None

    def _rows(self, connection: BaseDatabaseWrapper, conditions: Values) -> models.QuerySet[Any]:
        return models.QuerySet(self._model).using(connection.alias).filter(**conditions)

    @cached_property
    def _columns(self) -> dict[str, Any]:
        meta = self._model._meta
        names = (
            (name, field) for field in meta.local_concrete_fields for name in (field.name, field.attname)
        )
        return dict(names) | {"pk": meta.pk}


def _parameter(slot: _Slot, conditions: Values, changes: Values, connection: BaseDatabaseWrapper) -> Any:
    if slot is NULL:
        return None
    if slot.is_condition:
        return _compared(slot.field, conditions[slot.name], connection)
    return _given(slot.field, changes[slot.name], connection)


def _given(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return the parameter for a value that is written."""
    return value.parameter if type(value) is JSONAppend else saved(field, value, connection)


def _compared(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return the value as the ORM compares a column with it."""
    compared = value if is_prepared(field, value) else field.get_prep_value(value)
    return field.get_db_prep_value(compared, connection, prepared=True)


def _sample(field: Any, number: int) -> Any:
    while field.remote_field:
        field = field.target_field
    make = SAMPLES.get(field.get_internal_type())
    return make(number) if make else 1000 + number
