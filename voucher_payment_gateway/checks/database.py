"""Checks, before a deployment, of how the database of the payments is connected. None of them connects to it."""

from django.conf import settings
from django.db import connections

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.gateway.records.conflicts import database

__all__ = ["DEPLOYMENT_CHECKS"]


def _kept_connections(given: GatewaySettings) -> Messages:
    """A new connection to PostgreSQL takes longer than all that a capture does in it."""
    connection = connections[database()]
    made = connection.settings_dict
    if connection.vendor != "postgresql" or made["OPTIONS"].get("pool"):
        return
    if made["CONN_MAX_AGE"] == 0:
        yield report("W070", "new_each_time", alias=connection.alias)
    elif getattr(
        settings, "ASGI_APPLICATION", None
    ):  # each request has a thread, and so connections, of its own
        yield report("W070", "under_asgi", alias=connection.alias)


def _atomic_requests(given: GatewaySettings) -> Messages:
    connection = connections[database()]
    if connection.vendor == "sqlite" and connection.settings_dict["ATOMIC_REQUESTS"]:
        yield report("W071", "atomic", alias=connection.alias)


DEPLOYMENT_CHECKS = (_kept_connections, _atomic_requests)
