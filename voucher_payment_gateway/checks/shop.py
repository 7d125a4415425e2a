"""What the settings say of the shop: its order, its events, its callables."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.dispatch import Signal

from voucher_payment_gateway.checks.catalogue import Messages, message, mistake
from voucher_payment_gateway.checks.importing import imported
from voucher_payment_gateway.conf import NAME, GatewaySettings
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import OrderAdapter

__all__ = ["CHECKS"]


def _order_model(given: GatewaySettings) -> Messages:
    try:
        apps.get_model(given.ORDER_MODEL)
    except LookupError:
        yield mistake("ORDER_MODEL", f"{NAME}: ORDER_MODEL: there is no model {given.ORDER_MODEL!r}.")


def _one_database(given: GatewaySettings) -> Messages:
    """An order and what is to be charged for it are committed together or not at all."""
    model = _model(given)
    orders, payments = router.db_for_write(model or VoucherOperation), router.db_for_write(VoucherOperation)
    if orders != payments:
        yield message(
            "E024", f"{NAME}: ORDER_MODEL: orders are in the database {orders!r}, payments in {payments!r}."
        )


def _order_fields(given: GatewaySettings) -> Messages:
    model = _model(given)
    if model is None or GatewaySettings.model_fields["ORDER_ADAPTER"].default != given.ORDER_ADAPTER:
        return
    for key, path in given.ORDER_FIELDS:
        first = path.split(".")[0]
        if not _has(model, first):
            yield mistake(
                "ORDER_FIELDS", f"{NAME}: ORDER_FIELDS.{key}: {given.ORDER_MODEL} has no {first!r}."
            )
    number = given.ORDER_FIELDS.number.split(".")[0]
    if _is_column(model, "voucher_reservation_ids") and _has(model, number) and not _is_column(model, number):
        yield mistake(
            "ORDER_FIELDS",
            f"{NAME}: ORDER_FIELDS.number: {number!r} is no column, so no order is found by it.",
        )


def _order_adapter(given: GatewaySettings) -> Messages:
    adapter = imported(given.ORDER_ADAPTER)
    if not (isinstance(adapter, type) and issubclass(adapter, OrderAdapter)):
        yield mistake(
            "ORDER_ADAPTER", f"{NAME}: ORDER_ADAPTER: {given.ORDER_ADAPTER!r} is not an OrderAdapter."
        )
    elif adapter.number is not OrderAdapter.number and adapter.lookup is OrderAdapter.lookup:
        yield mistake(
            "ORDER_ADAPTER",
            f"{NAME}: ORDER_ADAPTER: {given.ORDER_ADAPTER!r} overrides number() but not lookup().",
        )


def _events(given: GatewaySettings) -> Messages:
    for verb, paths in given.events.items():
        for path in paths:
            if not isinstance(imported(path), Signal):
                yield mistake(
                    "EVENTS", f"{NAME}: EVENTS.{verb}: {path!r} is not a signal that can be imported."
                )


def _on_status(given: GatewaySettings) -> Messages:
    model, field = _model(given), given.ON_STATUS.get("field")
    if model is not None and field and not _has(model, str(field)):
        yield mistake("ON_STATUS", f"{NAME}: ON_STATUS.field: {given.ORDER_MODEL} has no {field!r}.")


def _callables(given: GatewaySettings) -> Messages:
    for key in ("CHECKOUT_ORDER", "CODE_NORMALISER"):
        path = getattr(given, key)
        if path and not callable(imported(path)):
            yield mistake(key, f"{NAME}: {key}: {path!r} is not a callable that can be imported.")


def _model(given: GatewaySettings) -> Any:
    try:
        return apps.get_model(given.ORDER_MODEL)
    except LookupError:
        return None


def _has(model: Any, name: str) -> bool:
    return _is_column(model, name) or hasattr(model, name)


def _is_column(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


CHECKS = (_order_model, _one_database, _order_fields, _order_adapter, _events, _on_status, _callables)
