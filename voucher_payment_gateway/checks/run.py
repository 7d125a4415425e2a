"""What each system check reports. ``checks`` imports this module when Django runs the first of them."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connections, router, transaction

from voucher_payment_gateway import conf
from voucher_payment_gateway.checks import database, deployment, driving, safety, selling, shop, site
from voucher_payment_gateway.checks.catalogue import Messages, mistake, report
from voucher_payment_gateway.checks.mysql import check_mysql
from voucher_payment_gateway.conf import NAME, GatewaySettings
from voucher_payment_gateway.gateway.records.missing_accounts import missing_accounts
from voucher_payment_gateway.gateway.recovery.last_sweep import last_sweep_at, sweep_state
from voucher_payment_gateway.models import VoucherPayment

__all__ = [
    "check_accounts",
    "check_databases",
    "check_deployment",
    "check_settings",
    "check_sweep",
]


Found = TypeVar("Found")


def check_settings() -> list[checks.CheckMessage]:
    """Report every mistake in ``VOUCHER_PAYMENT_GATEWAY``; no message repeats a secret."""
    raw = getattr(settings, NAME, None)
    if raw is None:
        return [report("E001", "missing")]
    found = conf.problems(raw)
    if found:
        return [mistake(key, sentence) for key, sentence in found]
    gateway_settings = GatewaySettings.model_validate(raw)
    every_check = (*shop.CHECKS, *driving.CHECKS, *site.CHECKS, *safety.CHECKS, *selling.CHECKS)
    return [message for check in every_check for message in check(gateway_settings)]


def check_deployment() -> list[checks.CheckMessage]:
    """Report, under ``--deploy``, what matters in production alone."""
    raw = getattr(settings, NAME, None)
    if raw is None or conf.problems(raw):
        return []
    gateway_settings = GatewaySettings.model_validate(raw)
    every_check = (*deployment.CHECKS, *selling.DEPLOYMENT_CHECKS, *database.DEPLOYMENT_CHECKS)
    return [message for check in every_check for message in check(gateway_settings)]


def check_databases(databases: Iterable[str] | None) -> list[checks.CheckMessage]:
    """Report a database without partial unique indexes, or guards in their place: they exclude concurrent workers."""
    return [message for alias in databases or () for message in _check_database(connections[alias])]


def _check_database(connection: Any) -> Messages:
    if connection.vendor == "mysql":
        yield from check_mysql(connection)
    elif not connection.features.supports_partial_indexes:
        yield report("E022", "no_index", alias=connection.alias)


def check_accounts(databases: Iterable[str] | None) -> list[checks.CheckMessage]:
    """Report payments that are not done, of accounts that the settings do not have any more."""
    missing = _read(missing_accounts, databases) or {}
    return [
        report("W051", "missing", account=repr(account) if account else "the default account", count=count)
        for account, count in missing.items()
    ]


def check_sweep(databases: Iterable[str] | None) -> list[checks.CheckMessage]:
    """Report that no sweep of ``settle`` has ended for ``SETTLE_LATE_MINUTES``."""
    if _read(sweep_state, databases) != "late":
        return []
    message = "late" if last_sweep_at() else "never"
    return [report("W058", message, minutes=f"{conf.gateway_settings().SETTLE_LATE_MINUTES:g}")]


def _read(read: Callable[[], Found], databases: Iterable[str] | None) -> Found | None:
    """Return what is read from the database of the payments; None where it is not to be checked, the settings are
    wrong, or it is not migrated yet."""
    raw, alias = getattr(settings, NAME, None), router.db_for_write(VoucherPayment)
    if alias not in (databases or ()) or raw is None or conf.problems(raw):
        return None
    try:
        with transaction.atomic(using=alias):
            return read()
    except DatabaseError:
        return None
