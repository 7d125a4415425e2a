"""Signals that are sent for other things than a step of an order, and name none: ``EVENTS`` cannot use them."""

from functools import cache
from importlib import import_module

from django.db.models.signals import ModelSignal
from django.dispatch import Signal

__all__ = ["is_foreign"]

MODULES = (
    *("django.core.signals", "django.db.models.signals", "django.db.backends.signals"),
    *("django.contrib.auth.signals", "voucher_payment_gateway.signals"),
)


def is_foreign(path: str, signal: Signal) -> bool:
    """Return whether the signal is one of Django or of this package, under whatever path."""
    return isinstance(signal, ModelSignal) or path.startswith("django.") or signal in _known()


@cache
def _known() -> list[Signal]:
    modules = map(import_module, MODULES)
    return [value for module in modules for value in vars(module).values() if isinstance(value, Signal)]
