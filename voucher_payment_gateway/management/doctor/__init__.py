"""Check the shop's connection to the Voucher Cloud. No check changes anything."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.conf import GatewaySettings, gateway_settings
from voucher_payment_gateway.management.doctor.local import (
    cache_findings,
    database_findings,
    sealing_findings,
    settings_findings,
)
from voucher_payment_gateway.management.doctor.remote import remote_findings
from voucher_payment_gateway.management.doctor.report import Finding, State

__all__ = ["Finding", "State", "examine"]


def examine() -> Iterator[Finding]:
    """Yield one finding per check, the settings first: without them hardly anything else can be checked.

    Raises nothing, whatever error the settings, a cache or a database cause.
    """
    yield from _guarded("settings", settings_findings)
    try:
        settings = gateway_settings()
    except ImproperlyConfigured:
        yield Finding("everything else", "not known", "put the settings right first")
        return
    for account in settings.account_names:
        yield from _remote_findings(settings.of_account(account), account, is_only=not settings.ACCOUNTS)
    yield from _guarded("cache", lambda: cache_findings(settings))
    yield from _guarded("database", database_findings)
    yield from _guarded("sealing keys", lambda: sealing_findings(settings))


def _remote_findings(settings: GatewaySettings, account: str, *, is_only: bool) -> Iterator[Finding]:
    """Yield what is found with the credentials of one account, under its name where there are several."""
    name = "" if is_only else f"account {account}: " if account else "default account: "
    for finding in _guarded("Voucher Cloud", lambda: remote_findings(settings)):
        yield replace(finding, check=f"{name}{finding.check}")


def _guarded(check: str, find: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    # Only the class of an error is shown: its message may quote a password of a cache or a database.
    try:
        yield from find()
    except Exception as error:
        yield Finding(check, "trouble", f"the check itself failed ({type(error).__name__})")
