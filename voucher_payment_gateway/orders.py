"""Reading a shop's order, and writing its one column of ours."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, FieldError, ImproperlyConfigured, ValidationError
from django.db import models, router
from django.utils.module_loading import import_string

from voucher_payment_gateway import money
from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.currencies import smallest_unit, supported_currency
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.reservation_ids import JSONAppend

__all__ = [
    "OrderAdapter",
    "OrderFacts",
    "account_by_number",
    "are_found_by_number",
    "facts_by_number",
    "find_order",
    "find_orders",
    "has_status",
    "known_number",
    "note_reservation",
    "order_account",
    "order_created_at",
    "order_facts",
    "payable_facts",
]

MAX_ORDER_NUMBER_LENGTH = 50

NOT_A_NUMBER = (ValueError, TypeError, LookupError, ValidationError)
"""Raised by a lookup of a number that no order of the shop can have: its column is a UUID, or a whole number."""

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class OrderFacts:
    """The facts of an order that the gateway needs. Every verb takes them in place of the shop's order."""

    number: str
    total: Decimal
    currency: str
    created_at: datetime | None = None
    """When the order came into being; None where that is not known."""
    account: str | None = None
    """The name of the merchant account whose vouchers pay it, "" for the default one. None: that of its payments, else
    the one that ``ACCOUNT_OF_ORDER`` gives for the stored order with this number."""
    is_stored: bool = False
    """Whether they were read from a row of ``ORDER_MODEL``; set by the gateway."""


class OrderAdapter:
    """Reads the shop's order by ``ORDER_FIELDS``. For an order that needs code, subclass it and set
    ``ORDER_ADAPTER``."""

    def number(self, order: Any) -> str:
        """Return the order number: fixed before the order is paid, never used for another order."""
        return str(self._read(order, gateway_settings().ORDER_FIELDS.number) or "")

    def total(self, order: Any) -> Decimal:
        """Return the total of the order, with two places; whole in a currency without decimals. At zero or less nothing
        is due."""
        return money.signed_total(self._read(order, gateway_settings().ORDER_FIELDS.total))

    def currency(self, order: Any) -> str:
        """Return the ISO 4217 code of the currency of the total."""
        return money.currency_code(self._read(order, gateway_settings().ORDER_FIELDS.currency))

    def created_at(self, order: Any) -> datetime | None:
        """Return when the order came into being, aware; None where that is not known. Payments of its number that are
        older are those of another order."""
        path = gateway_settings().ORDER_FIELDS.created
        return None if path is None else self._read(order, path)

    def lookup(self, number: str) -> dict[str, Any]:
        """Return the filter that finds the order of this number."""
        return {gateway_settings().ORDER_FIELDS.number.replace(".", "__"): number}

    def _read(self, order: Any, path: str) -> Any:
        value = order
        try:
            for name in path.split("."):
                value = getattr(value, name)
                if value is None:
                    return None
        except AttributeError:
            raise PaymentStateError(
                f"order: {type(order).__name__} has no {path!r}: give an order of {gateway_settings().ORDER_MODEL}. "
                "Nothing was sent.",
                code="order_malformed",
            ) from None
        return value() if callable(value) else value


def order_facts(order: Any) -> OrderFacts:
    """Return the checked facts of ``order``; a total below zero counts as 0.00, since nothing is due.

    Raises PaymentStateError if the number is missing or cannot be sent, AmountError if the total or the currency
    is invalid: also a total of 12.50 in a currency without decimals, and a currency with three decimals. Nothing was
    sent.
    """
    facts = _read_facts(order)
    return replace(facts, total=max(facts.total, money.ZERO))


def payable_facts(order: Any) -> OrderFacts:
    """Return the checked facts of an order that vouchers are to pay, with its account. Also raises AmountError if the
    total is below zero, the errors of ``order_account``, and PaymentStateError if the order is not stored: nothing
    would lead from the voucher back to it."""
    facts = _read_facts(order)
    facts = replace(facts, total=money.total(facts.total))
    if isinstance(order, models.Model) and (order.pk is None or order._state.adding):
        raise PaymentStateError(
            f"order: {facts.number} is not saved: save it before a gift voucher pays for it. Nothing was sent.",
            code="order_unsaved",
        )
    return replace(facts, account=order_account(order))


def _read_facts(order: Any) -> OrderFacts:
    if isinstance(order, OrderFacts):
        given = order
    else:
        adapter = _adapter_for(order)
        given = OrderFacts(adapter.number(order), adapter.total(order), adapter.currency(order))
        is_stored = isinstance(order, apps.get_model(gateway_settings().ORDER_MODEL))
        given = replace(given, created_at=order_created_at(order), is_stored=is_stored)
    number, currency = checked_number(given.number), supported_currency(given.currency)
    total = money.signed_total(given.total, unit=smallest_unit(currency))
    return replace(given, number=number, total=total, currency=currency)


def _adapter_for(order: Any) -> Any:
    """Return the adapter. No order at all is told here: an adapter of the shop reads it without a look."""
    if order is None:
        raise PaymentStateError(
            f"order: is None: give an order of {gateway_settings().ORDER_MODEL}. Nothing was sent.",
            code="order_malformed",
        )
    if isinstance(order, models.Model) and not _is_of_order_model(order):
        raise PaymentStateError(
            f"order: {type(order).__name__} is another model: give an order of {gateway_settings().ORDER_MODEL}. "
            "Nothing was sent.",
            code="order_malformed",
        )
    return gateway_settings().order_adapter


def _is_of_order_model(order: models.Model) -> bool:
    """Return whether ``order`` is of ``ORDER_MODEL``, of a model that inherits from it, or of one of its parents."""
    model = apps.get_model(gateway_settings().ORDER_MODEL)
    return isinstance(order, model) or issubclass(model, order._meta.concrete_model or type(order))


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
    except NOT_A_NUMBER:  # orders have numbers of another form
        return True
    return True


def find_orders(numbers: Collection[str]) -> dict[str, Any]:
    """Return the shop's orders with these numbers, by number; those without an order are left out. One statement where
    the number is a column of the order, else one for each."""
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
    except NOT_A_NUMBER:
        return _found_one_by_one(numbers)
    return {number: _last(found[number]) for number in numbers if number in found}


def _found_one_by_one(numbers: Collection[str]) -> dict[str, Any]:
    return {number: order for number in numbers if (order := find_order(number)) is not None}


def _rows_of(number: str) -> models.QuerySet[Any]:
    """Return the shop's orders with this number; none where no order can have it, or orders cannot be looked up."""
    rows = _all_rows(apps.get_model(gateway_settings().ORDER_MODEL))
    try:
        return rows.filter(**gateway_settings().order_adapter.lookup(number))
    except (FieldError, *NOT_A_NUMBER):
        return rows.none()


def _last(orders: list[Any]) -> Any:
    """Return the order that came into being last: by its instant where the shop knows it, else by its primary key."""
    if len(orders) == 1:
        return orders[0]
    return max(orders, key=lambda order: (order_created_at(order) or BEGINNING, order.pk))


def has_status(order: Any, statuses: Collection[str]) -> bool:
    """Return whether the field of ``ON_STATUS`` has one of ``statuses``; a member of an enumeration counts as its
    value."""
    status = getattr(order, str(gateway_settings().ON_STATUS["field"]))
    return str(getattr(status, "value", status)) in statuses


def order_number(order: Any) -> str:
    """Return the checked number of ``order``. Raises PaymentStateError if it is missing or cannot be sent."""
    if isinstance(order, OrderFacts):
        return checked_number(order.number)
    return checked_number(_adapter_for(order).number(order))


def order_created_at(order: Any) -> datetime | None:
    """Return when ``order`` came into being, where the shop says so. Raises PaymentStateError if that is no aware
    instant."""
    if isinstance(order, OrderFacts):
        return order.created_at
    created_at = _adapter_for(order).created_at(order)
    if created_at is not None and (not isinstance(created_at, datetime) or created_at.tzinfo is None):
        raise PaymentStateError(
            "created: must be an aware datetime, such as that of a DateTimeField. Nothing was sent.",
            code="order_malformed",
        )
    return created_at


def order_account(order: Any) -> str | None:
    """Return the name of the merchant account whose vouchers pay ``order``: always "" without ``ACCOUNTS``, None for
    facts that do not say it. Raises ImproperlyConfigured for a name that is not in ``ACCOUNTS``."""
    settings = gateway_settings()
    if isinstance(order, OrderFacts):
        name = order.account if settings.ACCOUNTS else order.account or ""
    elif settings.ACCOUNTS:
        name = import_string(settings.ACCOUNT_OF_ORDER)(order) or ""
    else:
        return ""
    if name is not None and name not in settings.account_names:
        known = ", ".join(repr(each) for each in settings.account_names)
        raise ImproperlyConfigured(
            f"{NAME}: ACCOUNT_OF_ORDER: the account of order {known_number(order)} is {name!r}, which is none of "
            f"{known}. Nothing was sent."
        )
    return name


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


def known_number(order: Any) -> str:
    """Return the number of ``order``, or "" where no payment can have it: none yet, or one that no verb accepts."""
    try:
        return order_number(order)
    except PaymentStateError as error:
        if error.code == "order_malformed":
            raise
        return ""


def checked_number(number: str) -> str:
    """Return ``number`` if the API accepts it: 1 to 50 printable characters, no leading or trailing blanks."""
    if not isinstance(number, str):
        raise PaymentStateError(
            f"number: must be a text, not {type(number).__name__}. Nothing was sent.",
            code="order_number_malformed",
        )
    if not number.strip():
        raise PaymentStateError(
            "number: the order has no number yet; give it one before it is paid. Nothing was sent.",
            code="order_number_missing",
        )
    if len(number) > MAX_ORDER_NUMBER_LENGTH or not number.isprintable() or number != number.strip():
        raise PaymentStateError(
            f"number: must have at most {MAX_ORDER_NUMBER_LENGTH} printable characters, none of them an outer blank. "
            "Nothing was sent.",
            code="order_number_malformed",
        )
    return number


def note_reservation(order_number: str, reservation_id: str, *, replaces: str = "") -> None:
    """Write a reservation id to the shop's order, if its model has the column of ``VoucherOrderMixin``: in place of the
    one that it replaces, else at the end."""
    model = apps.get_model(gateway_settings().ORDER_MODEL)
    if not _has_column(model, "voucher_reservation_ids"):
        return
    rows = _row_to_note_on(order_number)
    known = _locked_ids(rows) if replaces else []
    if replaces in known:
        rows.update(voucher_reservation_ids=[reservation_id if each == replaces else each for each in known])
    else:
        rows.update(voucher_reservation_ids=JSONAppend("voucher_reservation_ids", reservation_id))


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
