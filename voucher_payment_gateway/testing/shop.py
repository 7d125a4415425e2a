"""The shop's settings, changed to use a local Voucher Cloud."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cryptography.fernet import Fernet
from django.conf import ENVIRONMENT_VARIABLE, settings
from django.test import override_settings

from voucher_payment_gateway.conf import NAME

__all__ = ["NAME", "account_names", "connected_to", "is_there", "settings_for"]

UNREACHABLE = "http://127.0.0.1:9/v1"
"""An address where no server listens."""


def is_there() -> bool:
    """Return whether there is a shop: whether Django has settings in this process."""
    return settings.configured or bool(os.environ.get(ENVIRONMENT_VARIABLE))


SLOW_CALLS = 10_000
"""A slow machine of tests is no slow Voucher Cloud: none of their calls is refused as one too many."""


def account_names() -> list[str]:
    """Return the names of the shop's merchant accounts; none where it has only one."""
    return sorted((getattr(settings, NAME, None) or {}).get("ACCOUNTS") or {})


def settings_for(
    base_url: str,
    client_id: str,
    client_secret: str,
    accounts: Mapping[str, tuple[str, str]] | None = None,
    *,
    account: str = "",
) -> dict[str, Any]:
    """Return the shop's gateway settings with another address and other credentials.

    An empty ``TOKEN_URL`` is derived from ``BASE_URL``: the shop's own would send the test to production. ``accounts``
    are the credentials of each merchant account at that address. With ``account`` only this one is connected there, and
    every other one that does not point to this machine already is cut off: no test may reach a real account.
    """
    own: dict[str, Any] = getattr(settings, NAME, None) or {}
    keys = own.get("SEALING_KEYS") or [Fernet.generate_key().decode()]
    if account:
        alone = _connected_alone(own, account, base_url, client_id, client_secret)
        return {**own, **_cut_off(own), "ACCOUNTS": alone, "SEALING_KEYS": keys}
    local = {
        name: {"BASE_URL": base_url, "CLIENT_ID": id, "CLIENT_SECRET": secret}
        for name, (id, secret) in (accounts or {}).items()
    }
    changed = {
        **own,
        "ENVIRONMENT": "local",
        "BASE_URL": base_url,
        "TOKEN_URL": "",
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": client_secret,
        "SEALING_KEYS": keys,
        "ACCOUNTS": local,
        "SLOW_CALLS": SLOW_CALLS,
    }
    has_default_account = not local or "CLIENT_ID" in own
    return changed if has_default_account else _without(changed, "CLIENT_ID", "CLIENT_SECRET")


def _connected_alone(
    own: Mapping[str, Any], account: str, base_url: str, client_id: str, client_secret: str
) -> dict[str, Any]:
    accounts = own.get("ACCOUNTS") or {}
    if account not in accounts:
        raise ValueError(f"account: {account!r} is not in ACCOUNTS of the shop.")
    here = {"BASE_URL": base_url, "CLIENT_ID": client_id, "CLIENT_SECRET": client_secret}
    return {
        name: {"ENVIRONMENT": "local", **(here if name == account else {**known, **_cut_off(known)})}
        for name, known in accounts.items()
    }


def _cut_off(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what keeps an account, or the shop, from being reached, unless it points to this machine already."""
    is_here = str(known.get("BASE_URL", "")).startswith("http://127.0.0.1:")
    address = known["BASE_URL"] if is_here else UNREACHABLE
    return {"ENVIRONMENT": "local", "BASE_URL": address, "TOKEN_URL": ""}


def _without(given: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in keys}


@contextmanager
def connected_to(
    base_url: str,
    client_id: str,
    client_secret: str,
    accounts: Mapping[str, tuple[str, str]] | None = None,
    *,
    account: str = "",
) -> Iterator[None]:
    """Use this address and these credentials while the block runs; leaving it closes the gateway's connections."""
    changed = settings_for(base_url, client_id, client_secret, accounts, account=account)
    with override_settings(**{NAME: changed}):
        yield
