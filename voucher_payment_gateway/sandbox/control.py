"""The page at ``/`` and the controls under ``/sandbox/``: for demos and tests, from this machine only."""

from collections.abc import Callable, Mapping
from datetime import UTC
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from voucher_payment_gateway.sandbox import charges
from voucher_payment_gateway.sandbox.clients import LOCAL_CLIENT_ID
from voucher_payment_gateway.sandbox.cloud import LocalVoucherCloud
from voucher_payment_gateway.sandbox.documents import (
    amount_text,
    booking_document,
    reservation_document,
    voucher_document,
)
from voucher_payment_gateway.sandbox.messages import (
    Request,
    Response,
    document_response,
    json_body,
    problem_response,
)
from voucher_payment_gateway.sandbox.openapi import description
from voucher_payment_gateway.sandbox.problems import ApiError, http_error, not_allowed
from voucher_payment_gateway.sandbox.records import Pin, Reservation, Voucher
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["respond"]

_PAGE = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/sandbox/page.css": ("page.css", "text/css; charset=utf-8"),
    "/sandbox/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/sandbox/icon.svg": ("icon.svg", "image/svg+xml"),
}
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_PAGE_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)


def respond(cloud: LocalVoucherCloud, request: Request) -> Response:
    """Return the response to a request of the server or the transport: for the page, a control or the API."""
    if not _is_control(request.path):
        return cloud.answer(request)
    cloud.clock.run_due()
    return _control(cloud, request)


def _is_control(path: str) -> bool:
    return path in ("/", "/openapi.json", "/favicon.ico") or path.startswith("/sandbox/")


def _control(cloud: LocalVoucherCloud, request: Request) -> Response:
    try:
        _check_origin(request)
        if request.method == "GET" and request.path in _PAGE:
            name, kind = _PAGE[request.path]
            body = files(__package__).joinpath("page", name).read_bytes()
            return Response(200, body, (("Content-Type", kind), *_PAGE_HEADERS))
        if request.method == "GET" and request.path == "/openapi.json":
            return document_response(200, description(cloud.store))
        if request.method == "GET" and request.path == "/sandbox/state":
            return document_response(200, _state(cloud))
        act = _CONTROLS.get(request.path)
        if act is None:
            raise http_error(HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            raise not_allowed(["POST"])
        return document_response(200, act(cloud, json_body(request)))
    except ApiError as problem:
        return problem_response(problem)


def _check_origin(request: Request) -> None:
    """Reject requests that do not come from this machine's own page and programs.

    Host reveals a foreign name that resolves to loopback (DNS rebinding), Origin a form or script of another
    site.
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    try:
        named = urlsplit(f"//{host}").hostname
    except ValueError:
        named = None
    if named not in _LOOPBACK_NAMES:
        raise http_error(HTTPStatus.FORBIDDEN, "The controls answer to loopback names only.")
    if origin is not None and origin != f"http://{host}":
        raise http_error(HTTPStatus.FORBIDDEN, "The controls answer to their own page only.")


def _move_clock(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    seconds = body.get("advance_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or abs(seconds) > 10**9:
        raise _wrong("advance_seconds must be a number of seconds, at most 10^9.")
    cloud.clock.advance(seconds)
    with cloud.changing():
        cloud.store.mark_changed()
    return {"now": cloud.clock.now().isoformat(timespec="seconds")}


def _add_voucher(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    status = body.get("status", "active")
    if status not in ("active", "inactive") or "valid_until" in body or "client_id" in body:
        raise _wrong("status must be active or inactive; valid_until and client_id cannot be set here.")
    texts = ("code", "amount", "currency", "pin", "id", "group_id")
    if not all(isinstance(body.get(name, ""), str) for name in texts):
        raise _wrong(f"{', '.join(texts)} must be strings.")
    with cloud.changing():
        added = cloud.add_voucher(**body)
        voucher = cloud.store.voucher(added.id)
        return voucher_document(cloud.store, voucher, balance=True, code=True, pin=True)


def _set_status(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    with cloud.changing():
        voucher = _voucher_named(cloud, body)
        cloud.set_status(voucher.id, body.get("status", ""))
        return voucher_document(cloud.store, voucher, balance=True, code=True, pin=True)


def _top_up(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    with cloud.changing():
        voucher, client = _voucher_named(cloud, body), cloud.store.state.clients[LOCAL_CLIENT_ID]
        fields = {"currency": voucher.currency, "order_number": "TOP-UP", **body}
        return booking_document(cloud.store, charges.recharge(cloud.store, client, fields))


def _voucher_named(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> Voucher:
    code = body.get("code")
    voucher = cloud.store.voucher_by_code(code) if isinstance(code, str) else None
    if voucher is None:
        raise http_error(HTTPStatus.NOT_FOUND, "There is no voucher with this code.")
    return voucher


def _issue_pin(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    client_id = body.get("client_id", LOCAL_CLIENT_ID)
    with cloud.changing():
        if not isinstance(client_id, str) or client_id not in cloud.store.state.clients:
            raise http_error(HTTPStatus.NOT_FOUND, "There is no such client.")
        pin = cloud.store.state.pins[cloud.issue_pin(client_id)]
        return {
            "pin": pin.pin,
            "client_id": client_id,
            "valid_until": pin.valid_until.isoformat(timespec="seconds"),
        }


def _add_client(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    if not all(isinstance(body.get(name, ""), str) for name in ("name", "group_id", "type")):
        raise _wrong("name, group_id and type must be strings.")
    try:
        client = cloud.add_client(**body)
    except (TypeError, ValueError) as error:
        raise _wrong(str(error)) from None
    return {"id": client.id, "secret": client.secret, "name": client.name, "scopes": list(client.scopes)}


def _add_fault(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    if not body:
        cloud.faults.clear()
        return {}
    try:
        cloud.faults.next(**body)
    except (TypeError, ValueError) as error:
        raise _wrong(str(error)) from None
    return dict(body)


def _land_late(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"landed": cloud.faults.land_late()}


def _set_behaviour(cloud: LocalVoucherCloud, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        cloud.behaviour = cloud.behaviour.but(**body)
    except ValidationError:
        raise _wrong("There is no such switch, or it has no such position.") from None
    return cloud.behaviour.model_dump()


_CONTROLS: dict[str, Callable[[LocalVoucherCloud, Mapping[str, Any]], dict[str, Any]]] = {
    "/sandbox/clock": _move_clock,
    "/sandbox/vouchers": _add_voucher,
    "/sandbox/vouchers/status": _set_status,
    "/sandbox/vouchers/top-up": _top_up,
    "/sandbox/pins": _issue_pin,
    "/sandbox/clients": _add_client,
    "/sandbox/faults": _add_fault,
    "/sandbox/faults/land": _land_late,
    "/sandbox/behaviour": _set_behaviour,
}


def _state(cloud: LocalVoucherCloud) -> dict[str, Any]:
    store = cloud.store
    with store.lock:
        state = store.state
        return {
            "now": store.now().astimezone(UTC).isoformat(timespec="seconds"),
            "behaviour": store.behaviour.model_dump(),
            "vouchers": [_voucher(store, each) for each in state.vouchers.values() if not each.deleted],
            "reservations": [
                {**reservation_document(store, each), "state": _reservation_state(cloud, each)}
                for each in state.reservations.values()
            ],
            "bookings": [booking_document(store, booking) for booking in state.bookings.values()],
            "clients": [
                {"id": client.id, "name": client.name, "type": client.type, "scopes": client.scopes}
                for client in state.clients.values()
            ],
            "pins": [_pin(store, each) for each in state.pins.values()],
        }


def _voucher(store: Store, voucher: Voucher) -> dict[str, Any]:
    document = voucher_document(store, voucher, balance=True, code=True, pin=True)
    return {**document, "held_amount": amount_text(store.held_cents(voucher))}


def _pin(store: Store, pin: Pin) -> dict[str, Any]:
    return {
        "pin": pin.pin,
        "client_id": pin.client_id,
        "valid_until": pin.valid_until.isoformat(timespec="seconds"),
        "usable": pin.used_at is None and store.now() < pin.valid_until,
    }


def _reservation_state(cloud: LocalVoucherCloud, reservation: Reservation) -> str:
    if reservation.charge_id:
        return "charged"
    if reservation.cancelled_at is not None:
        return "cancelled"
    if reservation.replaced_at is not None:
        return "replaced"
    return "open" if cloud.store.is_in_force(reservation, cloud.clock.now()) else "lapsed"


def _wrong(message: str) -> ApiError:
    return ApiError(422, "SANDBOX.INVALID", message)
