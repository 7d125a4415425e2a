"""The types of single values in the settings, with their bounds."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from voucher_payment_gateway.api.arguments import (
    MAX_CLIENT_ID_LENGTH,
    MAX_CLIENT_TYPE_LENGTH,
    MAX_SECONDS,
    MAX_SECRET_LENGTH,
    credential,
    proxy_problem,
)

__all__ = [
    "CallSeconds",
    "Calls",
    "ClientId",
    "ClientSecret",
    "ClientType",
    "Days",
    "Hours",
    "Meaning",
    "Minutes",
    "ModelLabel",
    "Pattern",
    "ProxyUrl",
    "Seconds",
]


def _client_id(text: str) -> str:
    return credential(text, MAX_CLIENT_ID_LENGTH)


def _client_secret(secret: str | Callable[[], str]) -> str | Callable[[], str]:
    return credential(secret, MAX_SECRET_LENGTH) if isinstance(secret, str) else secret


def _client_type(text: str) -> str:
    return credential(text, MAX_CLIENT_TYPE_LENGTH) if text else ""


def _proxy(url: str) -> str:
    if url and (problem := proxy_problem(url)):
        raise ValueError(problem)
    return url


def _label(name: str) -> str:
    if not re.fullmatch(r"\w+\.\w+", name):
        raise ValueError('must name an app and a model, such as "shop.Order"')
    return name


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error:
        raise ValueError("is not a regular expression") from None
    return pattern


ClientId = Annotated[str, AfterValidator(_client_id)]
ClientSecret = Annotated[str | Callable[[], str], AfterValidator(_client_secret)]
ClientType = Annotated[str, AfterValidator(_client_type)]
ProxyUrl = Annotated[str, AfterValidator(_proxy)]
ModelLabel = Annotated[str, AfterValidator(_label)]
Pattern = Annotated[str, AfterValidator(_regular_expression)]
Meaning = Literal["unusable", "insufficient_balance", "currency_mismatch", "reservation_closed"]
Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600)]
Minutes = Annotated[float, Field(gt=0, le=7 * 24 * 60)]
Hours = Annotated[float, Field(gt=0, le=366 * 24)]
Days = Annotated[float, Field(gt=0, le=366)]
Calls = Annotated[int, Field(strict=True, ge=1, le=10_000)]
CallSeconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]
