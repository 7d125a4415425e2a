"""What the suite needs of the database: that threads and processes share it."""

import pytest
from django.db import connections

__all__ = ["needs_a_shared_database"]


def needs_a_shared_database() -> None:
    """Skip a situation that threads or processes play together, where the database is in the memory of one."""
    for connection in connections.all():
        name = str(connection.settings_dict["NAME"])
        if connection.vendor == "sqlite" and ("memory" in name or not name):
            pytest.skip(
                'the test database is in memory: give it a file, as in DATABASES["default"]["TEST"] = {"NAME": "…"}'
            )
