"""The arguments of a client, checked once: a bad one raises ValueError that names it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from voucher_payment_gateway.api._interpret import MEANINGS, Meaning
from voucher_payment_gateway.api._tokens import TokenStore
from voucher_payment_gateway.api.arguments import (
    MAX_CLIENT_ID_LENGTH,
    MAX_CLIENT_TYPE_LENGTH,
    MAX_SECONDS,
    MAX_SECRET_LENGTH,
    credential,
    proxy_problem,
    read_certificates,
    url_problem,
)
from voucher_payment_gateway.api.limits import Limits
from voucher_payment_gateway.unpicklable import Unpicklable

PRODUCTION = "https://vouchers.api.jtl-software.com/v1"
SANDBOX = "https://vouchers-sbx.api.jtl-software.com/v1"

ClientSecret = str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Settings(Unpicklable):
    """The checked arguments of a client."""

    client_id: str
    client_secret: ClientSecret = field(repr=False)
    base_url: str
    token_url: str
    client_type: str
    timeout_seconds: float
    deadline_seconds: float
    token_store: TokenStore | None = field(repr=False)
    meanings: Mapping[str, Meaning]
    ca_file: str
    proxy_url: str = field(repr=False)
    limits: Limits | None


def checked(
    *,
    client_id: str,
    client_secret: ClientSecret,
    base_url: str,
    token_url: str | None,
    client_type: str | None,
    timeout_seconds: float,
    deadline_seconds: float,
    token_store: TokenStore | None,
    error_meanings: Mapping[str, Meaning] | None,
    ca_file: str | Path | None,
    proxy_url: str | None,
    limits: Limits | None,
) -> Settings:
    base = _url(base_url, "base_url").rstrip("/")
    return Settings(
        client_id=_text(client_id, "client_id", MAX_CLIENT_ID_LENGTH),
        client_secret=_secret(client_secret),
        base_url=base,
        token_url=_url(token_url, "token_url") if token_url is not None else _beside(base),
        client_type="" if client_type is None else _text(client_type, "client_type", MAX_CLIENT_TYPE_LENGTH),
        timeout_seconds=_seconds(timeout_seconds, "timeout_seconds"),
        deadline_seconds=_seconds(deadline_seconds, "deadline_seconds"),
        token_store=token_store,
        meanings=_meanings(error_meanings or {}),
        ca_file="" if ca_file is None else _certificates(ca_file),
        proxy_url="" if proxy_url is None else _proxy(proxy_url),
        limits=_limits(limits),
    )


def _beside(base_url: str) -> str:
    """The token call stands at the root of the API's host, not under its version."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/oauth/token"


def _url(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: must be a URL such as {PRODUCTION}")
    if problem := url_problem(value):
        raise ValueError(f"{name}: {problem}")
    return value


def _proxy(value: object) -> str:
    problem = (
        proxy_problem(value) if isinstance(value, str) else "must be a URL such as http://proxy.example:3128"
    )
    if problem:
        raise ValueError(f"proxy_url: {problem}")
    return str(value)


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: must be a string of 1 to {longest} printable characters")
    try:
        return credential(value, longest)
    except ValueError as error:
        problem = str(error)
    raise ValueError(f"{name}: {problem}")


def _secret(value: object) -> ClientSecret:
    return value if callable(value) else _text(value, "client_secret", MAX_SECRET_LENGTH)


def _seconds(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_SECONDS:
        return float(value)
    raise ValueError(f"{name}: must be a number of seconds above zero and up to {MAX_SECONDS}")


def _limits(value: object) -> Limits | None:
    if value is None or isinstance(value, Limits):
        return value
    raise ValueError("limits: must be an object of the class Limits")


def _certificates(value: str | Path) -> str:
    try:
        read_certificates(value)
    except ValueError as error:
        problem = str(error)
    else:
        return str(value)
    raise ValueError(f"ca_file: {problem}")


def _meanings(given: Mapping[str, Meaning]) -> Mapping[str, Meaning]:
    if not isinstance(given, Mapping):
        raise ValueError("error_meanings: must map codes of the API to what they mean")
    for code, meaning in given.items():
        if not isinstance(meaning, str) or meaning not in MEANINGS:
            raise ValueError(f"error_meanings: {code!r} must mean one of {', '.join(sorted(MEANINGS))}")
    return dict(given)
