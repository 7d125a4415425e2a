"""The settings of a shop that hands its books to an accountant."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from voucher_payment_gateway.settings_sections import Section

__all__ = ["BooksSettings", "DatevAccounts"]

MAX_RATE = 100


def _account(number: str) -> str:
    if not (number.isascii() and number.isdecimal() and 0 < len(number) <= 8):
        raise ValueError("must be the number of an account, up to 8 digits")
    return number


def _month_and_day(text: str) -> str:
    month, _, day = text.partition("-")
    if not (len(text) == 5 and month in MONTHS and day in DAYS):
        raise ValueError('must be the month and the day, such as "01-01"')
    return text


def _rate(text: str) -> Decimal | None:
    """Return a rate in percent, or None where the text is none."""
    try:
        rate = Decimal(text)
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and 0 <= rate < MAX_RATE else None


def _number(account: str) -> int:
    """Return the account as DATEV compares it: zeros in front do not count."""
    return int(account)


MONTHS = [f"{month:02}" for month in range(1, 13)]
DAYS = [f"{day:02}" for day in range(1, 29)]

AccountNumber = Annotated[str, AfterValidator(_account)]
MonthAndDay = Annotated[str, AfterValidator(_month_and_day)]


class DatevAccounts(Section):
    """Into which accounts DATEV books. A tax adviser must approve them."""

    consultant: Annotated[int, Field(ge=1001, le=9_999_999)] = Field(
        description="the number of your tax adviser (Beraternummer)"
    )
    client: Annotated[int, Field(ge=1, le=99_999)] = Field(
        description="your number with the tax adviser (Mandantennummer)"
    )
    account_length: Annotated[int, Field(ge=4, le=8)] = Field(
        4, description="how many digits the accounts of your books have (Sachkontenlänge)"
    )
    fiscal_year_begins: MonthAndDay = Field(
        "01-01", description="month and day on which your fiscal year begins"
    )
    chart: Literal["", "03", "04"] = Field(
        "", description="the chart of accounts (Sachkontenrahmen), if it is SKR 03 or SKR 04"
    )
    liability: AccountNumber = Field(description="the account of what multi-purpose vouchers owe")
    clearing: AccountNumber = Field(
        description="the account against which sales and redemptions are booked, and your orders and payments too"
    )
    revenue: dict[str, AccountNumber] = Field(
        {},
        description="the revenue accounts by the rate of VAT in percent, for single-purpose vouchers; each rate once, "
        "and none of them the account of liability or clearing",
    )
    unknown_rate: str = Field(
        "",
        description="the rate, one of those of revenue, by which single-purpose vouchers are booked of which no rate "
        "is known; without it no file is written",
    )
    unknown_vat: Literal["refuse", "multi_purpose"] = Field(
        "refuse", description="what is done about a booking whose kind of voucher is not known"
    )

    @field_validator("revenue")
    @classmethod
    def _by_rate(cls, accounts: dict[str, str]) -> dict[str, str]:
        rates = [_rate(text) for text in accounts]
        if None in rates:
            raise ValueError('must have rates in percent as keys, such as "19"')
        if len(set(rates)) < len(rates):
            raise ValueError("must have each rate once, however many decimals it is written with")
        return accounts

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        """No booking may be between an account and itself, and no account may be both revenue and liability."""
        clearing, liability = _number(self.clearing), _number(self.liability)
        if liability == clearing:
            raise ValueError("DATEV_ACCOUNTS.clearing: must not be the account of the liability")
        for number in map(_number, self.revenue.values()):
            if number in (clearing, liability):
                name = "clearing" if number == clearing else "liability"
                raise ValueError(f"DATEV_ACCOUNTS.revenue: must not be the account named as {name}")
        return self

    @model_validator(mode="after")
    def _has_an_account(self) -> Self:
        if self.unknown_rate and self.rate_if_unknown not in map(_rate, self.revenue):
            raise ValueError(
                "DATEV_ACCOUNTS.unknown_rate: must be one of the rates of DATEV_ACCOUNTS.revenue"
            )
        return self

    @model_validator(mode="after")
    def _as_long_as_the_others(self) -> Self:
        for name, number in self._named():
            if len(number) > self.account_length:
                raise ValueError(f"DATEV_ACCOUNTS.{name}: has more digits than account_length says")
        return self

    def _named(self) -> list[tuple[str, str]]:
        own = [("liability", self.liability), ("clearing", self.clearing)]
        return own + [("revenue", number) for number in self.revenue.values()]

    @property
    def rate_if_unknown(self) -> Decimal | None:
        """``unknown_rate`` in percent, None without it."""
        return _rate(self.unknown_rate)

    def revenue_of(self, rate: Decimal) -> str | None:
        """Return the revenue account of a rate, however many decimals it is written with."""
        return next((number for text, number in self.revenue.items() if Decimal(text) == rate), None)


class BooksSettings(Section):
    """The keys of ``VOUCHER_PAYMENT_GATEWAY`` that are about the books."""

    DATEV_ACCOUNTS: DatevAccounts | None = Field(
        None, description="Accounts for the DATEV export of the books; a tax adviser must approve them."
    )
