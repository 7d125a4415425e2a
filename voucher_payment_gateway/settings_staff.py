"""The settings of a shop whose staff gives money back in the admin."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from voucher_payment_gateway import money
from voucher_payment_gateway.currencies import supported_currency
from voucher_payment_gateway.exceptions import AmountError
from voucher_payment_gateway.settings_sections import Section
from voucher_payment_gateway.settings_types import Hours

__all__ = ["StaffSettings"]


def _currency(code: str) -> str:
    try:
        return supported_currency(code)
    except AmountError:
        raise ValueError('must have currency codes such as "EUR" as keys') from None


def _limit(value: object) -> Decimal:
    try:
        return money.total(value)
    except AmountError:
        raise ValueError('must be an amount of zero or more, as a text such as "100.00"') from None


CurrencyCode = Annotated[str, AfterValidator(_currency)]
Limit = Annotated[Decimal, BeforeValidator(_limit)]


class StaffSettings(Section):
    """The keys of ``VOUCHER_PAYMENT_GATEWAY`` that are about the admin's pages for staff."""

    REFUND_APPROVAL_ABOVE: dict[CurrencyCode, Limit] | None = Field(
        None,
        description="How much one person may refund of an order in the admin, by currency: more needs a second person.",
    )
    REFUND_APPROVAL_HOURS: Hours = Field(
        72, description="How long a second person may approve such a refund, in hours."
    )
