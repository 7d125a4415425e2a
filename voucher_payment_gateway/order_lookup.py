"""Finding a shop's order by its number, and writing its one column of ours."""

from collections.abc import Collection, Hashable
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import django.db
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import models, router

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.log_events import PaymentEvents
from voucher_payment_gateway.models.compiled import CompiledUpdate
from voucher_payment_gateway.orders import (
    OrderAdapter,
    OrderFacts,
    order_account,
    order_created_at,
    order_facts,
)
from voucher_payment_gateway.reservation_ids import JSONAppend
from voucher_payment_gateway.short_memory import is_first

__all__ = [
    "account_by_number",
    "are_found_by_number",
    "facts_by_number",
    "find_order",
    "note_reservation",
    "readable_orders",
]

NO_SUCH_NUMBER = (ValueError, TypeError, LookupError, ValidationError)
"""Raised by a lookup of a number that no order of the shop can have: its column is a UUID, or a whole number."""

UNREADABLE = object()

QUIET_SECONDS = 24 * 3600

BEGINNING = datetime.min.replace(tzinfo=UTC)


def facts_by_number(number: str) -> OrderFacts | None:
    """Return the facts of the stored order with this number, or None. Raises the errors of ``order_facts``."""
    order = find_order(number)
    return None if order is None else order_facts(order)


def find_order(number: str) -> Any:
    """Return the shop's order with this number, or None: also if orders cannot be looked up by number. Of several, as
    where a deleted one is only hidden, the last one that came into being."""
    model = apps.get_model(gateway_settings().ORDER_MODEL)
    found = list(_rows_of(number).using(router.db_for_write(model)))  # a replica may lag behind
    return _last(found) if found else None


def are_found_by_number() -> bool:
    """Return whether the shop's orders can be looked up by number at all."""
    model = apps.get_model(gateway_settings().ORDER_MODEL)
    try:
        _all_rows(model).filter(**gateway_settings().order_adapter.lookup("0"))
    except FieldError:
        return False
    except NO_SUCH_NUMBER:  # orders have numbers of another form
        return True
    return True


def readable_orders(numbers: Collection[str]) -> tuple[dict[str, Any], set[str]]:
    """Return the shop's orders with these numbers, by number, without those that it does not have; and the numbers that
    the shop's own code cannot look up: each is logged once a day, and hides no other one. Errors of the database pass
    through."""
    try:
        return _find_orders(numbers), set()
    except django.db.Error:
        raise
    except Exception:  # of the shop's code: which orders it is about is found out one by one
        found = {number: _read(number) for number in numbers}
    unreadable = {number for number, order in found.items() if order is UNREADABLE}
    orders = {
        number: order for number, order in found.items() if order is not None and number not in unreadable
    }
    return orders, unreadable


def _find_orders(numbers: Collection[str]) -> dict[str, Any]:
    """One statement where the number is a column of the order, else one for each."""
    model, settings = apps.get_model(gateway_settings().ORDER_MODEL), gateway_settings()
    adapter, column = settings.order_adapter, settings.ORDER_FIELDS.number
    is_plain = type(adapter).lookup is OrderAdapter.lookup and type(adapter).number is OrderAdapter.number
    if not is_plain or not _has_column(model, column):
        return _found_one_by_one(numbers)
    orders = _all_rows(model).using(router.db_for_write(model))
    found: dict[str, list[Any]] = {}
    try:
        for order in orders.filter(**{f"{column}__in": list(numbers)}):
            found.setdefault(adapter.number(order), []).append(order)
    except NO_SUCH_NUMBER:
        return _found_one_by_one(numbers)
    return {number: _last(found[number]) for number in numbers if number in found}


def _read(number: str) -> Any:
    try:
        return find_order(number)
    except django.db.Error:
        raise
    except Exception as error:  # of the shop's code
        if is_first(f"unreadable.{number}", QUIET_SECONDS):
            PaymentEvents.order_unreadable.log(order_number=number, exception=type(error).__name__)
        return UNREADABLE


def _found_one_by_one(numbers: Collection[str]) -> dict[str, Any]:
    return {number: order for number in numbers if (order := find_order(number)) is not None}


def _rows_of(number: str) -> models.QuerySet[Any]:
    """Return the shop's orders with this number; none where no order can have it, or orders cannot be looked up."""
    rows = _all_rows(apps.get_model(gateway_settings().ORDER_MODEL))
    try:
        return rows.filter(**gateway_settings().order_adapter.lookup(number))
    except (FieldError, *NO_SUCH_NUMBER):
        return rows.none()


def _last(orders: list[Any]) -> Any:
    """Return the order that came into being last: by its instant where the shop knows it, else by its primary key."""
    if len(orders) == 1:
        return orders[0]
    return max(orders, key=lambda order: (order_created_at(order) or BEGINNING, order.pk))


def account_by_number(number: str) -> str:
    """Return the account of the stored order with this number. Raises PaymentStateError where there is no such order,
    and the errors of ``order_account``."""
    order = find_order(number)
    if order is None:
        raise PaymentStateError(
            f"order {number}: it is not found by its number, so its account is not known: give one in OrderFacts. "
            "Nothing was sent.",
            code="account_missing",
        )
    return order_account(order) or ""


def note_reservation(order_number: str, reservation_id: str, *, replaces: str = "") -> None:
    """Write a reservation id to the shop's order, if its model has the column of ``VoucherOrderMixin``: in place of the
    one that it replaces, else at the end."""
    model = apps.get_model(gateway_settings().ORDER_MODEL)
    if not _has_column(model, "voucher_reservation_ids"):
        return
    if not replaces and _has_number_of_its_own(model):
        appended = JSONAppend("voucher_reservation_ids", reservation_id)
        as_numbered = {gateway_settings().ORDER_FIELDS.number: order_number}
        _updates(cast(Hashable, model)).run(as_numbered, {"voucher_reservation_ids": appended})
        return
    rows = _row_to_note_on(order_number)
    known = _locked_ids(rows) if replaces else []
    if replaces in known:
        rows.update(voucher_reservation_ids=[reservation_id if each == replaces else each for each in known])
    else:
        rows.update(voucher_reservation_ids=JSONAppend("voucher_reservation_ids", reservation_id))


def _has_number_of_its_own(model: type[models.Model]) -> bool:
    """Return whether the order's number is a column of texts that no two rows share, looked up as such."""
    settings = gateway_settings()
    column, is_plain = (
        settings.ORDER_FIELDS.number,
        type(settings.order_adapter).lookup is OrderAdapter.lookup,
    )
    field: Any = model._meta.get_field(column) if is_plain and _has_column(model, column) else None
    return type(field) is models.CharField and field.unique


@cache
def _updates(model: Any) -> CompiledUpdate:
    return CompiledUpdate(model)


def _row_to_note_on(number: str) -> models.QuerySet[Any]:
    """Return the row of the order; where several may have the number, as a hidden one has, that of the last."""
    rows, column = _rows_of(number), gateway_settings().ORDER_FIELDS.number
    if _has_column(rows.model, column) and rows.model._meta.get_field(column).unique:
        return rows
    order = find_order(number)
    return rows.none() if order is None else rows.filter(pk=order.pk)


def _locked_ids(rows: models.QuerySet[Any]) -> list[str]:
    """Lock the order's row until the end of the transaction, and return its ids. A read before the lock would make
    SQLite refuse it where another writer was first."""
    rows.update(voucher_reservation_ids=models.F("voucher_reservation_ids"))
    current = rows.using(router.db_for_write(rows.model))
    return list(current.values_list("voucher_reservation_ids", flat=True).first() or [])


def _all_rows(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the rows of ``model``, also those that its managers hide, such as soft-deleted ones."""
    return models.QuerySet(model)


def _has_column(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
