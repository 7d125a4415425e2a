"""Numbered system checks, one for each mistake in the settings."""

from collections.abc import Iterable

from django.conf import settings
from django.core import checks
from django.db import connections

from voucher_payment_gateway import conf
from voucher_payment_gateway.checks import safety, shop
from voucher_payment_gateway.checks.catalogue import HINTS, NUMBERS, message, mistake
from voucher_payment_gateway.conf import NAME, GatewaySettings

__all__ = ["HINTS", "NUMBERS", "check_databases", "check_settings", "register"]


def register() -> None:
    """Add the checks to Django's own."""
    checks.register(check_settings)
    checks.register(check_databases, checks.Tags.database)


def check_settings(app_configs: object = None, **_: object) -> list[checks.CheckMessage]:
    """Report every mistake in ``VOUCHER_PAYMENT_GATEWAY``; no value of a setting is repeated."""
    raw = getattr(settings, NAME, None)
    if raw is None:
        return [mistake("", f"{NAME} is missing.")]
    found = conf.problems(raw)
    if found:
        return [mistake(key, f"{NAME}: {sentence}" if key else sentence) for key, sentence in found]
    gateway_settings = GatewaySettings.model_validate(raw)
    return [message for check in (*shop.CHECKS, *safety.CHECKS) for message in check(gateway_settings)]


def check_databases(databases: Iterable[str] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Report a database that has no partial unique indexes: they are what keeps two workers apart."""
    return [
        message("E022", f"The database {alias!r} has no partial indexes, which guard the money.")
        for alias in databases or ()
        if not connections[alias].features.supports_partial_indexes
    ]
