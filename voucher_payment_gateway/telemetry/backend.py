"""OpenTelemetry, if it is installed."""

from contextlib import suppress
from typing import Any

from voucher_payment_gateway import __version__

__all__ = ["IS_INSTALLED", "SCOPE", "created", "meter", "tracer"]

SCOPE = "voucher_payment_gateway"
"""The instrumentation scope, and what every name of an instrument begins with."""

try:
    from opentelemetry import metrics, trace
except Exception:  # not installed, or broken: neither stops a payment
    IS_INSTALLED = False
else:
    IS_INSTALLED = True


def meter() -> Any:
    """Return the meter of the package; None where there is none. Its instruments follow a provider set later."""
    with suppress(Exception):
        return metrics.get_meter(SCOPE, __version__) if IS_INSTALLED else None
    return None


def tracer() -> Any:
    """Return the tracer of the package; None where there is none."""
    with suppress(Exception):
        return trace.get_tracer(SCOPE, __version__) if IS_INSTALLED else None
    return None


def created(kind: str, name: str, **options: Any) -> Any:
    """Return the instrument of OpenTelemetry, made by ``create_<kind>``; None where it cannot be made."""
    with suppress(Exception):
        return getattr(meter(), f"create_{kind}")(name, **options)
    return None
