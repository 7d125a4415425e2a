"""The attributes of the order model that ``ORDER_FIELDS`` names, and what they can hold."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from voucher_payment_gateway.conf import GatewaySettings

__all__ = ["field_of", "follow", "has_attribute", "names_of", "order_model", "wrong_content"]

TEXT = (models.CharField, models.TextField)
INSTANTS = (models.DateField, models.TimeField, models.DurationField)
OPAQUE = (models.JSONField, models.BinaryField, models.FileField, models.GenericIPAddressField)
NUMBERS = (models.IntegerField, models.DecimalField, models.FloatField)

NEVER: dict[str, tuple[type[Any], ...]] = {
    "number": (models.BooleanField, models.FloatField, models.DecimalField, *INSTANTS, *OPAQUE),
    "total": (*TEXT, models.BooleanField, models.FloatField, models.UUIDField, *INSTANTS, *OPAQUE),
    "currency": (*NUMBERS, models.BooleanField, models.UUIDField, *INSTANTS, *OPAQUE),
    "created": (
        *NUMBERS,
        *TEXT,
        models.BooleanField,
        models.UUIDField,
        models.TimeField,
        models.DurationField,
        *OPAQUE,
    ),
}
"""The kinds of columns that cannot hold this fact of an order. Others may: a field of the shop's own."""

WORDS: tuple[tuple[tuple[type[Any], ...], str], ...] = (
    (OPAQUE, "data that is not read"),
    (TEXT, "text"),
    ((models.BooleanField,), "true or false"),
    ((models.FloatField,), "numbers that are not exact"),
    (NUMBERS, "numbers"),
    (INSTANTS, "dates or times"),
    ((models.UUIDField,), "UUIDs"),
)


def order_model(given: GatewaySettings) -> Any:
    """Return the model of the orders, or None where there is none of this name."""
    try:
        return apps.get_model(given.ORDER_MODEL)
    except LookupError:
        return None


def field_of(model: Any, name: str) -> Any:
    """Return the field of this name, or None where the model has none, such as for a property."""
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def names_of(model: Any) -> list[str]:
    """Return the names of the fields and properties of a model that the settings may mean."""
    properties = [name for name, value in vars(model).items() if isinstance(value, property) and name != "pk"]
    return [*(field.name for field in model._meta.get_fields()), *properties]


def has_attribute(model: Any, name: str) -> bool:
    """Return whether an order has this field, property or method."""
    return field_of(model, name) is not None or hasattr(model, name)


def follow(model: Any, path: str) -> tuple[Any, str]:
    """Return the model that the last name of ``path`` stands on, and that name; as far as relations lead. The model is
    None where a property is in between: what it returns is not known."""
    first, _, rest = path.partition(".")
    if not rest or not has_attribute(model, first):
        return model, first
    field = field_of(model, first)
    related = field.related_model if field is not None and field.is_relation else None
    return (None, rest) if not isinstance(related, type) else follow(related, rest)


def wrong_content(key: str, field: Any) -> str:
    """Return what ``field`` holds where that is not what ``key`` needs, or an empty text."""
    if field.is_relation:
        return "other rows"
    if key == "total" and hasattr(field, "currency_field_name"):  # of django-money
        return "amounts with their currency"
    if (
        key == "created"
        and isinstance(field, models.DateField)
        and not isinstance(field, models.DateTimeField)
    ):
        return "dates without a time"
    return _kind(field) if isinstance(field, NEVER[key]) else ""


def _kind(field: Any) -> str:
    return next(words for kinds, words in WORDS if isinstance(field, kinds))
