"""Keeps an order with live money or sold vouchers from being deleted, and ends the payments and sales of one that is
deleted: it listens to the deletion of orders, and imports ``deleted_orders`` when the first one is deleted.

With a receiver of ``pre_delete`` Django deletes no row without it, neither one by one nor by ``QuerySet.delete()``.
"""

from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db.models import Model
from django.db.models.signals import pre_delete

from voucher_payment_gateway.conf import NAME, is_configured, written_value

__all__ = ["connect"]

UID = f"{NAME}.deletion"
_connected: list[type[Model]] = []


def connect() -> None:
    """Connect to the deletion of orders; disconnect from that of an earlier ``ORDER_MODEL``."""
    while _connected:
        pre_delete.disconnect(sender=_connected.pop(), dispatch_uid=UID)
    try:
        orders = apps.get_model(written_value("ORDER_MODEL"))
    except (AttributeError, LookupError, TypeError, ValueError):  # the system checks report it
        return
    # by sender: a receiver without one would slow down every deletion in the project
    for model in apps.get_models():
        if model._meta.concrete_model is orders._meta.concrete_model:
            pre_delete.connect(_before_deletion, sender=model, dispatch_uid=UID)
            _connected.append(model)


def _before_deletion(sender: object, instance: Any, **_: object) -> None:
    if is_configured():
        from voucher_payment_gateway.deleted_orders import before_deletion

        before_deletion(instance)


def _reconnect(*, setting: str, **_: object) -> None:
    if setting == NAME:
        connect()


setting_changed.connect(_reconnect, dispatch_uid=UID)
