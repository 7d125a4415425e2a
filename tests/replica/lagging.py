"""A replica that has all tables and receives no rows, and a router that reads from it, as shops with replicas have."""

from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connections
from django.utils import timezone

from voucher_payment_gateway.models import VoucherPayment

__all__ = [
    "CODE",
    "REPLICA",
    "ReadsReplica",
    "covered",
    "empty_replica",
    "payment_of",
    "statements",
    "stored",
    "window",
]

CODE = "GIFT-2000-ABCD"
REPLICA = "replica"


class ReadsReplica:
    """Reads from the replica and writes to the default database; users, sessions and the like are not copied."""

    def db_for_read(self, model, **hints):
        return REPLICA if model._meta.app_label in ("shop", "voucher_payment_gateway") else None

    def db_for_write(self, model, **hints):
        return "default"


@contextmanager
def empty_replica():
    """Create the database beside the one of the tests, on the same server, and remove it afterwards."""
    given = connections["default"].settings_dict
    name = (
        "-replica.".join(given["NAME"].rsplit(".", 1)) if "." in given["NAME"] else f"{given['NAME']}_replica"
    )
    settings.DATABASES[REPLICA] = {**given, "TEST": {**given["TEST"], "NAME": name}}
    creation = connections[REPLICA].creation
    creation.create_test_db(verbosity=0, autoclobber=True)
    assert connections[
        REPLICA
    ].features.supports_json_field  # found out by a statement, once for a connection
    try:
        yield
    finally:
        creation.destroy_test_db(given["NAME"], verbosity=0)
        del connections[REPLICA]
        del settings.DATABASES[REPLICA]


@contextmanager
def statements():
    """Keep what the replica is asked while the block runs: where an empty answer does no harm, a late one may."""
    asked = []

    def keep(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with connections[REPLICA].execute_wrapper(keep):
        yield asked


def stored(model):
    """Return all rows of a model, as they are committed."""
    return model.objects.using("default")


def payment_of(order):
    return stored(VoucherPayment).get(order_number=order.number)


def covered(tests, kind):
    """Return what the tests named ``test_<kind>_<what>`` of a module cover."""
    prefix = f"test_{kind}_"
    return {name.removeprefix(prefix) for name in tests if name.startswith(prefix)}


def window():
    """Return a time to reconcile, around now."""
    return timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1)
