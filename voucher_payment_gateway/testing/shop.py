"""The shop's settings, changed to use a local Voucher Cloud."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.fernet import Fernet
from django.conf import ENVIRONMENT_VARIABLE, settings
from django.test import override_settings

from voucher_payment_gateway.conf import NAME

__all__ = ["NAME", "connected_to", "is_there", "settings_for"]


def is_there() -> bool:
    """Return whether there is a shop: whether Django has settings in this process."""
    return settings.configured or bool(os.environ.get(ENVIRONMENT_VARIABLE))


def settings_for(base_url: str, client_id: str, client_secret: str) -> dict[str, Any]:
    """Return the shop's gateway settings with another address and other credentials.

    An empty ``TOKEN_URL`` is derived from ``BASE_URL``: the shop's own would send the test to production.
    """
    own: dict[str, Any] = getattr(settings, NAME, None) or {}
    return {
        **own,
        "ENVIRONMENT": "local",
        "BASE_URL": base_url,
        "TOKEN_URL": "",
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": client_secret,
        "SEALING_KEYS": own.get("SEALING_KEYS") or [Fernet.generate_key().decode()],
    }


@contextmanager
def connected_to(base_url: str, client_id: str, client_secret: str) -> Iterator[None]:
    """Use this address and these credentials while the block runs; leaving it closes the gateway's connections."""
    with override_settings(**{NAME: settings_for(base_url, client_id, client_secret)}):
        yield
