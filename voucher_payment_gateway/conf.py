"""The settings dict ``VOUCHER_PAYMENT_GATEWAY``: typed, read on first use, and read again after a test changes it.

Its type needs pydantic, which takes longer to load than the rest of the app. So ``settings_model`` is imported inside
the functions below, when the settings are read, and not when Django starts.
"""

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from voucher_payment_gateway.rules.verbs import Verb

if TYPE_CHECKING:
    from voucher_payment_gateway.settings_accounts import Account
    from voucher_payment_gateway.settings_books import DatevAccounts
    from voucher_payment_gateway.settings_model import GatewaySettings
    from voucher_payment_gateway.settings_notices import StaffNotices
    from voucher_payment_gateway.settings_sections import (
        ApiBehaviour,
        OrderFieldNames,
        Section,
        ThrottleSettings,
    )

__all__ = [
    "NAME",
    "Account",
    "ApiBehaviour",
    "DatevAccounts",
    "GatewaySettings",
    "OrderFieldNames",
    "Section",
    "StaffNotices",
    "ThrottleSettings",
    "Verb",
    "gateway_settings",
    "is_configured",
    "problems",
    "written_value",
]

NAME = "VOUCHER_PAYMENT_GATEWAY"

MODULES = {
    "Account": "settings_accounts",
    "ApiBehaviour": "settings_sections",
    "DatevAccounts": "settings_books",
    "GatewaySettings": "settings_model",
    "OrderFieldNames": "settings_sections",
    "Section": "settings_sections",
    "StaffNotices": "settings_notices",
    "ThrottleSettings": "settings_sections",
}
"""The modules of the types that are imported when someone asks for them."""


def __getattr__(name: str) -> Any:
    """Import one of the types. Python calls this for a name that the module does not have (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"voucher_payment_gateway.{MODULES[name]}"), name)


def problems(raw: object) -> list[tuple[str, str]]:
    """Return the mistakes in the dict ``raw`` as pairs of key and sentence; no value is repeated."""
    from pydantic import ValidationError

    from voucher_payment_gateway.settings_model import GatewaySettings
    from voucher_payment_gateway.settings_wording import sentences

    if not isinstance(raw, dict):
        return [("", f"{NAME} must be a dict.")]
    try:
        GatewaySettings.model_validate(raw)
    except ValidationError as error:
        return sentences(error, GatewaySettings)
    return []


@lru_cache(maxsize=1)
def gateway_settings() -> "GatewaySettings":
    """Return the checked settings. Raises ImproperlyConfigured, which names every wrong key and no value."""
    from voucher_payment_gateway.settings_model import GatewaySettings

    raw = getattr(settings, NAME, None)
    found = problems(raw)
    if found:
        raise ImproperlyConfigured(f"{NAME}: " + "; ".join(sentence for _, sentence in found))
    return GatewaySettings.model_validate(raw)


def is_configured() -> bool:
    """Return whether the settings have no mistake. The system checks report those that they have."""
    try:
        gateway_settings()
    except ImproperlyConfigured:
        return False
    return True


def written_value(key: str) -> Any:
    """Return what the project has written for ``key``, unchecked; None where it has written nothing. For what has to
    be known when Django starts: to check all settings is for later."""
    raw = getattr(settings, NAME, None)
    return raw.get(key) if isinstance(raw, dict) else None


def _clear_cache(*, setting: str, **_: object) -> None:
    if setting in (NAME, "DEBUG"):
        gateway_settings.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid="voucher_payment_gateway.conf")
