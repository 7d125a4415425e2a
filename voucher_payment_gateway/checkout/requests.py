"""Reading a request: a form, or a JSON document with the same field names."""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.core.exceptions import BadRequest, ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.datastructures import MultiValueDict
from django.utils.module_loading import import_string

from voucher_payment_gateway.checkout.withholding import withhold
from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.idempotency import check_key
from voucher_payment_gateway.opaque import strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = [
    "FRAGMENT_HEADER",
    "UNREADABLE",
    "brings_own_token",
    "checkout_order",
    "entered",
    "fields_of",
    "is_readable",
    "key_of",
    "sent_json",
    "take_input",
    "unknown_scheme",
    "wants_fragment",
    "wants_json",
]

JSON = "application/json"
UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)
"""Raised by Django for a body that is invalid, too large, or truncated."""
SECRET_FIELDS = ("code", "pin")
FIELDS = (*SECRET_FIELDS, "payment", "key", "next")
"""Every field that an endpoint reads."""

KEY_HEADER = "Idempotency-Key"
VISITORS = "checkout:"
"""The beginning of every key that a visitor has chosen."""

FRAGMENT_HEADER = "Voucher-Fragment"
"""In a request: respond with the block alone, not with a redirect. In a response: this is the block."""

OWN_TOKEN_SCHEMES = {"bearer", "dpop", "jwt", "token"}
"""Schemes of ``Authorization`` that no browser adds by itself. Basic, Digest, Negotiate and NTLM it adds even to a form
of another site, and an unknown scheme may be of that kind."""
BROWSER_SCHEMES = {"basic", "digest", "negotiate", "ntlm"}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,19}")
"""A name and no token that a client has sent without its scheme: the name is logged."""


def checkout_order(request: HttpRequest) -> Any:
    """Return the order that this visitor may pay, or None: from the shop's ``CHECKOUT_ORDER``, never from the input."""
    path = gateway_settings().CHECKOUT_ORDER
    if not path:
        raise ImproperlyConfigured(f'{NAME}: CHECKOUT_ORDER must name a callable, "shop.checkout.order".')
    return import_string(path)(request)


def brings_own_token(request: HttpRequest) -> bool:
    """Return whether the request cannot be forged by another site: it has a token that no browser adds, and no cookie.

    With a cookie, a proxy may have made the token from its own login cookie.
    """
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    return scheme in OWN_TOKEN_SCHEMES and not request.headers.get("Cookie")


def unknown_scheme(request: HttpRequest) -> str:
    """Return the scheme of ``Authorization`` where a client without cookies names one that is neither accepted nor one
    that browsers add by themselves; else an empty text. Never its credentials."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if not SCHEME.fullmatch(scheme) or not credentials or request.headers.get("Cookie"):
        return ""
    return "" if scheme.lower() in OWN_TOKEN_SCHEMES | BROWSER_SCHEMES else scheme


def sent_json(request: HttpRequest) -> bool:
    """Return whether the body is a JSON document."""
    kind = str(request.content_type)
    return kind == JSON or (kind.startswith("application/") and kind.endswith("+json"))


def wants_json(request: HttpRequest) -> bool:
    """Return whether to respond with JSON: the ``Accept`` header asks for it, or the body is JSON."""
    return sent_json(request) or request.get_preferred_type(["text/html", JSON]) == JSON


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether to respond with the block alone."""
    return FRAGMENT_HEADER in request.headers


def take_input(request: HttpRequest) -> None:
    """Read the body, and take code and PIN out of the request: from here on no error report finds them there.

    ``fields_of`` and ``entered`` return what was read.
    """
    taken: Any = request
    taken.voucher_input = _read(request)
    taken._files = MultiValueDict()  # a file may be named after a field
    secret = taken.voucher_input[1] if taken.voucher_input else Secret("")
    withhold(request, secret, names=SECRET_FIELDS)


def is_readable(request: HttpRequest) -> bool:
    """Return whether the body could be read."""
    return getattr(request, "voucher_input", None) is not None


def fields_of(request: HttpRequest) -> Mapping[str, str]:
    """Return the fields of the body without code and PIN. Raises BadRequest for a body that cannot be read, and for
    JSON that is no object, or whose known fields are anything but texts, whole numbers and null."""
    if not is_readable(request):
        raise BadRequest("The body cannot be read.")
    fields: Mapping[str, str] = request.voucher_input[0]  # type: ignore[attr-defined]
    return fields


def entered(request: HttpRequest) -> Secret:
    """Return the code and the PIN that the visitor entered, empty where there is none."""
    secret: Secret = request.voucher_input[1]  # type: ignore[attr-defined]
    return secret


@strip_traceback
def _read(request: HttpRequest) -> tuple[dict[str, str], Secret] | None:
    """Return the fields of the body, and code and PIN; None where it cannot be read."""
    try:
        fields = _fields_of_json(request) if sent_json(request) else _fields_of_form(request)
    except (*UNREADABLE, RawPostDataException, ValueError, RecursionError):
        _discard(request)
        return None
    code, pin = (fields.pop(name, "") for name in SECRET_FIELDS)
    return fields, Secret(code, pin)


def _fields_of_form(request: HttpRequest) -> dict[str, str]:
    fields: dict[str, str] = request.POST.dict()
    if request.content_type != "multipart/form-data":
        _ = request.body  # so that no other code reads it from the socket later
    return fields


def _fields_of_json(request: HttpRequest) -> dict[str, str]:
    """Return the known fields. Null is the same as absent, and other fields are ignored."""
    document = json.loads(request.body, parse_int=str)  # of any length, as a text may be
    if not isinstance(document, dict):
        raise BadRequest
    known = {name: document[name] for name in FIELDS if document.get(name) is not None}
    if not all(isinstance(value, str) for value in known.values()):
        raise BadRequest
    return known


def _discard(request: Any) -> None:
    """Leave nothing of a body that cannot be read."""
    request._post, request._body, request._stream = QueryDict(), b"", BytesIO()
    request._read_started = True


def key_of(request: HttpRequest, fields: Mapping[str, str]) -> str:
    """Return the idempotency key of the request: the header ``Idempotency-Key``, with or without the quotes that its
    draft asks for, or the field ``key``. Empty where there is neither. Raises BadRequest for one that is malformed.

    It is marked as the visitor's, so that it never meets a key of the shop's own.
    """
    given = request.headers.get(KEY_HEADER) or fields.get("key", "")
    key = given.removeprefix('"').removesuffix('"')
    if not key:
        return ""
    try:
        check_key(VISITORS + key)
    except PaymentStateError:
        raise BadRequest("The idempotency key is malformed.") from None
    return VISITORS + key
