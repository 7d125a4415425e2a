"""Reading a request: a form, or a JSON document with the same field names."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import NAME, gateway_settings
from voucher_payment_gateway.exceptions import PaymentStateError
from voucher_payment_gateway.gateway.records.idempotency import check_key

__all__ = [
    "FRAGMENT_HEADER",
    "UNREADABLE",
    "brings_own_token",
    "checkout_order",
    "fields_of",
    "key_of",
    "sent_json",
    "unknown_scheme",
    "wants_fragment",
    "wants_json",
]

JSON = "application/json"
UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)
"""Raised by Django for a body that is invalid, too large, or truncated."""
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
    return request.content_type == JSON


def wants_json(request: HttpRequest) -> bool:
    """Return whether to respond with JSON: the ``Accept`` header asks for it, or the body is JSON."""
    return sent_json(request) or request.get_preferred_type(["text/html", JSON]) == JSON


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether to respond with the block alone."""
    return FRAGMENT_HEADER in request.headers


def fields_of(request: HttpRequest) -> Mapping[str, str]:
    """Return the fields of the body. Raises BadRequest for JSON other than an object of strings and integers."""
    if not sent_json(request):
        return request.POST.dict()
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(document, dict) or not all(map(_is_plain, document.values())):
        raise BadRequest("The body is not a JSON object of texts and whole numbers.")
    return {name: str(value) for name, value in document.items()}


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


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
