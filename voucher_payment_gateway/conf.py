"""The one settings dict ``VOUCHER_PAYMENT_GATEWAY``: read late, typed, and read anew when a test changes it."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from voucher_payment_gateway.api import PRODUCTION, SANDBOX
from voucher_payment_gateway.api.arguments import MAX_SECONDS
from voucher_payment_gateway.settings_sections import Section, ThrottleSettings
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = [
    "NAME",
    "ApiBehaviour",
    "GatewaySettings",
    "OrderFieldNames",
    "Section",
    "ThrottleSettings",
    "Verb",
    "gateway_settings",
    "problems",
]

NAME = "VOUCHER_PAYMENT_GATEWAY"
LOCAL = "http://127.0.0.1:8900/v1"
LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}
LABEL = re.compile("[a-z0-9_-]{1,63}")

TYPE_NAMES = {"str", "list[str]", "[key]", "callable"}
"""What pydantic adds to the path of a value whose type is a union; no part of a key."""

Verb = Literal["authorize", "capture", "refund", "cancel"]
Meaning = Literal["unusable", "insufficient_balance", "currency_mismatch", "reservation_closed"]
Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600)]
Hours = Annotated[float, Field(gt=0, le=366 * 24)]
CallSeconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]


class OrderFieldNames(Section):
    """The attributes of the shop's order: fields, properties, or paths such as ``"customer.currency"``."""

    number: str = "number"
    total: str = "total"
    currency: str = "currency"


class ApiBehaviour(Section):
    """What the operator knows of the remote API's undocumented behaviour. None means: not known."""

    second_charge: Literal["refuse", "same", "book_again"] | None = None
    open_reservation_lowers_balance: bool | None = None
    order_number_filter: Literal["exact", "prefix", "ignored"] | None = None
    list_lag_seconds: Annotated[float, Field(ge=0)] | None = None
    refund_limit: Literal["up_to", "less_than"] | None = None
    refund_limit_shrinks: bool | None = None
    refund_carries_order_number: bool | None = None
    refund_to_unusable_voucher: Literal["accept", "refuse"] | None = None
    cancel_reservation: Literal["absent", "not_allowed", "works"] | None = None
    create_id_field: Literal["id", "custom_id", "both"] | None = None
    post_status: int | None = None


class GatewaySettings(Unpicklable, Section):
    """Every key of ``VOUCHER_PAYMENT_GATEWAY`` with its type and default."""

    ENVIRONMENT: Literal["production", "sandbox", "local"]
    BASE_URL: str = ""
    TOKEN_URL: str = ""
    CLIENT_ID: str = Field(min_length=1)
    CLIENT_SECRET: str | Callable[[], str] = Field(repr=False)
    CLIENT_TYPE: str = Field(default="", max_length=32)
    CA_FILE: str = ""
    TIMEOUT_SECONDS: CallSeconds = 5.0
    DEADLINE_SECONDS: CallSeconds = 15.0
    ORDER_MODEL: str = Field(pattern=r"^\w+\.\w+$")
    ORDER_FIELDS: OrderFieldNames = OrderFieldNames()
    ORDER_ADAPTER: str = "voucher_payment_gateway.orders.OrderAdapter"
    EVENTS: dict[Verb, str | list[str]] = Field(default={})
    ON_STATUS: dict[Literal["field"] | Verb, str | list[str]] = Field(default={})
    CHECKOUT_ORDER: str = ""
    CAPTURE: Literal["manual", "immediate"] = "manual"
    REFUND_ORDER: Literal["last-first", "first-first", "pro-rata"] = "last-first"
    TAXABLE_VOUCHERS: Literal["accept", "refuse"] = "accept"
    SEALING_KEYS: list[str] = Field(default=[], repr=False)
    THROTTLE: ThrottleSettings | None = ThrottleSettings()
    CODE_PATTERN: str = ""
    CODE_NORMALISER: str = ""
    VOUCHERS_PER_ORDER: Annotated[int, Field(ge=1, le=100)] = 20
    SELECTED_HOURS: Hours = 24
    RENEW_HOLDS: bool = False
    REFUND_GRACE_SECONDS: Seconds = 900
    LIST_LAG_SECONDS: Seconds = 60
    CANCEL_RESERVATION_CALL: bool = True
    ERROR_MEANINGS: dict[str, Meaning] = Field(default={})
    API_BEHAVIOUR: ApiBehaviour = ApiBehaviour()

    @property
    def base_url(self) -> str:
        """The address that calls go to: ``BASE_URL``, else that of the environment."""
        return (
            self.BASE_URL or {"production": PRODUCTION, "sandbox": SANDBOX, "local": LOCAL}[self.ENVIRONMENT]
        )

    @property
    def order_adapter(self) -> Any:
        """The object that reads the shop's orders: an instance of ``ORDER_ADAPTER``."""
        return _instance(self.ORDER_ADAPTER)

    @property
    def events(self) -> dict[Verb, list[str]]:
        """``EVENTS`` with each value as a list of dotted signals."""
        return {verb: [paths] if isinstance(paths, str) else paths for verb, paths in self.EVENTS.items()}

    @field_validator("BASE_URL", "TOKEN_URL")
    @classmethod
    def _encrypted(cls, url: str, info: ValidationInfo) -> str:
        development = settings.DEBUG or info.data.get("ENVIRONMENT") == "local"
        if url and (objection := _objection(url, loopback_may_be_plain=development)):
            raise ValueError(objection)
        return url.rstrip("/")

    @field_validator("CLIENT_SECRET")
    @classmethod
    def _not_empty(cls, secret: str | Callable[[], str]) -> str | Callable[[], str]:
        if secret == "":
            raise ValueError("must not be empty")
        return secret

    @field_validator("SEALING_KEYS")
    @classmethod
    def _fernet_keys(cls, keys: list[str]) -> list[str]:
        for position, key in enumerate(keys):
            try:
                Fernet(key)
            except ValueError:
                raise ValueError(
                    f"key {position + 1} is not a Fernet key of 32 url-safe base64 bytes"
                ) from None
        return keys

    @field_validator("CODE_PATTERN")
    @classmethod
    def _regular_expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error:
            raise ValueError("is not a regular expression") from None
        return pattern

    @model_validator(mode="after")
    def _status_needs_a_field(self) -> Self:
        if self.ON_STATUS and not isinstance(self.ON_STATUS.get("field"), str):
            raise ValueError('ON_STATUS: needs "field", the name of the status field')
        for verb, values in self.ON_STATUS.items():
            if verb != "field" and not isinstance(values, list):
                raise ValueError(f'ON_STATUS: "{verb}" must be a list of statuses')
        return self

    @model_validator(mode="after")
    def _deadline_holds_the_timeout(self) -> Self:
        if self.DEADLINE_SECONDS < self.TIMEOUT_SECONDS:
            raise ValueError("DEADLINE_SECONDS: must be at least TIMEOUT_SECONDS")
        return self


def _objection(url: str, *, loopback_may_be_plain: bool) -> str:
    """Return what makes an address one that cannot be called, and the cure; no part of it, as it may hold a secret."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "must be plain ASCII without spaces: write other letters of a host name in their xn-- form"
    scheme, parts = url.partition("://")[0].lower(), _split(url)
    host = (parts and parts.hostname) or ""
    if scheme != "https" and not (scheme == "http" and loopback_may_be_plain and host in LOOPBACK_HOSTS):
        return "must start with https:// (http:// only for a loopback address, in development)"
    if "@" in (parts.netloc if parts else url):
        return "must hold no user name and no password: take out what stands before the @, and the @"
    if "?" in url or "#" in url:
        return "must hold no query and no fragment: take out the ? or # and what follows"
    if parts is None or not _is_host(host):
        return "has no host name that can be: write it as in https://host.example/v1"
    return "" if _has_port_that_can_be(parts) else "has no port that can be: use 1 to 65535, or leave it out"


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253 and all(LABEL.fullmatch(label) for label in host.split("."))
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _has_port_that_can_be(parts: SplitResult) -> bool:
    try:
        return parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        return False


@cache
def _instance(path: str) -> Any:
    return import_string(path)()


def problems(raw: object) -> list[tuple[str, str]]:
    """Return what is wrong with the dict ``raw`` as pairs of key and sentence; no value is repeated."""
    if not isinstance(raw, dict):
        return [("", f"{NAME} must be a dict.")]
    try:
        GatewaySettings.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_input=False)
        sentences = [_sentence(detail["loc"], detail["msg"], detail["type"]) for detail in details]
        return list({(key, text.split(":")[0]): (key, text) for key, text in sentences}.values())
    return []


def _sentence(loc: tuple[int | str, ...], message: str, kind: str) -> tuple[str, str]:
    message = message.removeprefix("Value error, ")
    if not loc:
        key, _, message = message.partition(": ")
        return key, f"{key}: {message}"
    path = ".".join(str(part) for part in loc if part not in TYPE_NAMES)
    wording = {"missing": "is missing", "extra_forbidden": "is not a setting of this app"}
    return str(loc[0]), f"{path}: {wording.get(kind, message[:1].lower() + message[1:])}"


@lru_cache(maxsize=1)
def gateway_settings() -> GatewaySettings:
    """Return the checked settings. Raises ImproperlyConfigured that names every wrong key, and no value."""
    raw = getattr(settings, NAME, None)
    found = problems(raw)
    if found:
        raise ImproperlyConfigured(f"{NAME}: " + "; ".join(sentence for _, sentence in found))
    return GatewaySettings.model_validate(raw)


def _forget(*, setting: str, **_: object) -> None:
    if setting in (NAME, "DEBUG"):
        gateway_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="voucher_payment_gateway.conf")
