"""Every operation of the Voucher Cloud API 1.8, described once, without I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Literal, Required, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from pydantic import BaseModel

from voucher_payment_gateway import money
from voucher_payment_gateway.api import _bodies as bodies
from voucher_payment_gateway.api._bodies import Json, body
from voucher_payment_gateway.api._filters import Filters, Query, query_of
from voucher_payment_gateway.api._keywords import with_defaults
from voucher_payment_gateway.api.wire import (
    Charge,
    ClientCredentials,
    CompleteVoucher,
    Envelope,
    Reservation,
    Voucher,
    can_stand_in_path,
)
from voucher_payment_gateway.opaque import Opaque
from voucher_payment_gateway.rules.evidence import could_be_number

T = TypeVar("T")


def _anything(_: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One operation: its request, its response, and how the response is matched to the request."""

    name: str
    """Method and path template, free of ids: for logs and notes."""
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str = field(repr=False)
    answer: type[BaseModel] | None
    """The body of a 2xx; None where it has none."""
    scope: str
    """The right that the client group must have; empty where the reference names none."""
    query: Query = field(default=(), repr=False)
    body: Json | None = field(default=None, repr=False)
    matches: Callable[[T], bool] = field(default=_anything, repr=False)
    """Whether a well-formed response is the response to this call."""
    not_found_means_unusable: bool = False
    needs_token: bool = True
    ends_token: bool = False
    """Whether a success revokes the token that was sent."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The code and PIN that are sent: nothing of the response that repeats them may be kept."""
        return (
            tuple(str(self.body[name]) for name in ("code", "pin") if name in self.body) if self.body else ()
        )

    @property
    def is_safe(self) -> bool:
        """Whether the call changes nothing (RFC 9110), so that it may be retried after any failure."""
        return self.method == "GET"


def connect(pin: str) -> Call[ClientCredentials]:
    sent = body(bodies.Connect, pin=pin)
    path, answer = "/clients/connect", ClientCredentials
    return Call("POST /clients/connect", "POST", path, answer, "", body=sent, needs_token=False)


def disconnect() -> Call[None]:
    return Call("POST /clients/disconnect", "POST", "/clients/disconnect", None, "", ends_token=True)


class NewVoucher(TypedDict, total=False):
    """The arguments of ``create_voucher``; their limits stand in its body."""

    amount: Required[Decimal]
    currency: Required[str]
    id: str | None
    code: str | None
    pin: str | None
    sku: str | None
    batch: str | None
    validity_value: int | None
    validity_interval: Literal["days", "weeks", "months", "years"] | None
    type: str | None
    taxable: bool | None
    tax_rate: Decimal | None
    order_number: str | None
    data: str | None


def create_voucher(**arguments: Unpack[NewVoucher]) -> Call[CompleteVoucher]:
    given = with_defaults("create_voucher", NewVoucher, arguments)
    money_fields = _money(given["amount"], given["currency"], minimum=money.ZERO)
    id, rate = given["id"], given["tax_rate"]
    changed = {**money_fields, "custom_id": id, "tax_rate": None if rate is None else _rate(rate)}
    sent = body(bodies.CreateVoucher, **{**given, **changed})

    def matches(voucher: CompleteVoucher) -> bool:
        return (
            voucher.currency == money_fields["currency"]
            and voucher.amount in (None, Decimal(money_fields["amount"]))
            and (id is None or id in (voucher.id, voucher.custom_id))
            and voucher.code in (None, sent.get("code", voucher.code))
        )

    return Call("POST /vouchers", "POST", "/vouchers", CompleteVoucher, "manage", body=sent, matches=matches)


def list_vouchers(**filters: Unpack[Filters]) -> Call[Envelope]:
    query = query_of("list_vouchers", filters)
    return Call("GET /vouchers", "GET", "/vouchers", Envelope, "read-lists", query=query)


def get_voucher(id: str) -> Call[Voucher]:
    path = f"/vouchers/{segment(id, 'id')}"
    return Call("GET /vouchers/{id}", "GET", path, Voucher, "read", matches=_is_voucher(id))


def get_complete_voucher(id: str) -> Call[CompleteVoucher]:
    path, same = f"/vouchers/{segment(id, 'id')}/complete", _is_voucher(id)

    def matches(voucher: CompleteVoucher) -> bool:
        return same(voucher) and bool(voucher.code)

    return Call("GET /vouchers/{id}/complete", "GET", path, CompleteVoucher, "read-secrets", matches=matches)


def update_voucher(id: str, *, sku: str | None, batch: str | None) -> Call[Voucher]:
    path, same = f"/vouchers/{segment(id, 'id')}", _is_voucher(id)
    sent = body(bodies.UpdateVoucher, sku=sku, batch=batch)
    if not sent:
        raise ValueError("sku: give sku or batch")

    def matches(voucher: Voucher) -> bool:
        has_sku = voucher.sku in (None, sku or voucher.sku)
        return same(voucher) and has_sku and voucher.batch in (None, batch or voucher.batch)

    return Call("PATCH /vouchers/{id}", "PATCH", path, Voucher, "update", body=sent, matches=matches)


def set_voucher_status(id: str, status: str, comment: str) -> Call[Voucher]:
    path, same = f"/vouchers/{segment(id, 'id')}/status", _is_voucher(id)
    sent = body(bodies.SetStatus, status=status, comment=comment)

    def matches(voucher: Voucher) -> bool:
        return same(voucher) and voucher.status == status

    return Call("PATCH /vouchers/{id}/status", "PATCH", path, Voucher, "use", body=sent, matches=matches)


def delete_voucher(id: str, comment: str) -> Call[None]:
    path = f"/vouchers/{segment(id, 'id')}"
    sent = body(bodies.DeleteVoucher, comment=comment)
    return Call("DELETE /vouchers/{id}", "DELETE", path, None, "manage", body=sent)


def recharge_voucher(
    *, amount: Decimal, currency: str, order_number: str, code: str | None, id: str | None
) -> Call[Charge]:
    if (code is None) == (id is None):
        raise ValueError("code: give exactly one of code and id")
    fields = _money(amount, currency)
    sent = body(bodies.Recharge, **fields, order_number=order_number, code=code, id=id)

    def matches(booked: Charge) -> bool:
        return (
            booked.type == "recharge"
            and booked.amount == Decimal(fields["amount"])
            and (id is None or booked.voucher_id in (None, id))
            and _is_number(booked.order_number, order_number)
        )

    path = "/vouchers/recharge"
    return Call("POST /vouchers/recharge", "POST", path, Charge, "recharge", body=sent, matches=matches)


def list_voucher_charges(voucher_id: str, **filters: Unpack[Filters]) -> Call[Envelope]:
    path = f"/vouchers/{segment(voucher_id, 'voucher_id')}/charges"
    query = query_of("list_voucher_charges", filters)
    return Call("GET /vouchers/{id}/charges", "GET", path, Envelope, "read-lists", query=query)


def get_voucher_charge(id: str, charge_id: str) -> Call[Charge]:
    path = f"/vouchers/{segment(id, 'id')}/charges/{segment(charge_id, 'charge_id')}"

    def matches(booked: Charge) -> bool:
        return booked.id == charge_id and booked.voucher_id in (None, id)

    return Call("GET /vouchers/{id}/charges/{charge_id}", "GET", path, Charge, "read", matches=matches)


def reserve(*, code: str, amount: Decimal, currency: str, pin: str) -> Call[Reservation]:
    fields = _money(amount, currency)
    sent = body(bodies.Reserve, code=code, **fields, pin=None if Opaque(pin) == Opaque() else pin)

    def matches(held: Reservation) -> bool:
        return held.amount == Decimal(fields["amount"])

    return Call(
        "POST /reservations",
        "POST",
        "/reservations",
        Reservation,
        "use",
        body=sent,
        matches=matches,
        not_found_means_unusable=True,
    )


def charge(reservation_id: str, order_number: str) -> Call[Charge]:
    path = f"/reservations/{segment(reservation_id, 'reservation_id')}/charge"
    sent = body(bodies.ChargeReservation, order_number=order_number)

    def matches(booked: Charge) -> bool:
        return booked.type == "charge" and _is_number(booked.order_number, order_number)

    return Call("POST /reservations/{id}/charge", "POST", path, Charge, "use", body=sent, matches=matches)


def refund(charge_id: str, amount: Decimal, currency: str) -> Call[Charge]:
    path = f"/charges/{segment(charge_id, 'charge_id')}/refund"
    sent = body(bodies.Refund, **(fields := _money(amount, currency)))

    def matches(booked: Charge) -> bool:
        return booked.type == "refund" and booked.amount == Decimal(fields["amount"])

    return Call("POST /charges/{id}/refund", "POST", path, Charge, "use", body=sent, matches=matches)


def cancel_reservation(reservation_id: str) -> Call[None]:
    path = f"/reservations/{segment(reservation_id, 'reservation_id')}"
    return Call("DELETE /reservations/{id}", "DELETE", path, None, "use")


def segment(value: str, name: str) -> str:
    """Return an id as one percent-encoded segment of a path, which cannot leave its folder."""
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        raise ValueError(f"{name}: must be a string of 1 to 255 characters")
    if not can_stand_in_path(value):
        raise ValueError(f"{name}: cannot stand in a path")
    return quote(value, safe="")


def _is_voucher(id: str) -> Callable[[Voucher], bool]:
    return lambda voucher: id in (voucher.id, voucher.custom_id)


def _is_number(given_back: str | None, sent: str) -> bool:
    """Return whether an order number is the one sent: it may be missing, trimmed or cut off, but not another one."""
    return given_back is None or could_be_number(given_back, sent)


def _money(amount: Decimal, currency: str, *, minimum: Decimal = money.CENT) -> dict[str, str]:
    said = money.wire(money.amount(amount, minimum=minimum), minimum=minimum)
    return {"amount": said, "currency": money.currency_code(currency)}


def _rate(rate: object) -> str:
    if isinstance(rate, Decimal) and rate.is_finite():
        return f"{rate:f}"
    if isinstance(rate, str):
        return rate
    raise ValueError("tax_rate: give a Decimal or a string, in percent")
