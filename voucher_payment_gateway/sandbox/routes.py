"""The operations of the API: method, path, scopes and what each does (API 1.8).

Which scope an operation needs is inferred from the scopes' texts: the operation pages do not say it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voucher_payment_gateway.sandbox import charges, clients, reservations, vouchers
from voucher_payment_gateway.sandbox.documents import (
    booking_document,
    client_document,
    reservation_document,
    voucher_document,
)
from voucher_payment_gateway.sandbox.records import Client
from voucher_payment_gateway.sandbox.store import Books

__all__ = ["API_PREFIX", "ROUTES", "Call", "Route", "is_served"]

API_PREFIX = "/v1"

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """One authenticated call with everything that its request said."""

    books: Books
    client: Client
    ids: Mapping[str, str]
    body: Mapping[str, Any]
    query: Mapping[str, str]
    url: str
    """The full address without the query: the base of a list's links."""
    arrived_at: datetime | None = None

    @property
    def created(self) -> int:
        """The status of a successful POST."""
        return self.books.behaviour.post_status


@dataclass(frozen=True)
class Route:
    """An operation: ``path`` below /v1 with ``{names}``; ``answer`` does it."""

    method: str
    path: str
    name: str
    title: str
    answer: Callable[[Call], Answer]
    scopes: tuple[str, ...] = ()
    is_public: bool = False
    segments: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(f"{API_PREFIX}{self.path}".split("/")[1:]))

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the ids in a path of this shape, or None."""
        if len(segments) != len(self.segments):
            return None
        ids = {}
        for shape, given in zip(self.segments, segments, strict=True):
            if shape.startswith("{") and given:
                ids[shape[1:-1]] = given
            elif shape != given:
                return None
        return ids


def _connect(call: Call) -> Answer:
    return call.created, client_document(call.books, clients.connect(call.books, call.body))


def _disconnect(call: Call) -> Answer:
    clients.disconnect(call.books, call.client)
    return 204, {}


def _create(call: Call) -> Answer:
    voucher = vouchers.create(call.books, call.client.id, call.body)
    return call.created, voucher_document(call.books, voucher, code=True, pin=True)


def _list_vouchers(call: Call) -> Answer:
    return 200, vouchers.list_page(call.books, call.query, call.url)


def _get(call: Call) -> Answer:
    return 200, voucher_document(call.books, call.books.voucher(call.ids["id"]), balance=True)


def _get_complete(call: Call) -> Answer:
    return 200, voucher_document(call.books, call.books.voucher(call.ids["id"]), code=True, pin=True)


def _update(call: Call) -> Answer:
    return 200, voucher_document(call.books, vouchers.update(call.books, call.ids["id"], call.body))


def _set_status(call: Call) -> Answer:
    return 200, voucher_document(call.books, vouchers.set_status(call.books, call.ids["id"], call.body))


def _delete(call: Call) -> Answer:
    vouchers.delete(call.books, call.ids["id"], call.body)
    return 204, {}


def _recharge(call: Call) -> Answer:
    return call.created, booking_document(call.books, charges.recharge(call.books, call.client, call.body))


def _list_charges(call: Call) -> Answer:
    return 200, charges.list_page(call.books, call.ids["id"], call.query, call.url)


def _get_charge(call: Call) -> Answer:
    return 200, booking_document(call.books, charges.read(call.books, call.ids["id"], call.ids["charge_id"]))


def _reserve(call: Call) -> Answer:
    reservation = reservations.reserve(call.books, call.client, call.body)
    return call.created, reservation_document(call.books, reservation)


def _charge(call: Call) -> Answer:
    booking = reservations.charge(call.books, call.client, call.ids["id"], call.body, call.arrived_at)
    return call.created, booking_document(call.books, booking)


def _refund(call: Call) -> Answer:
    booking = charges.refund(call.books, call.client, call.ids["id"], call.body)
    return call.created, booking_document(call.books, booking)


def _cancel(call: Call) -> Answer:
    reservations.cancel(call.books, call.client, call.ids["id"])
    return 204, {}


ROUTES: tuple[Route, ...] = (
    Route("POST", "/clients/connect", "connect", "Connects a client", _connect, is_public=True),
    Route("POST", "/clients/disconnect", "disconnect", "Disconnects a client", _disconnect),
    Route("POST", "/vouchers", "create", "Create a new voucher", _create, ("manage",)),
    Route("GET", "/vouchers", "listVouchers", "Get a list of vouchers", _list_vouchers, ("read-lists",)),
    Route("POST", "/vouchers/recharge", "recharge", "Recharge a voucher", _recharge, ("recharge",)),
    Route("GET", "/vouchers/{id}", "getVoucher", "Get a voucher", _get, ("read",)),
    Route("PATCH", "/vouchers/{id}", "updateVoucher", "Update a voucher", _update, ("update",)),
    Route("DELETE", "/vouchers/{id}", "deleteVoucher", "Delete a voucher", _delete, ("manage",)),
    Route(
        "GET",
        "/vouchers/{id}/complete",
        "getCompleteVoucher",
        "Get a complete voucher",
        _get_complete,
        ("read", "read-secrets"),
    ),
    Route(
        "PATCH", "/vouchers/{id}/status", "setStatus", "Set the status for a voucher", _set_status, ("use",)
    ),
    Route(
        "GET",
        "/vouchers/{id}/charges",
        "listCharges",
        "Get a list of voucher charges",
        _list_charges,
        ("read-lists",),
    ),
    Route(
        "GET",
        "/vouchers/{id}/charges/{charge_id}",
        "getCharge",
        "Get a charge of a voucher",
        _get_charge,
        ("read",),
    ),
    Route(
        "POST", "/reservations", "reserve", "Set the reservation for a specific voucher", _reserve, ("use",)
    ),
    Route(
        "POST",
        "/reservations/{id}/charge",
        "charge",
        "Charge a specific voucher reservation",
        _charge,
        ("use",),
    ),
    Route("DELETE", "/reservations/{id}", "cancelReservation", "Cancel a reservation", _cancel, ("use",)),
    Route("POST", "/charges/{id}/refund", "refund", "Refund a specific voucher charge", _refund, ("use",)),
)


def is_served(route: Route, books: Books) -> bool:
    """Say whether the behaviour has this operation: only cancelling a reservation may be missing."""
    return route.name != "cancelReservation" or books.behaviour.cancel_reservation == "works"
