"""The request bodies. Refused here is only what cannot be sent in the documented form.

The API's own validation is not repeated; lengths and formats are those that the reference states.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from voucher_payment_gateway.opaque import Opaque

Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Data = Annotated[str, StringConstraints(max_length=1_000_000)]
OrderNumber = Annotated[str, StringConstraints(min_length=1)]
Money = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}\.[0-9]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Json = Mapping[str, object]


class Body(BaseModel):
    """The JSON body of one call."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    __str__ = __repr__


class Connect(Body):
    """``POST /clients/connect``."""

    pin: Text = Field(description="From the admin interface, valid for 30 minutes.")


class CreateVoucher(Body):
    """``POST /vouchers``: the page is partly unreadable; the limits come from the error codes."""

    amount: Money
    currency: Currency
    id: Text | None = Field(description="Chosen by the caller, unique; generated where it is left out.")
    custom_id: Text | None = Field(description="The same id: which key the call reads is not documented.")
    code: Text | None = Field(description="Unique; generated where it is left out.")
    pin: Text | None
    sku: Text | None
    batch: Annotated[str, StringConstraints(min_length=1, max_length=30)] | None
    validity_value: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        description="In `validity_interval`."
    )
    validity_interval: Literal["days", "weeks", "months", "years"] | None
    type: Text | None = Field(description="`digital` or `print`.")
    taxable: bool | None
    tax_rate: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] | None = Field(
        description="Percent."
    )
    order_number: OrderNumber | None
    data: Data | None = Field(description="Text of the merchant, often JSON.")


class UpdateVoucher(Body):
    """``PATCH /vouchers/{id}``: only these two, and only while the voucher is inactive."""

    sku: Text | None
    batch: Annotated[str, StringConstraints(min_length=1, max_length=30)] | None


class SetStatus(Body):
    """``PATCH /vouchers/{id}/status``."""

    status: Literal["active", "inactive"]
    comment: Text


class DeleteVoucher(Body):
    """``DELETE /vouchers/{id}``: a body on DELETE, as documented."""

    comment: Text


class Recharge(Body):
    """``POST /vouchers/recharge``: the voucher is named by its code or by its id."""

    amount: Money
    currency: Currency
    order_number: OrderNumber
    code: Text | None
    id: Text | None


class Reserve(Body):
    """``POST /reservations``."""

    code: Text
    amount: Money
    currency: Currency
    pin: Text | None


class ChargeReservation(Body):
    """``POST /reservations/{id}/charge``: no amount, the whole reservation is charged."""

    order_number: OrderNumber


class Refund(Body):
    """``POST /charges/{id}/refund``: no reference, two equal refunds look alike."""

    amount: Money
    currency: Currency


def body(model: type[Body], **values: object) -> Json:
    """Return the body as JSON values without the fields left out. Raises ValueError naming the argument."""
    try:
        return model(**{name: _text(value) for name, value in values.items()}).model_dump(
            mode="json", exclude_none=True
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = first["loc"][0] if first["loc"] else "arguments"
    raise ValueError(f"{field}: {first['msg']}")


def _text(value: object) -> object:
    return value.reveal() if isinstance(value, Opaque) else value
