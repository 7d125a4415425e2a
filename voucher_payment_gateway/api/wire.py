"""The responses of the Voucher Cloud as frozen values: API version 1.8, pages of developer.jtl-software.com.

Unknown fields are ignored, because the API may grow. A wrong type, a missing field that the gateway relies
on, an amount written as a JSON number or a NaN is an error: such a response proves nothing.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from voucher_payment_gateway.money import CENT
from voucher_payment_gateway.unpicklable import Unpicklable

__all__ = ["Charge", "ClientCredentials", "CompleteVoucher", "Reservation", "Voucher"]

_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}")
_LEAP_SECOND = re.compile(r"(?<=T\d\d:\d\d):60")
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_RATE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


def _amount(value: object) -> Decimal:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite() and value >= 0 and value == value.quantize(CENT):
        return value.quantize(CENT)
    raise ValueError('an amount is a string such as "10.53"')


def _rate(value: object) -> Decimal | None:
    if value is None or (isinstance(value, Decimal) and value.is_finite() and value >= 0):
        return value
    if isinstance(value, str) and _RATE.fullmatch(value):
        return Decimal(value)
    raise ValueError('a tax rate is null or a string such as "19"')


def _instant(value: object) -> datetime:
    read = datetime.fromisoformat(_LEAP_SECOND.sub(":59", value.upper())) if isinstance(value, str) else value
    if isinstance(read, datetime) and read.tzinfo is not None:
        try:
            return read.astimezone(UTC)
        except OverflowError:  # within a day of the first or the last instant that a datetime can hold
            raise ValueError("an instant is out of range") from None
    raise ValueError("an instant is an RFC 3339 string with its offset")


def can_stand_in_path(value: str) -> bool:
    """Say whether an id can be one segment of a path; with any other no call can be made."""
    return value not in (".", "..") and not _UNSPEAKABLE.search(value)


def _in_path(value: str) -> str:
    if not can_stand_in_path(value):
        raise ValueError("an id has to stand in a path")
    return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=255)]
PathIdentifier = Annotated[Identifier, AfterValidator(_in_path)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
TaxRate = Annotated[Decimal | None, BeforeValidator(_rate)]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class Voucher(_Answer):
    """A voucher without its secrets. Pages: ``GET /vouchers``, ``GET /vouchers/{id}``."""

    id: PathIdentifier = Field(
        description="Unique; chosen by the merchant (up to 255 characters) or generated."
    )
    custom_id: str | None = Field(
        None, description="The other spelling of `id`, used by the error codes and the CSV import."
    )
    currency: Currency = Field(description="ISO 4217, upper case; every booking must be in it.")
    status: Identifier = Field(description="`active` or `inactive`; other values are possible.")
    amount: Amount | None = Field(None, description="Face value in units of `currency`; not the balance.")
    remaining_amount: Amount | None = Field(
        None, description="Balance in units of `currency`; only in `GET /vouchers/{id}` and in the list."
    )
    deletable: bool | None = Field(None, description="Only in the same two places as `remaining_amount`.")
    valid_until: Instant | None = Field(None, description="Computed on activation; null while inactive.")
    validity_value: int | None = Field(None, description="Length of validity in `validity_interval`.")
    validity_interval: str | None = Field(None, description="`days`, `weeks`, `months` or `years`.")
    type: str | None = Field(None, description="`digital` or `print`.")
    taxable: bool | None = Field(
        None, description="True: single-purpose, taxed when sold. The documentation contradicts itself."
    )
    tax_rate: TaxRate = Field(None, description="Percent; only needed where `taxable` is true.")
    client_id: str | None = Field(None, description="The client that created the voucher.")
    sku: str | None = Field(None, description="Up to 255 characters.")
    batch: str | None = Field(None, description="Campaign, up to 30 characters.")
    order_number: str | None = Field(None, description="The order with which the voucher was sold.")
    data: str | None = Field(None, description="Free text of the merchant, often JSON; never decoded here.")
    created_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")
    updated_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")

    @model_validator(mode="before")
    @classmethod
    def _either_spelling(cls, given: object) -> object:
        return _coalesce(given, id=("id", "custom_id"))


class CompleteVoucher(Unpicklable, Voucher):
    """A voucher with the secrets that are worth its balance. Page: ``GET /vouchers/{id}/complete``.

    ``code`` and ``pin`` are plain strings that ``repr`` and ``str`` leave out: hand them to the buyer, never
    to a log. It cannot be pickled.
    """

    code: str | None = Field(None, repr=False, description="What a customer types; up to 255 characters.")
    pin: str | None = Field(None, repr=False, description="Extra secret of printed vouchers; often absent.")


class Reservation(_Answer):
    """A hold on a voucher; lapses after 30 minutes or when a newer one replaces it.

    Page: ``POST /reservations``.
    """

    id: PathIdentifier = Field(description="What `charge` and `cancel_reservation` take.")
    voucher_id: PathIdentifier = Field(description="The only way from a code to the id of its voucher.")
    amount: Amount = Field(description="What is held, in units of the currency that was asked for.")
    valid_until: Instant | None = Field(None, description="End of the hold by the Voucher Cloud's clock.")
    voucher_taxable: bool | None = Field(None, description="As `Voucher.taxable`.")
    voucher_tax_rate: TaxRate = Field(None, description="As `Voucher.tax_rate`.")
    client_id: str | None = Field(None, description="The client that reserved.")
    created_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")
    updated_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")


class Charge(_Answer):
    """One booking on a voucher: a charge, a refund or a recharge.

    Pages: ``POST /reservations/{id}/charge``, ``POST /charges/{id}/refund``, ``POST /vouchers/recharge``,
    ``GET /vouchers/{id}/charges``.
    """

    id: PathIdentifier = Field(description="Of this booking; what `refund` and `get_voucher_charge` take.")
    type: Identifier = Field(description="`charge`, `refund` or `recharge`; it carries the sign.")
    amount: Amount = Field(description="Always positive, in units of the voucher's currency.")
    voucher_id: str | None = Field(None, description="The voucher that was booked on.")
    order_number: str | None = Field(None, description="As sent; a refund may show that of its charge.")
    client_id: str | None = Field(None, description="The client that booked it.")
    created_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")
    updated_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")


class ClientCredentials(Unpicklable, _Answer):
    """The credentials a connect PIN is exchanged for. Page: ``POST /clients/connect``.

    ``secret`` is a plain string that ``repr`` and ``str`` leave out; whether it can be read again is unknown.
    It cannot be pickled.
    """

    id: Identifier = Field(description="The OAuth `client_id`; answered under either name.")
    secret: Identifier = Field(repr=False, description="The OAuth `client_secret`; under either name.")
    client_group_id: str | None = Field(None, description="The group whose rights the client inherits.")
    name: str | None = Field(None, description="Up to 255 characters.")
    scopes: tuple[str, ...] | None = Field(
        None, strict=False, description="`can_use`, `can_manage`: an older model; not the OAuth scopes."
    )
    type: str | None = Field(None, description="Kind of client, such as `pos`.")
    connected_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")
    created_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")
    updated_at: Instant | None = Field(None, description="By the clock of the Voucher Cloud.")

    @model_validator(mode="before")
    @classmethod
    def _either_spelling(cls, given: object) -> object:
        return _coalesce(given, id=("client_id", "id"), secret=("client_secret", "secret"))


class PageMeta(_Answer):
    """Where a page stands in its list."""

    current_page: int = Field(ge=1)
    last_page: int = Field(ge=0)
    total: int | None = Field(None, ge=0)


class PageLinks(_Answer):
    """Read only for whether a next page exists: the documented links contradict each other."""

    next: str | None = None


class Envelope(_Answer):
    """One page of a list. Pages: ``GET /vouchers``, ``GET /vouchers/{id}/charges``."""

    data: list[object]
    meta: PageMeta | None = None
    links: PageLinks | None = None

    @model_validator(mode="after")
    def _says_whether_more_follows(self) -> Self:
        if self.meta is None and (self.links is None or "next" not in self.links.model_fields_set):
            raise ValueError("neither meta nor links: the list may be incomplete")
        return self


def _coalesce(given: object, **spellings: tuple[str, str]) -> object:
    if not isinstance(given, Mapping):
        return given
    found = dict(given)
    for name, (first, second) in spellings.items():
        found[name] = given.get(first) if given.get(first) is not None else given.get(second)
    return found
