"""The configured clients of the process: one for each merchant account, usually one in all.

One TLS context and one connection pool per process, keyed by its id: a client shared across a fork would read
responses meant for another process. The client is imported when the first one is made: its libraries load slowly, and
most processes and pages call nothing.
"""

import os
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.exceptions import CredentialsError
from voucher_payment_gateway.short_memory import is_shared

if TYPE_CHECKING:
    from voucher_payment_gateway.api import Limits, VoucherCloud
    from voucher_payment_gateway.conf import GatewaySettings

__all__ = [
    "account_settings",
    "close",
    "has_failed_since",
    "new_client",
    "openings",
    "slow_calls",
    "voucher_cloud",
]

_clients: "dict[tuple[int, str], VoucherCloud]" = {}
"""By process id and name of the account."""

_lock = Lock()


def _renew_lock() -> None:
    """A process forked while its parent held the lock would wait forever."""
    global _lock
    _lock = Lock()


os.register_at_fork(after_in_child=_renew_lock)


def voucher_cloud(account: str = "") -> "VoucherCloud":
    """Return the client of this process for an account, by default that of a shop without ``ACCOUNTS``; it is safe to
    use from many threads. Raises CredentialsError (``account_unknown``) for one that the settings do not have."""
    key = (os.getpid(), account)
    client = _clients.get(key)
    if client is None:
        with _lock:
            client = _clients.get(key) or _shared_client(account_settings(account))
            _clients[key] = client
    return client


def openings(account: str = "") -> int:
    """Return how often a failure has opened the circuit of an account, or kept it open, in this process."""
    client = _clients.get((os.getpid(), account))
    return 0 if client is None else client.openings()


def has_failed_since(account: str, openings: int) -> bool:
    """Return whether the Voucher Cloud of an account has not answered this process since ``openings`` was read, so that
    one call at a time is sent to it."""
    client = _clients.get((os.getpid(), account))
    return client is not None and client.has_failed_since(openings)


def account_settings(account: str) -> "GatewaySettings":
    """Return the settings with the credentials of an account. Raises CredentialsError (``account_unknown``) where they
    have none: another account's must never be used for its vouchers."""
    try:
        return gateway_settings().of_account(account)
    except KeyError:
        which = f"the account {account!r} is not in ACCOUNTS" if account else "there is no default account"
        known = ", ".join(repr(name) for name in gateway_settings().account_names)
        raise CredentialsError(
            f"{NAME}: {which}, only {known}. Nothing was sent.", code="account_unknown"
        ) from None


def close() -> None:
    """Close the clients of this process; the next call opens a new one with the current settings."""
    for key in [key for key in list(_clients) if key[0] == os.getpid()]:
        if client := _clients.pop(key, None):
            client.close()


def _shared_client(settings: "GatewaySettings") -> "VoucherCloud":
    from voucher_payment_gateway.token_cache import TokenCache

    store = TokenCache(settings.base_url, settings.CLIENT_ID)
    return new_client(settings, token_store=store, limits=_limits(settings))


def _limits(settings: "GatewaySettings") -> "Limits":
    """Return the limits of the process's client. Only the clients of ``voucher_cloud`` have any: what an operator asks
    is asked."""
    from voucher_payment_gateway.api import Limits
    from voucher_payment_gateway.limit_cache import LimitCache

    shared = is_shared(caches["default"])
    store = LimitCache(settings.base_url, settings.CLIENT_ID) if shared else None
    return Limits(slow_calls(settings), settings.REQUESTS_PER_SECOND, store)


def slow_calls(settings: "GatewaySettings") -> int:
    """Return ``SLOW_CALLS``, by default a quarter of the threads that the command of this worker names."""
    from voucher_payment_gateway.api.limits import worker_threads

    return settings.SLOW_CALLS or max(1, worker_threads(sys.argv, os.environ) // 4)


def new_client(settings: "GatewaySettings", **options: Any) -> "VoucherCloud":
    """Return a separate client with these settings, overridden by ``options``. Close it after use.

    Raises ImproperlyConfigured for a wrong setting that only the client can check.
    """
    from voucher_payment_gateway.api import VoucherCloud

    given = {
        "client_id": settings.CLIENT_ID,
        "client_secret": settings.CLIENT_SECRET,
        "base_url": settings.base_url,
        "token_url": settings.TOKEN_URL or None,
        "client_type": settings.CLIENT_TYPE or None,
        "timeout_seconds": settings.TIMEOUT_SECONDS,
        "deadline_seconds": settings.DEADLINE_SECONDS,
        "error_meanings": settings.ERROR_MEANINGS,
        "ca_file": settings.CA_FILE or None,
        "proxy_url": settings.PROXY_URL or None,
    }
    try:
        return VoucherCloud(**{**given, **options})
    except ValueError as error:
        raise ImproperlyConfigured(f"{NAME}: {error}") from None


def _forget(*, setting: str, **_: object) -> None:
    if setting == NAME:
        close()


setting_changed.connect(_forget, dispatch_uid="voucher_payment_gateway.connection")
