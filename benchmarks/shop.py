"""Django with the test shop, an empty database and DEBUG off, connected to a stub of the Voucher Cloud."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from benchmarks.stub_cloud import Server, stub_cloud
from tests.proofs.storm.bench import database

__all__ = ["TOTAL", "connected", "database_name", "new_order", "shop"]

TOTAL = Decimal("10.00")

_numbers = itertools.count(1)


@contextmanager
def shop() -> Iterator[None]:
    """Set Django up with an empty database on the server of ``DATABASE_URL``, and remove it afterwards. Raises
    RuntimeError where DEBUG is on: it keeps every statement in memory."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    with database():
        from django.conf import settings

        if settings.DEBUG:
            raise RuntimeError("DEBUG is on")
        yield


@contextmanager
def connected(*, delay: float = 0, tls: bool = False, **changed: Any) -> Iterator[Server]:
    """Start a stub and configure the gateway for it, with other settings ``changed``; the token is fetched."""
    from django.conf import settings
    from django.test import override_settings

    from voucher_payment_gateway import connection

    with stub_cloud(delay=delay, tls=tls) as server:
        of_server = {"BASE_URL": server.base_url, "CA_FILE": server.ca_file}
        configured = {**settings.VOUCHER_PAYMENT_GATEWAY, **of_server, **changed}
        with override_settings(VOUCHER_PAYMENT_GATEWAY=configured):
            connection.voucher_cloud().authenticate()
            try:
                yield server
            finally:
                connection.close()


def new_order(total: Decimal = TOTAL) -> tuple[Any, str]:
    """Return a new order, and the code of a voucher that holds enough for it."""
    from tests.shop.models import Order

    number = f"B-{next(_numbers)}"
    return Order.objects.create(number=number, total=total), f"CODE-{number}"


def database_name() -> str:
    """Return the name of the database that is measured on."""
    from django.db import connection

    return connection.vendor.replace("sqlite", "SQLite").replace("postgresql", "PostgreSQL")
