"""Whether a database of MySQL or MariaDB guards the money: its tables, and how the connection is set up."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.models.mysql import collation, conditional_constraints, inexact_columns

__all__ = ["check_mysql"]

APP = "voucher_payment_gateway"
MIGRATION = (APP, "0006_mysql")
ISOLATION = "READ-COMMITTED"
STRICT_MODES = {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"}


def check_mysql(connection: Any) -> Messages:
    """Report what lets two workers, two orders or two codes be taken for one. Tables that are not migrated yet are left
    out: ``migrate`` runs this check first."""
    alias = connection.alias
    if (isolation := _isolation(connection)) != ISOLATION:
        yield report("E022", "isolation", alias=alias, isolation=isolation)
    if not STRICT_MODES & _sql_mode(connection):
        yield report("E022", "not_strict", alias=alias)
    if not _is_waiting_for_its_migration(connection):
        for model in _stored_models(connection):
            yield from _check_table(connection, model)


def _check_table(connection: Any, model: Any) -> Messages:
    alias, table = connection.alias, model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        (engine,) = cursor.fetchone()
        found = connection.introspection.get_constraints(cursor, table)
    if engine != "InnoDB":
        yield report("E022", "engine", alias=alias, table=table, engine=engine)
    if columns := inexact_columns(connection, table):
        names = ", ".join(columns)
        yield report(
            "E022", "inexact", alias=alias, table=table, columns=names, collation=collation(connection)
        )
    if missing := [each.name for each in conditional_constraints(model) if each.name not in found]:
        yield report("E022", "unguarded", alias=alias, names=", ".join(missing))


def _stored_models(connection: Any) -> Iterator[Any]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    return (model for model in apps.get_app_config(APP).get_models() if model._meta.db_table in tables)


def _is_waiting_for_its_migration(connection: Any) -> bool:
    loader = MigrationLoader(connection)
    return APP in loader.migrated_apps and MIGRATION not in loader.applied_migrations


def _isolation(connection: Any) -> str:
    """Return the isolation level of this connection; the variable has another name in MySQL and newer MariaDB."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')")
        return str(cursor.fetchall()[0][1])


def _sql_mode(connection: Any) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@sql_mode")
        return set(cursor.fetchone()[0].split(","))
