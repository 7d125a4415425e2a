"""Numbered system checks, one for each mistake in the settings.

They are registered when Django starts, and imported when it runs them.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.core import checks

if TYPE_CHECKING:
    from voucher_payment_gateway.checks.catalogue import CATALOGUE, NUMBERS

__all__ = [
    "CATALOGUE",
    "NUMBERS",
    "check_accounts",
    "check_databases",
    "check_deployment",
    "check_settings",
    "check_sweep",
    "register",
]


def __getattr__(name: str) -> Any:
    """Import the catalogue. Python calls this for a name that the module does not have (PEP 562)."""
    if name not in ("CATALOGUE", "NUMBERS"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.catalogue"), name)


def register() -> None:
    """Register the checks with Django."""
    checks.register(check_settings)
    checks.register(check_databases, checks.Tags.database)
    checks.register(check_accounts, checks.Tags.database)
    checks.register(check_sweep, checks.Tags.database)
    checks.register(check_deployment, deploy=True)


def check_settings(app_configs: object = None, **_: object) -> list[checks.CheckMessage]:
    """Report every mistake in ``VOUCHER_PAYMENT_GATEWAY``; no message repeats a secret."""
    from voucher_payment_gateway.checks import run

    return run.check_settings()


def check_deployment(app_configs: object = None, **_: object) -> list[checks.CheckMessage]:
    """Report, under ``--deploy``, what matters in production alone."""
    from voucher_payment_gateway.checks import run

    return run.check_deployment()


def check_databases(databases: Iterable[str] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Report a database without partial unique indexes, or guards in their place: they exclude concurrent workers."""
    from voucher_payment_gateway.checks import run

    return run.check_databases(databases)


def check_accounts(databases: Iterable[str] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Report payments that are not done, of accounts that the settings do not have any more."""
    from voucher_payment_gateway.checks import run

    return run.check_accounts(databases)


def check_sweep(databases: Iterable[str] | None = None, **_: object) -> list[checks.CheckMessage]:
    """Report that no sweep of ``settle`` has ended for ``SETTLE_LATE_MINUTES``."""
    from voucher_payment_gateway.checks import run

    return run.check_sweep(databases)
