"""The numbered checks of a running shop: its database, how it is connected, and how much it calls."""

from typing import Final

from voucher_payment_gateway.checks.check import Check
from voucher_payment_gateway.docs_url import docs_url

__all__ = ["RUNNING"]

RUNNING: Final = {
    "E022": Check(
        messages={
            "no_index": "The database {alias!r} has no partial indexes, which guard the money.",
            "unguarded": "The database {alias!r} lacks the guards {names}.",
            "inexact": "The database {alias!r} compares {columns} of {table} without regard to case or blanks at the "
            "end, not by {collation}.",
            "engine": "The database {alias!r} keeps {table} in {engine}, which has no transactions.",
            "isolation": "The database {alias!r} has the isolation level {isolation}: a retry would read what is old.",
            "not_strict": "The database {alias!r} is not in strict mode: it cuts off what is too long.",
        },
        cure=f"Use PostgreSQL, SQLite, or MariaDB or MySQL as in {docs_url('reference/databases')}",
    ),
    "E072": Check(keys=("ASYNC_THREADS",), cure="Give a whole number from 1 to 1000."),
    "W051": Check(
        messages={
            "missing": "{NAME}: ACCOUNTS: {account} has no credentials, but {count} payments of it are not done."
        },
        cure="Put its credentials back until voucher_doctor finds no such payment: nothing is sent for them meanwhile.",
    ),
    "W058": Check(
        messages={
            "late": "voucher_settle has not completed a run for more than {minutes} minutes.",
            "never": "voucher_settle has never completed a run, and work has waited for it for more than {minutes} "
            "minutes.",
        },
        cure="Run it every minute; until then what a crash or a lost answer left open stays open: "
        f"{docs_url('how-to/run-settle')}",
    ),
    "W070": Check(
        messages={
            "new_each_time": "The database {alias!r} opens a new connection for each request.",
            "under_asgi": "Under ASGI no request finds a connection that CONN_MAX_AGE keeps in the database "
            "{alias!r}.",
        },
        cure='Give it "OPTIONS": {"pool": {"max_size": THREADS}} (psycopg 3), or without ASGI "CONN_MAX_AGE": 60; '
        f"behind PgBouncer silence the check: {docs_url('how-to/set-up-the-database')}",
    ),
    "W071": Check(
        messages={
            "atomic": "With ATOMIC_REQUESTS in the SQLite database {alias!r} a request that has written and then "
            "reserves a voucher blocks every other writer until the Voucher Cloud answers."
        },
        cure="Take the views that confirm orders or reserve vouchers out of the transaction, or use PostgreSQL: "
        f"{docs_url('how-to/set-up-the-database#sqlite')}",
    ),
    "E073": Check(
        keys=("SLOW_CALLS", "REQUESTS_PER_SECOND"),
        cure="Give a whole number from 1 to 10000, or leave the key out.",
    ),
    "W074": Check(
        messages={
            "not_shared": "{NAME}: REQUESTS_PER_SECOND: the cache 'default' is not shared: each process may make that "
            "many calls by itself."
        },
        cure="Use a cache that all processes share, such as Redis, Memcached or a database, or divide the number by "
        "that of your processes.",
    ),
}
