"""The merchant accounts of a shop that sells for several merchants: ``ACCOUNTS``."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import AfterValidator, Field

from voucher_payment_gateway.api.arguments import url_problem
from voucher_payment_gateway.settings_sections import Section
from voucher_payment_gateway.settings_types import ClientId, ClientSecret, ClientType
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = [
    "NO_DEFAULT_ACCOUNT",
    "Account",
    "AccountName",
    "changed_by",
    "checked_account",
    "checked_name",
    "checked_url",
    "refuse_same_client",
    "with_default_account",
]

NO_DEFAULT_ACCOUNT = object()
"""In place of the credentials that a shop leaves out because each of its accounts has some."""

LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}


def checked_name(name: str) -> str:
    """Return the name of an account. Raises ValueError unless it is short and safe to show anywhere."""
    if not re.fullmatch(r"[\w.-]{1,50}", name):
        raise ValueError('the name of an account has 1 to 50 letters, digits, ".", "-" or "_"')
    return name


AccountName = Annotated[str, AfterValidator(checked_name)]


class Account(Unpicklable, Section):
    """One merchant account of several: its credentials, and its address where that is not the shop's."""

    ENVIRONMENT: Literal["production", "sandbox", "local"] | None = Field(
        None, description="where calls of this account go, if not where those of the shop go"
    )
    BASE_URL: str = Field("", description="address of the API, with its version")
    TOKEN_URL: str = Field("", description="address of the token call")
    CLIENT_ID: ClientId = Field(description="id of the client in this merchant account")
    CLIENT_SECRET: ClientSecret = Field(repr=False, description="the client's secret")
    CLIENT_TYPE: ClientType = Field("", description="sent with the token request")


def with_default_account(raw: Any) -> Any:
    """Return the settings dict ``raw``, with a mark in place of the credentials of the default account where each order
    has an account by name and they are left out."""
    accounts = raw.get("ACCOUNTS") if isinstance(raw, dict) else None
    has_accounts = isinstance(accounts, dict) and bool(accounts)
    if has_accounts and not raw.keys() & {"CLIENT_ID", "CLIENT_SECRET"}:
        return {**raw, "CLIENT_ID": NO_DEFAULT_ACCOUNT, "CLIENT_SECRET": NO_DEFAULT_ACCOUNT}
    return raw


def changed_by(account: Account, shop: Any) -> dict[str, Any]:
    """Return what is otherwise for calls of ``account`` than in the settings of the ``shop``.

    Where its calls go is taken from one place: an account with an environment or an address of its own never sends its
    secret to the token address of the shop.
    """
    has_own_host = bool(account.ENVIRONMENT or account.BASE_URL)
    return {
        "ENVIRONMENT": account.ENVIRONMENT or shop.ENVIRONMENT,
        "BASE_URL": account.BASE_URL or ("" if account.ENVIRONMENT else shop.BASE_URL),
        "TOKEN_URL": account.TOKEN_URL or ("" if has_own_host else shop.TOKEN_URL),
        "CLIENT_ID": account.CLIENT_ID,
        "CLIENT_SECRET": account.CLIENT_SECRET,
        "CLIENT_TYPE": account.CLIENT_TYPE or shop.CLIENT_TYPE,
    }


def refuse_same_client(accounts: Mapping[str, Any]) -> None:
    """Raise ValueError where two of these settings name one account: its vouchers would be taken for different ones."""
    clients: dict[tuple[str, str], str] = {}
    for name, account in accounts.items():
        client = (account.base_url.lower(), account.CLIENT_ID)
        if client in clients:
            other = f"account {clients[client]!r}" if clients[client] else "the default account"
            raise ValueError(f"ACCOUNTS: {name!r} has the same client as {other}")
        clients[client] = name


def checked_url(url: str, environment: str | None) -> str:
    """Return ``url`` without the last slash. Raises ValueError where it would send a secret in clear."""
    is_development = settings.DEBUG or environment == "local"
    http_hosts = LOOPBACK_HOSTS if is_development else set()
    if url and (problem := url_problem(url, allows_http=http_hosts.__contains__)):
        raise ValueError(problem)
    return url.rstrip("/")


def checked_account(name: str, account: Account, shop: Mapping[str, Any]) -> Account:
    """Return an account whose addresses and secret keep the rules for the shop's own. Raises ValueError."""
    environment = account.ENVIRONMENT or shop.get("ENVIRONMENT")
    checked = {}
    for key in ("BASE_URL", "TOKEN_URL"):
        try:
            checked[key] = checked_url(getattr(account, key), environment)
        except ValueError as error:
            raise ValueError(f"ACCOUNTS.{name}.{key}: {error}") from None
    return account.model_copy(update=checked)
