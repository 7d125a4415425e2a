"""Rows of a shop that has been taking gift vouchers for long, made by the database itself: millions in minutes.

One payment every six seconds, up to now. Of ten payments nine were captured, of those one was refunded; one was
cancelled. Every second voucher pays a second time. A few operations wait for a person, as they do for ever in life.
"""

from contextlib import contextmanager
from datetime import timedelta

from django.core.management.color import no_style
from django.db import connections
from django.utils import timezone

__all__ = ["OPERATIONS_OF_TEN", "SECONDS_APART", "fill", "fill_with_dead_holds"]

SECONDS_APART = 6
OPERATIONS_OF_TEN = 21
"""So many operations ten payments have: a reservation each, nine charges, one release, one refund."""

CHUNK = 500_000
"""So many payments are written in one statement."""

NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {last})"

PAYMENT = {
    "id": "i",
    "order_number": "'L-' || i",
    "currency": "'EUR'",
    "voucher_id": "md5('v' || (i / 2))",
    "code_hint": "'ABCD'",
    "code_fingerprint": "md5('a' || i) || md5('b' || i)",
    "sealed_code": "''",
    "status": "CASE i % 10 WHEN 0 THEN 'cancelled' WHEN 9 THEN 'refunded' ELSE 'captured' END",
    "amount_agreed": "10.00",
    "amount_authorized": "0.00",
    "amount_captured": "CASE i % 10 WHEN 0 THEN 0.00 ELSE 10.00 END",
    "amount_refunded": "CASE i % 10 WHEN 9 THEN 10.00 ELSE 0.00 END",
    "reservation_id": "md5('r' || i)",
    "reservation_dead_at": "{at}",
    "cancel_requested_at": "CASE i % 10 WHEN 0 THEN {at} END",
    "created_at": "{at}",
    "updated_at": "{at}",
}
DEAD_HOLD = {
    **PAYMENT,
    "order_number": "'D-' || i",
    "voucher_id": "md5('d' || i)",
    "status": "'authorized'",
    "amount_authorized": "10.00",
    "amount_captured": "0.00",
    "amount_refunded": "0.00",
    "cancel_requested_at": "CASE WHEN i < 0 THEN {at} END",  # NULL, of the column's type
    "reserved_until": "{at}",
}
RESERVE = {
    "payment_id": "i",
    "order_number": PAYMENT["order_number"],
    "number": "1",
    "voucher_id": PAYMENT["voucher_id"],
    "kind": "'reserve'",
    "amount": "10.00",
    "currency": "'EUR'",
    "state": "'succeeded'",
    "claim": "{claim}",
    "target_id": "''",
    "reference": "''",
    "remote_id": PAYMENT["reservation_id"],
    "waits": "false",
    "late_answers": "'[]'",
    "error_code": "''",
    "attempts": "1",
    "actor": "''",
    "reason": "''",
    "concluded_by": "''",
    "conclusion": "''",
    "created_at": "{at}",
    "sending_at": "{at}",
    "settled_at": "{at}",
    "due_at": "{at}",
}
CLOSING = {
    **RESERVE,
    "number": "2",
    "kind": "CASE i % 10 WHEN 0 THEN 'cancel' ELSE 'charge' END",
    "state": "CASE i % 100000 WHEN 7 THEN 'manual' ELSE 'succeeded' END",
    "target_id": PAYMENT["reservation_id"],
    "reference": "'L-' || i || '-1.' || substr(md5('t' || i), 1, 6)",
    "remote_id": "md5('c' || i)",
}
REFUND = {
    **RESERVE,
    "number": "3",
    "kind": "'refund'",
    "target_id": CLOSING["remote_id"],
    "remote_id": "md5('f' || i)",
}

ROWS = (
    ("voucherpayment", PAYMENT, ""),
    ("voucheroperation", RESERVE, ""),
    ("voucheroperation", CLOSING, ""),
    ("voucheroperation", REFUND, "WHERE i % 10 = 9"),
)

CONSTRAINTS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype IN ('f', 'u') AND conrelid::regclass::text ~ 'voucher(payment|operation)$'
"""
INDEXES = """
    SELECT format('DROP INDEX %I', indexname), indexdef
    FROM pg_indexes WHERE tablename ~ 'voucher(payment|operation)$' AND indexname !~ '_pkey$'
"""

OF_VENDOR = {
    "postgresql": {
        "at": "(timestamptz '{newest}' - ({last} - i) * interval '{apart} seconds')",
        "claim": "md5('k' || i)::uuid",
    },
    "sqlite": {
        "at": "strftime('%Y-%m-%d %H:%M:%f', julianday('{newest}') - ({last} - i) * {apart} / 86400.0)",
        "claim": "md5('k' || i)",
    },
}


def fill(alias, operations):
    """Write a ledger of about so many operations into empty tables; the newest is of two hours ago."""
    with connections[alias].cursor() as cursor, _without_indexes(connections[alias].vendor, cursor):
        _write(cursor, alias, ROWS, first=1, last=operations * 10 // OPERATIONS_OF_TEN)
    _tell_the_planner(alias)


def fill_with_dead_holds(alias, payments):
    """Write so many payments more, whose reservation is dead, each with the operation that made it."""
    reserve = {**RESERVE, "order_number": DEAD_HOLD["order_number"], "voucher_id": DEAD_HOLD["voucher_id"]}
    rows = (("voucherpayment", DEAD_HOLD, ""), ("voucheroperation", reserve, ""))
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM voucher_payment_gateway_voucherpayment")
        (newest,) = cursor.fetchone()
        _write(cursor, alias, rows, first=newest + 1, last=newest + payments)
    _tell_the_planner(alias)


def _write(cursor, alias, rows, *, first, last):
    newest = f"{timezone.now() - timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    words = OF_VENDOR[connections[alias].vendor]
    at = words["at"].format(newest=newest, last=last, apart=SECONDS_APART)
    for begin in range(first, last + 1, CHUNK):
        numbers = NUMBERS.format(first=begin, last=min(begin + CHUNK - 1, last))
        for table, columns, condition in rows:
            values = ", ".join(value.format(at=at, claim=words["claim"]) for value in columns.values())
            source = f"{numbers} SELECT {values} FROM numbers {condition}"
            cursor.execute(f"INSERT INTO voucher_payment_gateway_{table} ({', '.join(columns)}) {source}")
    # the next rows get numbers of their own
    from voucher_payment_gateway.models import VoucherPayment

    for statement in connections[alias].ops.sequence_reset_sql(no_style(), [VoucherPayment]):
        cursor.execute(statement)


@contextmanager
def _without_indexes(vendor, cursor):
    """Have PostgreSQL build the indexes at the end, in a tenth of the time."""
    made = []
    if vendor == "postgresql":
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for query in (CONSTRAINTS, INDEXES):
            cursor.execute(query)
            for drop, make in cursor.fetchall():
                made.append(make)
                cursor.execute(drop)
    yield
    for make in reversed(made):
        cursor.execute(make)


def _tell_the_planner(alias):
    """Have PostgreSQL know what is there, as it does in a database in use; SQLite is seldom told."""
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE voucher_payment_gateway_voucherpayment")
            cursor.execute("VACUUM ANALYZE voucher_payment_gateway_voucheroperation")
