"""What is well and what is not with this shop's connection to the Voucher Cloud. Nothing is changed by looking."""

from collections.abc import Callable, Iterator

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.conf import gateway_settings
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
    """Yield one finding per check, the settings first: without them hardly anything else can be looked at.

    Raises nothing, whatever the settings, a cache or a database bring up.
    """
    yield from _unfailing("settings", settings_findings)
    try:
        given = gateway_settings()
    except ImproperlyConfigured:
        yield Finding("everything else", "not known", "put the settings right first")
        return
    yield from _unfailing("Voucher Cloud", lambda: remote_findings(given))
    yield from _unfailing("cache", lambda: cache_findings(given))
    yield from _unfailing("database", database_findings)
    yield from _unfailing("sealing keys", lambda: sealing_findings(given))


def _unfailing(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    # Only the kind of an error is told: its message may quote a password of a cache or a database.
    try:
        yield from look()
    except Exception as error:
        yield Finding(check, "trouble", f"the look at it failed ({type(error).__name__})")
