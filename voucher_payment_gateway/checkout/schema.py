"""The JSON document of the checkout endpoints, for storefronts that draw their own pages.

Amounts are strings with two decimal places, instants are ISO 8601 in UTC. ``docs/reference/checkout.schema.json`` is
generated from these models.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from voucher_payment_gateway.checkout.block import Outcome
from voucher_payment_gateway.checkout.problems import PROBLEMS, Problem
from voucher_payment_gateway.checkout.summary import Balance, Summary, VoucherLine

__all__ = ["CheckoutDocument", "document_of"]

Amount = Annotated[str, Field(pattern=r"^\d+\.\d\d$", examples=["20.50"])]
State = Literal[
    "selected", "held", "agreed", "run_out", "lapsed", "failed", "checking", "captured", "refunded"
]


class Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VoucherDocument(Document):
    """One gift voucher on the order."""

    payment: int = Field(description="The value of this field for `remove`.")
    hint: str = Field(max_length=4, description="The last characters of the code.")
    state: State = Field(description="Its state.")
    amount: Amount = Field(description="The amount held, agreed, or charged.")
    held_until: datetime | None = Field(description="When the reservation ends; null if it is not held.")
    removable: bool = Field(description="Whether the visitor may remove it.")
    left: Amount | None = Field(
        None,
        description="What is left on it after this order, at least; null or absent if that is not known.",
    )
    valid_until: datetime | None = Field(
        None,
        description="Until when the gift voucher is valid; null or absent if it has no end or is not known.",
    )


class OrderDocument(Document):
    """The order and the amounts that its gift vouchers cover."""

    number: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    total: Amount
    covered: Amount = Field(description="The amount that gift vouchers hold, or were charged.")
    due: Amount = Field(description="The amount for another payment method.")
    payable: Amount | None = Field(
        None,
        description="The part of `due` that gift vouchers may pay; absent where that is all of it. The rest is for "
        "gift vouchers that the order sells.",
    )
    overheld: Amount = Field(
        description="The amount held beyond what gift vouchers are to pay, after the order became smaller."
    )
    vouchers: list[VoucherDocument] = Field(description="Oldest first.")


class ErrorDocument(Document):
    """Why the request was not carried out."""

    code: str = Field(json_schema_extra={"enum": list(PROBLEMS)}, description="Stable, for programs.")
    message: str = Field(description="For people, in the visitor's language.")
    field: Literal["code", "payment"] | None = Field(description="The input field at fault, if there is one.")


class CheckoutDocument(Document):
    """Every response of `apply`, `remove`, `renew` and `state`."""

    order: OrderDocument | None = Field(description="Null if the visitor has no order to pay.")
    message: str | None = Field(description="What was done, in the visitor's language.")
    error: ErrorDocument | None
    csrf_token: str = Field(
        description="For the header `X-CSRFToken` of the next POST; empty if none is needed."
    )


def document_of(outcome: Outcome, summary: Summary | None, csrf_token: str) -> CheckoutDocument:
    """Return the document for ``outcome`` and the figures of its order."""
    return CheckoutDocument(
        order=None if summary is None else _order(summary),
        message=outcome.message or None,
        error=_error(outcome.problem),
        csrf_token=csrf_token,
    )


def _order(summary: Summary) -> OrderDocument:
    return OrderDocument(
        number=summary.number,
        currency=summary.currency,
        total=f"{summary.total:.2f}",
        covered=f"{summary.covered:.2f}",
        due=f"{summary.due:.2f}",
        overheld=f"{summary.overheld:.2f}",
        **({"payable": f"{summary.payable:.2f}"} if summary.sold else {}),
        vouchers=[_voucher(line) for line in summary.lines],
    )


def _voucher(line: VoucherLine) -> VoucherDocument:
    state: Any = line.state
    return VoucherDocument(
        payment=line.payment.pk,
        hint=line.payment.code_hint,
        state=state,
        amount=f"{line.amount:.2f}",
        held_until=line.payment.reserved_until if line.state == "held" else None,
        removable=line.removable,
        **({} if line.balance is None else _balance(line.balance)),
    )


def _balance(balance: Balance) -> dict[str, Any]:
    left = None if balance.left is None else f"{balance.left:.2f}"
    return {"left": left, "valid_until": balance.valid_until}


def _error(problem: Problem | None) -> ErrorDocument | None:
    if problem is None:
        return None
    field: Any = problem.field or None
    return ErrorDocument(code=problem.code, message=problem.message, field=field)
