"""The operations of the API: method, path, scopes and handler (API 1.8).

The scope of an operation is inferred from the scopes' texts: the operation pages do not name it.
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
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["API_PREFIX", "ROUTES", "Call", "Route", "is_served"]

API_PREFIX = "/v1"

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """One authenticated call with the contents of its request."""

    store: Store
    client: Client
    ids: Mapping[str, str]
    body: Mapping[str, Any]
    query: Mapping[str, str]
    url: str
    """The full address without the query: the base of a list's links."""
    arrived_at: datetime | None = None

    @property
    def post_status(self) -> int:
        """The status of a successful POST."""
        return self.store.behaviour.post_status


@dataclass(frozen=True)
class Route:
    """An operation: ``path`` below /v1 with ``{names}``; ``answer`` is its handler."""

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
        """Return the ids in a path that matches, or None."""
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
    return call.post_status, client_document(call.store, clients.connect(call.store, call.body))


def _disconnect(call: Call) -> Answer:
    clients.disconnect(call.store, call.client)
    return 204, {}


def _create(call: Call) -> Answer:
    voucher = vouchers.create(call.store, call.client.id, call.body)
    return call.post_status, voucher_document(call.store, voucher, code=True, pin=True)


def _list_vouchers(call: Call) -> Answer:
    return 200, vouchers.list_page(call.store, call.query, call.url)


def _get(call: Call) -> Answer:
    return 200, voucher_document(call.store, call.store.voucher(call.ids["id"]), balance=True)


def _get_complete(call: Call) -> Answer:
    return 200, voucher_document(call.store, call.store.voucher(call.ids["id"]), code=True, pin=True)


def _update(call: Call) -> Answer:
    return 200, voucher_document(call.store, vouchers.update(call.store, call.ids["id"], call.body))


def _set_status(call: Call) -> Answer:
    return 200, voucher_document(call.store, vouchers.set_status(call.store, call.ids["id"], call.body))


def _delete(call: Call) -> Answer:
    vouchers.delete(call.store, call.ids["id"], call.body)
    return 204, {}


def _recharge(call: Call) -> Answer:
    return call.post_status, booking_document(
        call.store, charges.recharge(call.store, call.client, call.body)
    )


def _list_charges(call: Call) -> Answer:
    return 200, charges.list_page(call.store, call.ids["id"], call.query, call.url)


def _get_charge(call: Call) -> Answer:
    return 200, booking_document(call.store, charges.read(call.store, call.ids["id"], call.ids["charge_id"]))


def _reserve(call: Call) -> Answer:
    reservation = reservations.reserve(call.store, call.client, call.body)
    return call.post_status, reservation_document(call.store, reservation)


def _charge(call: Call) -> Answer:
    booking = reservations.charge(call.store, call.client, call.ids["id"], call.body, call.arrived_at)
    return call.post_status, booking_document(call.store, booking)


def _refund(call: Call) -> Answer:
    booking = charges.refund(call.store, call.client, call.ids["id"], call.body)
    return call.post_status, booking_document(call.store, booking)


def _cancel(call: Call) -> Answer:
    reservations.cancel(call.store, call.client, call.ids["id"])
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


def is_served(route: Route, store: Store) -> bool:
    """Return whether the behaviour has this operation: only cancelling a reservation may be missing."""
    return route.name != "cancelReservation" or store.behaviour.cancel_reservation == "works"
