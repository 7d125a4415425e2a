"""What an Oscar shop sells in gift vouchers: the lines of a product class, with what the buyer has entered as their
options.

``VOUCHER_PAYMENT_GATEWAY`` names ``vouchers`` (``SOLD_VOUCHERS``) and ``is_paid`` (``ORDER_IS_PAID``);
``VOUCHER_PAYMENT_GATEWAY_OSCAR`` names ``worth_of`` (``SOLD_IN_BASKET``).
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.orders import SoldVoucher

__all__ = [
    "AMOUNT",
    "DAY",
    "EMAIL",
    "MESSAGE",
    "NAME",
    "entered",
    "is_gift_voucher",
    "is_paid",
    "product_classes",
    "vouchers",
    "worth_of",
]

PREFIX = "gift-voucher-"
AMOUNT, EMAIL, NAME = f"{PREFIX}amount", f"{PREFIX}email", f"{PREFIX}name"
MESSAGE, DAY = f"{PREFIX}message", f"{PREFIX}day"
"""Codes of the options of a gift voucher: what it costs, who gets it, with which words, and when."""

WORTH = "gift_voucher_amount"
"""Code of the attribute of a product that says what it is worth, where that is not its price."""

DELIVERY_TIME = time(8)
"""When a gift voucher is sent on the day that its buyer has chosen, in the shop's time zone."""


def vouchers(order: Any) -> Iterator[SoldVoucher]:
    """Yield the gift vouchers that a placed order sells (``SOLD_VOUCHERS``), one for each line.

    Without a usable address of a recipient the buyer gets the code. A voucher is worth what one piece of its line costs
    with tax before discounts, unless its product says otherwise: never what was only entered.
    """
    lines = order.lines.select_related("product__product_class", "product__parent__product_class")
    for line in lines.prefetch_related("attributes__option").order_by("pk"):
        if is_gift_voucher(line):
            yield _sold(order, line)


def worth_of(basket: Any) -> Decimal:
    """Return what the gift vouchers in a basket are worth (``SOLD_IN_BASKET``): no gift voucher pays for them."""
    lines = [line for line in basket.all_lines() if is_gift_voucher(line)]
    return sum((_worth(line) * line.quantity for line in lines), ZERO)


def is_paid(order: Any) -> bool:
    """Return whether payment sources cover the total of the order (``ORDER_IS_PAID``).

    Of a gift voucher what is reserved counts too: it pays for other things than gift vouchers, and is charged when
    they ship. Of every other method only what was debited counts.
    """
    paid = sum((_covered(source) for source in order.sources.select_related("source_type")), ZERO)
    return bool(paid >= order.total_incl_tax)


def is_gift_voucher(line: Any) -> bool:
    """Return whether a line of a basket or an order sells a gift voucher: by the class of its product, and by its
    options where the product was deleted since."""
    if line.product is not None:
        return line.product.get_product_class().slug in product_classes()
    return any(code.startswith(PREFIX) for code in entered(line))


def product_classes() -> tuple[str, ...]:
    """Return the slugs of the product classes that are gift vouchers."""
    return tuple(oscar_settings().PRODUCT_CLASSES)


def entered(line: Any) -> dict[str, Any]:
    """Return what the buyer has entered for a line of a basket or an order, by the code of the option."""
    return {_code(attribute): attribute.value for attribute in line.attributes.all()}


def _code(attribute: Any) -> str:
    """Return the code of an attribute's option. A line of an order keeps it where the option was deleted."""
    return str(getattr(attribute, "type", "") or attribute.option.code)


def _sold(order: Any, line: Any) -> SoldVoucher:
    given = entered(line)
    return SoldVoucher(
        key=str(line.pk),
        amount=_worth(line),
        quantity=line.quantity,
        recipient_email=_address(str(given.get(EMAIL) or "")) or order.email or "",
        recipient_name=str(given.get(NAME) or ""),
        message=str(given.get(MESSAGE) or ""),
        deliver_at=_instant(given.get(DAY)),
    )


def _worth(line: Any) -> Decimal:
    product = line.product
    named = getattr(product.attr, WORTH, None) if product is not None else None
    amount = Decimal(str(named)) if named else line.unit_price_incl_tax
    return Decimal(amount).quantize(Decimal("0.01"))


def _address(text: str) -> str:
    """Return an e-mail address, or "" for a text that is none: Oscar's own form lets any text pass."""
    try:
        validate_email(text.strip())
    except ValidationError:
        return ""
    return text.strip()


def _instant(day: Any) -> datetime | None:
    """Return when the voucher of this day is sent; the same instant whoever asks, in whatever time zone."""
    try:
        chosen = date.fromisoformat(str(day or ""))
    except ValueError:
        return None
    return datetime.combine(chosen, DELIVERY_TIME, tzinfo=timezone.get_default_timezone())


def _covered(source: Any) -> Decimal:
    is_ours = source.source_type.name == oscar_settings().SOURCE_TYPE
    held = source.amount_allocated if is_ours else ZERO
    return Decimal(max(held, source.amount_debited) - source.amount_refunded)
