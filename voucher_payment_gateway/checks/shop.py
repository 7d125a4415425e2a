"""Checks of the settings that describe the shop: its order, its events, its callables."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import F, UniqueConstraint
from django.db.models.expressions import ExpressionList
from django.dispatch import Signal

from voucher_payment_gateway.checks.catalogue import Messages, imported, report
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import OrderAdapter

__all__ = ["CHECKS"]


def _order_model(given: GatewaySettings) -> Messages:
    try:
        apps.get_model(given.ORDER_MODEL)
    except LookupError:
        yield report("E007", "unknown", model=given.ORDER_MODEL)


def _one_database(given: GatewaySettings) -> Messages:
    """An order and its charge must be committed in one transaction."""
    model = _model(given)
    orders, payments = router.db_for_write(model or VoucherOperation), router.db_for_write(VoucherOperation)
    if orders != payments:
        yield report("E024", "apart", orders=orders, payments=payments)


def _order_fields(given: GatewaySettings) -> Messages:
    model = _model(given)
    if model is None or _has_own_adapter(given):
        return
    for key, path in given.ORDER_FIELDS:
        if path is None:
            continue
        first = path.split(".")[0]
        if not _has(model, first):
            yield report("E008", "unknown", key=key, model=given.ORDER_MODEL, name=first)
    number = given.ORDER_FIELDS.number.split(".")[0]
    if _is_column(model, "voucher_reservation_ids") and _has(model, number) and not _is_column(model, number):
        yield report("E008", "no_column", name=number)


def _unique_number(given: GatewaySettings) -> Messages:
    """Payments belong to an order by its number alone."""
    model, name = _model(given), given.ORDER_FIELDS.number
    if model is None or _has_own_adapter(given) or not _is_column(model, name):
        return
    field = model._meta.get_field(name)
    if not getattr(field, "unique", True) and [name] not in _unique_columns({model, field.model}):
        yield report("W032", "not_unique", model=given.ORDER_MODEL, name=name)


def _unique_columns(models: set[Any]) -> list[list[str]]:
    """Return the columns of each uniqueness that these models declare."""
    declared = [list(names) for model in models for names in model._meta.unique_together]
    constraints = [constraint for model in models for constraint in model._meta.constraints]
    for constraint in constraints:
        if isinstance(constraint, UniqueConstraint):
            parts = ExpressionList(*constraint.expressions).flatten()
            named: list[Any] = [part for part in parts if isinstance(part, F)]
            declared.append([*constraint.fields, *(part.name for part in named)])
    return declared


def _order_adapter(given: GatewaySettings) -> Messages:
    adapter = imported(given.ORDER_ADAPTER)
    if not (isinstance(adapter, type) and issubclass(adapter, OrderAdapter)):
        yield report("E009", "no_adapter", path=given.ORDER_ADAPTER)
    elif adapter.number is not OrderAdapter.number and adapter.lookup is OrderAdapter.lookup:
        yield report("E009", "no_lookup", path=given.ORDER_ADAPTER)


def _events(given: GatewaySettings) -> Messages:
    for verb, paths in given.events.items():
        for path in paths:
            if not isinstance(imported(path), Signal):
                yield report("E010", "no_signal", verb=verb, path=path)


def _on_status(given: GatewaySettings) -> Messages:
    model, field = _model(given), given.ON_STATUS.get("field")
    if model is not None and field and not _has(model, str(field)):
        yield report("E011", "unknown", model=given.ORDER_MODEL, name=field)


def _callables(given: GatewaySettings) -> Messages:
    for number, path in (
        ("E012", given.CHECKOUT_ORDER),
        ("E020", given.CODE_NORMALISER),
        ("E050", given.ACCOUNT_OF_ORDER),
    ):
        if path and not callable(imported(path)):
            yield report(number, "no_callable", path=path)


def _has_own_adapter(given: GatewaySettings) -> bool:
    return bool(GatewaySettings.model_fields["ORDER_ADAPTER"].default != given.ORDER_ADAPTER)


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


CHECKS = (
    *(_order_model, _one_database, _order_fields, _unique_number, _order_adapter),
    *(_events, _on_status, _callables),
)
