"""The settings dict ``VOUCHER_PAYMENT_GATEWAY_OSCAR``: what the adapter needs beside ``VOUCHER_PAYMENT_GATEWAY``."""

from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from pydantic import Field, ValidationError

from voucher_payment_gateway.settings_sections import Section

__all__ = ["NAME", "OscarSettings", "oscar_settings"]

NAME = "VOUCHER_PAYMENT_GATEWAY_OSCAR"


class OscarSettings(Section):
    """Every key with its type and default. The rows of the event types are made by ``migrate``."""

    SOURCE_TYPE: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        "Gift voucher", description="Name of the source type under which Oscar lists what vouchers pay."
    )
    SHIPPING_EVENTS: list[str] = Field(
        ["Shipped"], description="Names of the shipping event types that charge what the parcel costs."
    )
    CAPTURE_EVENTS: Annotated[list[str], Field(min_length=1)] = Field(
        ["Settled"], description="Names of the payment event types that charge; the first notes each charge."
    )
    REFUND_EVENTS: Annotated[list[str], Field(min_length=1)] = Field(
        ["Refunded"], description="Names of the payment event types that refund."
    )
    REPEAT_SECONDS: Annotated[int, Field(ge=0, le=3600)] = Field(
        30, description="How long the same payment event of an order counts as a second click, in seconds."
    )
    SOLD_IN_BASKET: str = Field(
        "", description="Takes a basket and returns what the gift vouchers are worth that it contains."
    )
    PRODUCT_CLASSES: Annotated[list[str], Field(min_length=1)] = Field(
        ["gift-voucher"], description="Slugs of the product classes that are gift vouchers."
    )
    LEAST_AMOUNT: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal("5.00"), description="Least amount that the buyer of a gift voucher may choose."
    )
    MOST_AMOUNT: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal("250.00"), description="Highest amount that the buyer of a gift voucher may choose."
    )
    RETURN_EVENTS: list[str] = Field(
        ["Returned"], description="Names of the shipping event types by which sold gift vouchers come back."
    )


@lru_cache(maxsize=1)
def oscar_settings() -> OscarSettings:
    """Return the checked settings. Raises ImproperlyConfigured, which names every wrong key and no value."""
    try:
        return OscarSettings.model_validate(getattr(settings, NAME, None) or {})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ImproperlyConfigured(f"{NAME}: {'; '.join(wrong)}") from None


def _clear_cache(*, setting: str, **_: object) -> None:
    if setting == NAME:
        oscar_settings.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid="voucher_payment_gateway.hosts.oscar.conf")
