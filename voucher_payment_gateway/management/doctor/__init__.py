"""What is well and what is not with this shop's connection to the Voucher Cloud. Nothing is changed by looking."""

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.management.doctor.findings import Finding, State
from voucher_payment_gateway.management.doctor.here import (
    cache_findings,
    database_findings,
    sealing_findings,
    settings_findings,
)
from voucher_payment_gateway.management.doctor.there import remote_findings

__all__ = ["Finding", "State", "examine"]


def examine() -> Iterator[Finding]:
    """Yield one finding per check, the settings first: without them hardly anything else can be looked at."""
    yield from settings_findings()
    try:
        given = gateway_settings()
    except ImproperlyConfigured:
        yield Finding("everything else", "not known", "put the settings right first")
        return
    yield from remote_findings(given)
    yield from cache_findings(given)
    yield from database_findings()
    yield from sealing_findings(given)
