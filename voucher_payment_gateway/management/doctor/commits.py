"""Checks whether a commit survives a crash: an order, a hold, and that a charge or refund is being sent."""

from collections.abc import Iterator, Mapping

from django.db.backends.base.base import BaseDatabaseWrapper

from voucher_payment_gateway.docs_url import docs_url
from voucher_payment_gateway.management.doctor.report import Finding, State

__all__ = ["commit_findings", "mysql_findings", "postgresql_findings", "sqlite_findings"]

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")
"""What PostgreSQL is asked for."""

OFF, NORMAL = 0, 1
"""Values of SQLite's ``PRAGMA synchronous``."""

MORE = docs_url("how-to/set-up-the-database#commits-that-last")
TWICE = "with it that a charge or refund was being sent, which may then be sent again"

POSTGRESQL: dict[str, tuple[State, str]] = {
    "fsync": (
        "trouble",
        "fsync is off: a crash of the database server undoes commits or damages the database, and " + TWICE,
    ),
    "full_page_writes": (
        "warning",
        "full_page_writes is off: a crash of the database server may damage the database, unless its file system never "
        "writes half a page",
    ),
    "synchronous_commit": (
        "warning",
        "synchronous_commit is off: a crash of PostgreSQL undoes the last commits, such as orders and holds. A charge "
        "or refund that is being sent is not forgotten, since its own commit waits for the disk",
    ),
}
"""What the doctor says of a setting that is off."""

FAILOVER = {
    "local": "a standby that takes over may not have the last commits, and " + TWICE,
    "remote_write": "a standby whose machine crashes as well may not have the last commits, and " + TWICE,
}
"""What it says of ``synchronous_commit`` where a standby is to have every commit."""


def commit_findings(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Yield each setting of this database with which a crash undoes a commit. A database in memory promises nothing."""
    if connection.vendor == "postgresql":
        yield from postgresql_findings({name: _shown(connection, f"SHOW {name}") for name in SETTINGS})
    elif connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
        synchronous = int(_shown(connection, "PRAGMA synchronous"))
        yield from sqlite_findings(synchronous, _shown(connection, "PRAGMA journal_mode"))
    elif connection.vendor == "mysql":
        yield from mysql_findings(int(_shown(connection, "SELECT @@innodb_flush_log_at_trx_commit")))


def _shown(connection: BaseDatabaseWrapper, question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def postgresql_findings(shown: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the settings of a server mean for its commits."""
    for name, (state, text) in POSTGRESQL.items():
        if shown[name] == "off":
            yield _finding(state, f"{text}: set {name} = on")
    waits_for = shown["synchronous_commit"]
    if shown["synchronous_standby_names"] and waits_for in FAILOVER:
        yield _finding(
            "warning",
            f"synchronous_commit is {waits_for}: {FAILOVER[waits_for]}: set synchronous_commit = on",
        )


def sqlite_findings(synchronous: int, journal_mode: str) -> Iterator[Finding]:
    """Yield what these pragmas mean for commits. Both are those of our connection: the shop's ``OPTIONS`` set them."""
    if synchronous == OFF:
        yield _sqlite_finding(
            "trouble",
            "PRAGMA synchronous is OFF: a power cut undoes commits or damages the database, and " + TWICE,
        )
    elif synchronous == NORMAL and journal_mode == "wal":
        yield _sqlite_finding(
            "warning",
            "PRAGMA synchronous is NORMAL: with WAL a power cut undoes the last commits, and " + TWICE,
        )
    if journal_mode in ("memory", "off"):
        yield _sqlite_finding(
            "trouble",
            f"PRAGMA journal_mode is {journal_mode}: a killed process may leave half a transaction, or a damaged "
            "database",
        )


def mysql_findings(flushes: int) -> Iterator[Finding]:
    """Yield what ``innodb_flush_log_at_trx_commit`` of MariaDB or MySQL means for commits."""
    if flushes != 1:
        yield _finding(
            "trouble",
            f"innodb_flush_log_at_trx_commit is {flushes}: a crash of the machine undoes the last commits, and "
            f"{TWICE}: set it to 1",
        )


def _sqlite_finding(state: State, text: str) -> Finding:
    return _finding(
        state, f'{text}: put "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL" into init_command'
    )


def _finding(state: State, text: str) -> Finding:
    return Finding("commits", state, f"{text}. {MORE}")
