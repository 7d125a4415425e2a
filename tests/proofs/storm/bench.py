"""A temporary test database for the commands of the proofs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import django

__all__ = ["database"]


@contextmanager
def database() -> Iterator[None]:
    """Set Django up with an empty test database, and remove it afterwards."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection

    name = connection.settings_dict["NAME"]
    with TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":  # also the side files that a killed process leaves
            connection.settings_dict["TEST"]["NAME"] = f"{folder}/database.sqlite3"
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
