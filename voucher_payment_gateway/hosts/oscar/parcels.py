"""What one parcel of an order costs, so that shipping it charges that and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db.models import Sum

from voucher_payment_gateway.currencies import smallest_unit
from voucher_payment_gateway.hosts.oscar.conf import oscar_settings
from voucher_payment_gateway.money import ZERO

__all__ = ["Parcel", "parcel_of"]

MAX_NAME_LENGTH = 100


@dataclass(frozen=True)
class Parcel:
    """``cost`` is what its units cost after discounts, with tax. The first parcel also has what the order costs beside
    its lines, such as shipping. ``is_last``: with it every line is shipped. ``name``: the same units of the same lines
    are the same parcel."""

    cost: Decimal
    is_last: bool
    name: str


def parcel_of(order: Any, lines: Sequence[Any], quantities: Sequence[int]) -> Parcel:
    """Return the parcel with these quantities of these lines, as the order is shipped so far."""
    shipped = {line.pk: _shipped(line) for line in order.lines.all()}
    packed = {line.pk: quantity for line, quantity in zip(lines, quantities, strict=True)}
    cost = sum((_cost(line, shipped[line.pk], packed[line.pk], order.currency) for line in lines), ZERO)
    if not any(shipped.values()):
        cost += max(order.total_incl_tax - sum(line.line_price_incl_tax for line in order.lines.all()), ZERO)
    is_last = all(shipped[line.pk] + packed.get(line.pk, 0) >= line.quantity for line in order.lines.all())
    units = [f"{pk}:{shipped[pk]}-{shipped[pk] + packed[pk]}" for pk in sorted(packed)]
    return Parcel(cost, is_last, _name(" ".join(units)))


def _name(units: str) -> str:
    """Return a name that is short also where an order has many lines."""
    return (
        f"parcel {units}" if len(units) <= MAX_NAME_LENGTH else f"parcel {sha256(units.encode()).hexdigest()}"
    )


def _shipped(line: Any) -> int:
    """Return how many units of the line are in parcels that were charged."""
    events = line.shipping_event_quantities.filter(
        event__event_type__name__in=oscar_settings().SHIPPING_EVENTS
    )
    return events.aggregate(sum=Sum("quantity"))["sum"] or 0


def _cost(line: Any, before: int, packed: int, currency: str) -> Decimal:
    """Return the share of these units in the price of the line: all shares together are that price, to the cent."""
    unit = smallest_unit(currency)

    def until(quantity: int) -> Decimal:
        share: Decimal = line.line_price_incl_tax * quantity / line.quantity
        return share.quantize(unit)

    return until(before + packed) - until(before)
