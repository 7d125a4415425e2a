"""Empty the database after a test that commits: one DELETE per table, instead of Django's ``flush``.

``flush`` also sends ``post_migrate``, which writes every content type and permission again; that took a third of the
time of a short test. Here these two tables are kept: no test changes them.
"""

from django.db import connections, transaction
from django.test import TransactionTestCase

__all__ = ["install"]

KEPT = {"django_content_type", "auth_permission"}


def install() -> None:
    """From now on, each test that commits is cleaned up this way."""
    TransactionTestCase._fixture_teardown = _empty_the_tables


def _empty_the_tables(case: TransactionTestCase) -> None:
    for name in case._databases_names(include_mirrors=False):
        database = connections[name]
        names = database.introspection.django_table_names(only_existing=True, include_views=False)
        # MySQL looks at foreign keys after each row, the others at the end
        with (
            transaction.atomic(using=name),
            database.constraint_checks_disabled(),
            database.cursor() as cursor,
        ):
            for table in sorted(set(names) - KEPT):
                cursor.execute(f"DELETE FROM {database.ops.quote_name(table)}")
