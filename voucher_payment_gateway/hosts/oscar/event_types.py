"""The rows that the buttons of Oscar's dashboard need: the types of shipping and payment events, and of sources."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from oscar.core.loading import get_model

from voucher_payment_gateway.hosts.oscar.conf import oscar_settings

__all__ = ["connect", "make_rows", "payment_event_type"]

LABELS = ("order", "payment")


def connect() -> None:
    """Make the rows after each ``migrate``."""
    for label in LABELS:
        uid = f"voucher_payment_gateway.hosts.oscar.{label}"
        post_migrate.connect(_make, sender=apps.get_app_config(label), dispatch_uid=uid)


def payment_event_type(name: str) -> Any:
    """Return the payment event type of this name."""
    found, _ = get_model("order", "PaymentEventType").objects.get_or_create(name=name)
    return found


def make_rows(using: str | None = None, apps: Any = apps, *, labels: Collection[str] = LABELS) -> None:
    """Make the rows that are missing; ``apps`` has the models in the state of the tables."""
    settings = oscar_settings()
    wanted = {
        ("order", "ShippingEventType"): [*settings.SHIPPING_EVENTS, *settings.RETURN_EVENTS],
        ("order", "PaymentEventType"): [*settings.CAPTURE_EVENTS, *settings.REFUND_EVENTS],
        ("payment", "SourceType"): [settings.SOURCE_TYPE],
    }
    for (label, model), names in wanted.items():
        if label in labels:
            for name in names:
                apps.get_model(label, model)._default_manager.using(using).get_or_create(name=name)


def _make(sender: AppConfig, using: str, apps: Any = apps, **_: object) -> None:
    with suppress(LookupError):  # its tables are gone
        make_rows(using, apps, labels=[sender.label])
