"""Checks of the settings that describe the shop: its order, and the callables that the gateway asks."""

from typing import Any

from django.apps import apps
from django.db import router
from django.db.models import F, UniqueConstraint
from django.db.models.expressions import ExpressionList
from django.http import HttpRequest

from voucher_payment_gateway.checks.catalogue import Messages, report
from voucher_payment_gateway.checks.dotted import call_problem, callable_problem, look_up
from voucher_payment_gateway.checks.order_fields import (
    field_of,
    follow,
    has_attribute,
    names_of,
    order_model,
    wrong_content,
)
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.models import VoucherOperation
from voucher_payment_gateway.orders import OrderAdapter
from voucher_payment_gateway.settings_wording import QUOTE, did_you_mean

__all__ = ["CHECKS"]


def _order_model(given: GatewaySettings) -> Messages:
    if order_model(given) is None:
        labels = [model._meta.label for model in apps.get_models()]
        hint = did_you_mean(given.ORDER_MODEL, labels, QUOTE)
        yield report("E007", "unknown", model=given.ORDER_MODEL, hint=hint)


def _one_database(given: GatewaySettings) -> Messages:
    """An order and its charge must be committed in one transaction."""
    model = order_model(given)
    orders, payments = router.db_for_write(model or VoucherOperation), router.db_for_write(VoucherOperation)
    if orders != payments:
        yield report("E024", "apart", orders=orders, payments=payments)


def _order_fields(given: GatewaySettings) -> Messages:
    model = order_model(given)
    if model is None or _has_own_adapter(given):
        return
    for key, path in given.ORDER_FIELDS:
        if path is not None:
            yield from _order_field(model, key, path)
    number = given.ORDER_FIELDS.number.split(".")[0]
    is_property = has_attribute(model, number) and field_of(model, number) is None
    if field_of(model, "voucher_reservation_ids") and is_property:
        yield report("E008", "no_column", name=number)


def _order_field(model: Any, key: str, path: str) -> Messages:
    owner, name = follow(model, path)
    if owner is None:
        return
    if not has_attribute(owner, name):
        hint = did_you_mean(name, names_of(owner), QUOTE)
        yield report("E008", "unknown", key=key, model=_label(owner), name=name, hint=hint)
        return
    field = field_of(owner, name)
    if field is not None and name == path.rpartition(".")[2] and (content := wrong_content(key, field)):
        yield report("E008", f"no_{key}", model=_label(owner), name=name, content=content)


def _label(model: Any) -> str:
    return str(model._meta.label)


def _unique_number(given: GatewaySettings) -> Messages:
    """Payments belong to an order by its number alone."""
    model, name = order_model(given), given.ORDER_FIELDS.number
    field = None if model is None or _has_own_adapter(given) else field_of(model, name)
    if field is None or field.is_relation:
        return
    if not getattr(field, "unique", True) and [name] not in _unique_columns({model, field.model}):
        yield report("W032", "not_unique", model=given.ORDER_MODEL, name=name)


def _unique_columns(models: set[Any]) -> list[list[str]]:
    """Return the columns of each uniqueness that these models declare for all of their rows. A condition on the column
    itself, such as that it is not empty, leaves no two orders with one number."""
    declared = [list(names) for model in models for names in model._meta.unique_together]
    constraints = [constraint for model in models for constraint in model._meta.constraints]
    for constraint in constraints:
        if isinstance(constraint, UniqueConstraint):
            parts = ExpressionList(*constraint.expressions).flatten()
            named: list[Any] = [part for part in parts if isinstance(part, F)]
            columns = [*constraint.fields, *(part.name for part in named)]
            if constraint.condition is None or constraint.condition.referenced_base_fields <= set(columns):
                declared.append(columns)
    return declared


def _order_adapter(given: GatewaySettings) -> Messages:
    found = look_up(given.ORDER_ADAPTER)
    adapter = found.value
    if not (isinstance(adapter, type) and issubclass(adapter, OrderAdapter)):
        problem = "it is a class of another kind" if isinstance(adapter, type) else found.what
        yield report("E009", "no_adapter", path=given.ORDER_ADAPTER, problem=problem)
    elif problem := call_problem(adapter):
        yield report("E009", "wrong_call", path=given.ORDER_ADAPTER, problem=problem)
    elif adapter.number is not OrderAdapter.number and adapter.lookup is OrderAdapter.lookup:
        yield report("E009", "no_lookup", path=given.ORDER_ADAPTER)


def _checkout_order(given: GatewaySettings) -> Messages:
    return _callable("E012", given.CHECKOUT_ORDER, HttpRequest(), returns="order")


def _account_of_order(given: GatewaySettings) -> Messages:
    return _callable("E050", given.ACCOUNT_OF_ORDER, object(), returns="name")


def _callable(number: str, path: str, argument: object, *, returns: str) -> Messages:
    """Report a path that names nothing which takes ``argument`` and returns what is needed."""
    if problem := callable_problem(path, argument, returns=returns):
        yield report(number, problem.message, path=path, problem=problem.text)


def _has_own_adapter(given: GatewaySettings) -> bool:
    return bool(GatewaySettings.model_fields["ORDER_ADAPTER"].default != given.ORDER_ADAPTER)


CHECKS = (
    _order_model,
    _one_database,
    _order_fields,
    _unique_number,
    _order_adapter,
    _checkout_order,
    _account_of_order,
)
