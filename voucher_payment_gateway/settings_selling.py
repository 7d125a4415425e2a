"""The settings of a shop that sells vouchers."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from voucher_payment_gateway.currencies import supported_currency
from voucher_payment_gateway.exceptions import AmountError
from voucher_payment_gateway.settings_sections import Section
from voucher_payment_gateway.settings_types import Days

__all__ = ["Fallback", "SellingSettings"]

Fallback = Literal["recharge", "new_voucher", "manual"]


class SellingSettings(Section):
    """The keys of ``VOUCHER_PAYMENT_GATEWAY`` that are about vouchers sold or given."""

    SOLD_VOUCHERS: str = Field(
        "", description="Takes an order and returns the vouchers that it sells, as SoldVoucher."
    )
    VOUCHER_DELIVERY: Literal["mail", "signal", "page"] = Field(
        "mail", description="How the code of a sold voucher reaches its buyer."
    )
    VOUCHERS_PAY_FOR_VOUCHERS: bool = Field(
        False, description="Whether vouchers may pay for the vouchers that an order sells."
    )
    ORDER_IS_PAID: str = Field(
        "", description="Takes an order and returns whether it is paid: vouchers of others are not activated."
    )
    UNPAID_SALE_DAYS: Days = Field(
        14, description="How long a voucher waits for the payment of its order before it is deleted, in days."
    )
    REMIND_DAYS: Annotated[int, Field(ge=0, le=366)] = Field(
        0,
        description="How long before a sold voucher expires its buyer is reminded, in days; 0 for no reminder.",
    )
    REFUND_FALLBACK: list[Fallback] = Field(
        ["manual"], description="What is tried in turn where a voucher can take no refund."
    )
    CUSTOMER_ORDERS: str = Field(
        "",
        description="Takes the request and returns the numbers of the visitor's orders, for their vouchers.",
    )
    BALANCE_CHECK: bool = Field(
        False, description="Whether anyone who knows the code of a voucher may see its balance."
    )
    CURRENCY: str = Field("EUR", description="Currency of vouchers where no order names one.")
    SHOP_URL: str = Field("", description="Address of your shop, for the links in mails.")
    MAIL_FROM: str = Field("", description="Sender of the mails about vouchers, if not DEFAULT_FROM_EMAIL.")

    @field_validator("REFUND_FALLBACK")
    @classmethod
    def _each_once(cls, steps: list[Fallback]) -> list[Fallback]:
        if len(set(steps)) != len(steps):
            raise ValueError("names a step twice")
        if "manual" in steps[:-1]:
            raise ValueError('"manual" must be the last step')
        return steps

    @field_validator("CURRENCY")
    @classmethod
    def _code(cls, code: str) -> str:
        try:
            return supported_currency(code)
        except AmountError:
            raise ValueError('must be a currency code such as "EUR", with at most two decimals') from None

    @field_validator("SHOP_URL")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError('must begin with "https://"')
        return url.rstrip("/")
