"""Apply a fault to an answer."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Literal, get_args

from voucher_payment_gateway.sandbox.messages import (
    Delivery,
    Request,
    Response,
    document_response,
    problem_response,
)
from voucher_payment_gateway.sandbox.problems import http_error

__all__ = ["HUGE_BYTES", "KINDS", "Damage", "damaged"]

HUGE_BYTES = 64 * 1024 * 1024

_OnTheWire = Literal["drop", "reset", "hang", "refused", "truncated", "huge"]
KINDS = (*get_args(_OnTheWire), "slow", "drip", "garbage", "badgzip", "redirect", "other", "html", "")
"""The empty kind is a bare status with the API's error document."""

_PAGE = "<html><head><title>{0} {1}</title></head><body><h1>{0} {1}</h1><hr>proxy</body></html>"
_OTHER_VOUCHER = "0therv0uc4er8b7392ef5"
_GARBAGE = b'\x00\xff\xfe{"id": \x80\x81'


@dataclass(frozen=True)
class Damage:
    """The kind of a fault, with its status or value."""

    kind: str
    status: int = 0
    value: str = ""


def damaged(damage: Damage, request: Request, answer: Response | None, now: datetime) -> Response:
    """Return the answer the caller gets; ``answer`` is the correct one, None if the request was not processed."""
    right = answer or document_response(200, _another_orders(request, now))
    json_type = ("Content-Type", "application/json")
    match damage.kind:
        case "drop" | "reset" | "hang" | "refused" | "truncated" | "huge":
            return replace(right, delivery=Delivery(damage.kind))
        case "slow":
            return replace(right, delivery=Delivery("whole", float(damage.value)))
        case "drip":
            return replace(right, delivery=Delivery("drip", float(damage.value)))
        case "garbage":
            return Response(200, _GARBAGE, (json_type,))
        case "badgzip":
            return Response(200, _GARBAGE, (json_type, ("Content-Encoding", "gzip")))
        case "redirect":
            return Response(307, b"", (("Location", damage.value or "/v1/elsewhere"),))
        case "other":
            return document_response(right.status, _another_orders(request, now))
        case "html":
            page = _PAGE.format(damage.status, _phrase(damage.status))
            return Response(damage.status, page.encode(), (("Content-Type", "text/html"),))
        case _:
            return _error(damage, now)


def _error(damage: Damage, now: datetime) -> Response:
    headers = []
    if damage.status == HTTPStatus.TOO_MANY_REQUESTS and damage.value:
        in_an_hour = format_datetime(now + timedelta(hours=1), usegmt=True)
        headers.append(("Retry-After", in_an_hour if damage.value == "date" else damage.value))
    try:
        return problem_response(http_error(HTTPStatus(damage.status)), *headers)
    except ValueError:
        return document_response(
            damage.status, {"status": damage.status, "code": "", "message": ""}, *headers
        )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _another_orders(request: Request, now: datetime) -> dict[str, Any]:
    """Return a well-formed answer that belongs to another order."""
    at = now.isoformat(timespec="seconds")
    common = {
        "id": "0ther5eeb28b7392ef500",
        "client_id": "0therc11e4728b7392ef5",
        "amount": "13.37",
        "created_at": at,
        "updated_at": at,
    }
    if request.path.endswith("/reservations"):
        taxes = {"voucher_taxable": False, "voucher_tax_rate": None}
        return {**common, **taxes, "voucher_id": _OTHER_VOUCHER, "valid_until": at}
    if request.path.endswith(("/charge", "/refund", "/recharge")) or "/charges/" in request.path:
        kind = {"refund": "refund", "recharge": "recharge"}.get(request.path.rpartition("/")[2], "charge")
        return {
            **common,
            "voucher_id": _OTHER_VOUCHER,
            "type": kind,
            "order_number": "ANOTHER-ORDER",
        }
    if request.path.endswith(("/vouchers", "/charges")) and request.method == "GET":
        links = dict.fromkeys(("first", "last", "prev", "next"))
        meta = {"current_page": 1, "per_page": 25, "from": None, "to": None, "last_page": 1, "total": 0}
        return {"data": [], "links": links, "meta": meta}
    voucher = {"currency": "EUR", "status": "active", "remaining_amount": "13.37", "valid_until": None}
    return {**common, **voucher}
