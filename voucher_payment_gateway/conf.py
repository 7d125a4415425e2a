"""The settings dict ``VOUCHER_PAYMENT_GATEWAY``: typed, read on first use, and read again after a test changes it."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, Self

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
from voucher_payment_gateway.api.arguments import MAX_SECONDS, proxy_problem, url_problem
from voucher_payment_gateway.settings_sections import (
    ApiBehaviour,
    OrderFieldNames,
    Section,
    ThrottleSettings,
)
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

TYPE_NAMES = {"str", "list[str]", "[key]", "callable"}
"""Parts that pydantic adds to the path of a value whose type is a union; not part of a key."""

Verb = Literal["authorize", "capture", "refund", "cancel"]
Meaning = Literal["unusable", "insufficient_balance", "currency_mismatch", "reservation_closed"]
Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600)]
Hours = Annotated[float, Field(gt=0, le=366 * 24)]
Days = Annotated[float, Field(gt=0, le=366)]
CallSeconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]


class GatewaySettings(Unpicklable, Section):
    """Every key of ``VOUCHER_PAYMENT_GATEWAY`` with its type and default."""

    ENVIRONMENT: Literal["production", "sandbox", "local"] = Field(
        description="Where calls go: the Voucher Cloud, its vendor's sandbox host, or the local Voucher Cloud."
    )
    BASE_URL: str = Field(
        "", description="Address of the API, with its version, in place of the environment's."
    )
    TOKEN_URL: str = Field("", description="Address of the token call.")
    CLIENT_ID: str = Field(min_length=1, description="Id of the shop's client in your merchant account.")
    CLIENT_SECRET: str | Callable[[], str] = Field(repr=False, description="The client's secret.")
    CLIENT_TYPE: str = Field(
        "", max_length=32, description="Sent with the token request, for the vendor's statistics only."
    )
    CA_FILE: str = Field("", description="Certificate authorities to trust in place of the usual ones.")
    PROXY_URL: str = Field(
        "", repr=False, description="Forward proxy through which every call to the Voucher Cloud leaves."
    )
    TIMEOUT_SECONDS: CallSeconds = Field(5.0, description="Timeout of one wait for the network, in seconds.")
    DEADLINE_SECONDS: CallSeconds = Field(
        15.0, description="Timeout of a whole call, token request and retries included, in seconds."
    )
    ORDER_MODEL: str = Field(
        pattern=r"^\w+\.\w+$", description="Model of your orders, in the same database as the payments."
    )
    ORDER_FIELDS: OrderFieldNames = Field(
        OrderFieldNames(), description="Attributes of the order that hold its number, total and currency."
    )
    ORDER_ADAPTER: str = Field(
        "voucher_payment_gateway.orders.OrderAdapter",
        description="A subclass of OrderAdapter, for an order that needs code.",
    )
    EVENTS: dict[Verb, str | list[str]] = Field({}, description="Your signals, by the verb that they drive.")
    ON_STATUS: dict[Literal["field"] | Verb, str | list[str]] = Field(
        {}, description="Statuses of the order, by the verb that they drive when the order is saved."
    )
    CHECKOUT_ORDER: str = Field(
        "", description="Takes the request and returns the order that this visitor may pay, or None."
    )
    CAPTURE: Literal["manual", "immediate"] = Field(
        "manual", description="Whether the event or status authorize also captures."
    )
    REFUND_ORDER: Literal["last-first", "first-first", "pro-rata"] = Field(
        "last-first", description="How a refund is divided among the payments of an order."
    )
    TAXABLE_VOUCHERS: Literal["accept", "refuse"] = Field(
        "accept", description="Whether vouchers are accepted whose VAT was paid at their sale."
    )
    SEALING_KEYS: list[str] = Field([], repr=False, description="Keys that encrypt stored codes and PINs.")
    THROTTLE: ThrottleSettings | None = Field(ThrottleSettings(), description="Limits on guessing codes.")
    CODE_PATTERN: str = Field("", description="Pattern that a whole code must match.")
    CODE_NORMALISER: str = Field("", description="Takes the code as typed and returns the one to send.")
    VOUCHERS_PER_ORDER: Annotated[int, Field(ge=1, le=100)] = Field(
        20, description="Maximum number of gift vouchers on one order at the same time."
    )
    SELECTED_HOURS: Hours = Field(
        24, description="How long a code is stored while nothing is held with it, in hours."
    )
    CONFIRMED_DAYS: Days = Field(
        30,
        description="How long the code of a confirmed payment is stored, and its amount relied on, in days.",
    )
    RENEW_HOLDS: bool = Field(
        False, description="Whether settle renews a hold that has less than 10 minutes left."
    )
    TOTAL_AFTER_RETURN: Literal["stays", "lowered"] = Field(
        "stays",
        description="Whether your shop lowers the total of an order when something of it is returned.",
    )
    INSTANCE: Annotated[str, Field(max_length=100)] = Field(
        "",
        description="The name of this installation: a copy of its database sends nothing that moves money.",
    )
    REFUND_GRACE_SECONDS: Seconds = Field(
        900, description="How long a refund may still arrive after it was sent, in seconds."
    )
    LIST_LAG_SECONDS: Seconds = Field(
        60, description="Maximum delay until a booking appears in the Voucher Cloud's lists, in seconds."
    )
    CANCEL_RESERVATION_CALL: bool = Field(
        True, description="Whether cancel asks the Voucher Cloud to end the reservation."
    )
    ERROR_MEANINGS: dict[str, Meaning] = Field(
        {}, description="Meanings of the API's error codes, as far as you know them."
    )
    API_BEHAVIOUR: ApiBehaviour = Field(
        ApiBehaviour(), description="Undocumented behaviour of the API, as far as you know it."
    )

    @property
    def base_url(self) -> str:
        """The address of the API: ``BASE_URL``, else that of the environment."""
        return (
            self.BASE_URL or {"production": PRODUCTION, "sandbox": SANDBOX, "local": LOCAL}[self.ENVIRONMENT]
        )

    @property
    def order_adapter(self) -> Any:
        """The instance of ``ORDER_ADAPTER`` that reads the shop's orders."""
        return _instance(self.ORDER_ADAPTER)

    @property
    def events(self) -> dict[Verb, list[str]]:
        """``EVENTS`` with each value as a list of dotted paths of signals."""
        return {verb: [paths] if isinstance(paths, str) else paths for verb, paths in self.EVENTS.items()}

    @field_validator("BASE_URL", "TOKEN_URL")
    @classmethod
    def _encrypted(cls, url: str, info: ValidationInfo) -> str:
        is_development = settings.DEBUG or info.data.get("ENVIRONMENT") == "local"
        http_hosts = LOOPBACK_HOSTS if is_development else set()
        if url and (problem := url_problem(url, allows_http=http_hosts.__contains__)):
            raise ValueError(problem)
        return url.rstrip("/")

    @field_validator("PROXY_URL")
    @classmethod
    def _proxy(cls, url: str) -> str:
        if url and (problem := proxy_problem(url)):
            raise ValueError(problem)
        return url

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
    def _deadline_covers_the_timeout(self) -> Self:
        if self.DEADLINE_SECONDS < self.TIMEOUT_SECONDS:
            raise ValueError("DEADLINE_SECONDS: must be at least TIMEOUT_SECONDS")
        return self


@cache
def _instance(path: str) -> Any:
    return import_string(path)()


def problems(raw: object) -> list[tuple[str, str]]:
    """Return the mistakes in the dict ``raw`` as pairs of key and sentence; no value is repeated."""
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
    """Return the checked settings. Raises ImproperlyConfigured, which names every wrong key and no value."""
    raw = getattr(settings, NAME, None)
    found = problems(raw)
    if found:
        raise ImproperlyConfigured(f"{NAME}: " + "; ".join(sentence for _, sentence in found))
    return GatewaySettings.model_validate(raw)


def _clear_cache(*, setting: str, **_: object) -> None:
    if setting in (NAME, "DEBUG"):
        gateway_settings.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid="voucher_payment_gateway.conf")
