"""Reading a shop's order: its number, total, currency and account."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.module_loading import import_string

from voucher_payment_gateway import money
from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.currencies import smallest_unit, supported_currency
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.sold import SoldVoucher

__all__ = [
    "OrderAdapter",
    "OrderFacts",
    "SoldVoucher",
    "has_status",
    "known_number",
    "order_account",
    "order_created_at",
    "order_facts",
    "payable_facts",
]

MAX_ORDER_NUMBER_LENGTH = 50


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
    sold: Decimal | None = None
    """What the gift vouchers are worth that the order sells: these no gift voucher pays, unless
    ``VOUCHERS_PAY_FOR_VOUCHERS``. None: as ``SOLD_VOUCHERS`` says of the stored order with this number."""

    @property
    def payable(self) -> Decimal:
        """What of the total gift vouchers may pay: all but ``sold``, never below zero."""
        return max(self.total - (self.sold or money.ZERO), money.ZERO)


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
    return facts if facts.total >= money.ZERO else replace(facts, total=money.ZERO)


def payable_facts(order: Any) -> OrderFacts:
    """Return the checked facts of an order that vouchers are to pay, with its account. Also raises AmountError if the
    total is below zero, the errors of ``order_account``, and PaymentStateError if the order is not stored: nothing
    would lead from the voucher back to it."""
    facts = _read_facts(order)
    total = money.total(facts.total)
    if isinstance(order, models.Model) and (order.pk is None or order._state.adding):
        raise PaymentStateError(
            f"order: {facts.number} is not saved: save it before a gift voucher pays for it. Nothing was sent.",
            code="order_unsaved",
        )
    return replace(facts, total=total, account=order_account(order))


def _read_facts(order: Any) -> OrderFacts:
    if isinstance(order, OrderFacts):
        given = order
    else:
        adapter = _adapter_for(order)
        currency = supported_currency(adapter.currency(order))  # before the total: 12.345 is right in KWD
        given = OrderFacts(
            *(adapter.number(order), adapter.total(order), currency),
            created_at=order_created_at(order),
            is_stored=isinstance(order, apps.get_model(gateway_settings().ORDER_MODEL)),
        )
    number, currency = checked_number(given.number), supported_currency(given.currency)
    total = money.signed_total(given.total, unit=smallest_unit(currency))
    sold = None if given.sold is None else money.total(given.sold, "sold")
    return replace(given, number=number, total=total, currency=currency, sold=sold)


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
    model: Any = apps.get_model(gateway_settings().ORDER_MODEL)._meta.concrete_model
    return isinstance(order, model) or issubclass(model, type(order)._meta.concrete_model or type(order))


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
