"""The archive of operations as a table of PostgreSQL that is partitioned by month, and back.

It is partitioned by ranges of the primary key, whose bounds are the last operation of each month: so the primary key
stays unique over all partitions, and no operation is archived twice. The table of live operations is never
partitioned: its unique indexes guard the money, and none of them has a column that says the month.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from voucher_payment_gateway.models import VoucherArchivedOperation, VoucherOperation

__all__ = ["partition_statements", "plain_statements"]

TABLE = VoucherArchivedOperation._meta.db_table
FORMER, REST = f"{TABLE}_former", f"{TABLE}_rest"

START = (
    "SET LOCAL lock_timeout = '5s'",  # do not let others wait behind us
    f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE",
)

MONTHS = f"""
    SELECT to_char(made.at AT TIME ZONE 'UTC', 'YYYY_MM'), max(made.id) + 1
    FROM (SELECT id, created_at AS at FROM {VoucherOperation._meta.db_table}
          UNION ALL SELECT id, (more->>'created_at')::timestamptz FROM {TABLE}) AS made
    WHERE made.at < date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    GROUP BY 1 ORDER BY 1
"""
"""Each month that has ended, and the first primary key after it."""

PARTITIONS = f"""
    SELECT inhrelid::regclass::text, pg_get_expr(relpartbound, inhrelid)
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = '{TABLE}'::regclass
"""

INDEXES = f"""
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{TABLE}'::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
    ORDER BY indexrelid
"""
CONSTRAINTS = f"""
    SELECT format('ALTER TABLE {TABLE} ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype IN ('p', 'u', 'f')
    ORDER BY contype = 'f', conname
"""
RIGHTS = f"""
    SELECT format('GRANT %s ON {TABLE} TO %s', privilege_type,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pg_class, aclexplode(relacl) WHERE oid = '{TABLE}'::regclass
    UNION ALL SELECT format('ALTER TABLE {TABLE} OWNER TO %I', pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = '{TABLE}'::regclass
"""
"""What a new table does not have by itself, as the statements that give it."""

IS_COMPLETE = f"""
    DO $$ BEGIN IF (SELECT count(*) FROM {TABLE}) <> (SELECT count(*) FROM {FORMER}) THEN
    RAISE EXCEPTION 'not all rows were copied'; END IF; END $$
"""


def partition_statements(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the statements that give each month that has ended a partition of its own; none where each has one. Run
    them in one transaction."""
    known = dict(_read(connection, PARTITIONS))
    months = [(f"{TABLE}_{month}", bound) for month, bound in _read(connection, MONTHS)]
    if not known:
        return list(_rebuilt(connection, "PARTITION BY RANGE (id)", _ranges("MINVALUE", months)))
    (since,) = re.findall(r"FROM \((?:'(\d+)'|MINVALUE)\)", known[REST])
    return list(
        _split(int(since or 0), [month for month in months if month[0] > max({*known} - {REST}, default="")])
    )


def plain_statements(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the statements that make it one table again; none where it is."""
    return list(_rebuilt(connection, "", [])) if _read(connection, PARTITIONS) else []


def _read(connection: BaseDatabaseWrapper, question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


def _ranges(since: int | str, months: list[tuple[str, int]]) -> list[str]:
    """Return the statements that make the partitions; a month whose operations all have smaller keys than those of an
    earlier one has none."""
    made = []
    for name, bound in months:
        if since == "MINVALUE" or bound > int(since):
            made.append(f"CREATE TABLE {name} PARTITION OF {TABLE} FOR VALUES FROM ({since}) TO ({bound})")
            since = bound
    return [*made, f"CREATE TABLE {REST} PARTITION OF {TABLE} FOR VALUES FROM ({since}) TO (MAXVALUE)"]


def _rebuilt(connection: BaseDatabaseWrapper, kind: str, partitions: list[str]) -> Iterator[str]:
    """Yield the statements that copy all rows into a new table with the same name, indexes, constraints and rights."""
    yield from START
    yield f"ALTER TABLE {TABLE} RENAME TO {FORMER}"
    yield f"CREATE TABLE {TABLE} (LIKE {FORMER} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) {kind}".strip()
    yield from partitions
    yield f"INSERT INTO {TABLE} SELECT * FROM {FORMER}"
    yield " ".join(IS_COMPLETE.split())
    yield f"DROP TABLE {FORMER}"
    for question in (INDEXES, CONSTRAINTS, RIGHTS):
        yield from (statement for (statement,) in _read(connection, question))


def _split(since: int, months: list[tuple[str, int]]) -> Iterator[str]:
    """Yield the statements that take the months out of the partition of the rest, which begins at ``since``."""
    *made, rest = _ranges(since, months)
    if not made:
        return
    yield from START
    yield f"ALTER TABLE {TABLE} DETACH PARTITION {REST}"
    yield from made
    (bound,) = re.findall(r"FROM \((\d+)\)", rest)
    yield f"INSERT INTO {TABLE} SELECT * FROM {REST} WHERE id < {bound}"
    yield "SET CONSTRAINTS ALL IMMEDIATE"  # a table with checks to come cannot be altered
    yield f"DELETE FROM {REST} WHERE id < {bound}"
    yield f"ALTER TABLE {TABLE} ATTACH PARTITION {REST} FOR VALUES FROM ({bound}) TO (MAXVALUE)"
