"""The ``Payment`` row of django-payments as the order that gift vouchers pay."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from voucher_payment_gateway import money
from voucher_payment_gateway.orders import OrderAdapter

__all__ = ["PREFIX", "PaymentAdapter"]

PREFIX = "payment-"


class PaymentAdapter(OrderAdapter):
    """Reads a ``Payment`` row: its number is ``payment-`` and its primary key, its total is that of the row.

    The number stands in the Voucher Cloud's list of bookings. The row's ``token`` is no part of it: whoever knows that
    one can open the address at which the row is paid. For other numbers override ``number`` and ``lookup``.
    """

    def number(self, order: Any) -> str:
        """Return the order number of a stored row, and "" for one that is not stored yet."""
        return "" if order.pk is None else f"{PREFIX}{order.pk}"

    def total(self, order: Any) -> Decimal:
        """Return the total of the row, with two places."""
        return money.signed_total(order.total)

    def currency(self, order: Any) -> str:
        """Return the ISO 4217 code of the row's currency."""
        return money.currency_code(order.currency)

    def created_at(self, order: Any) -> datetime | None:
        """Return when the row came into being."""
        created: datetime | None = order.created
        return created

    def lookup(self, number: str) -> dict[str, Any]:
        """Return the filter that finds the row. Raises ValueError for a number that none can have."""
        prefix, _, pk = number.rpartition(PREFIX)
        if prefix or not pk:
            raise ValueError(f"{number!r} is the number of no payment row")
        return {"pk": pk}
