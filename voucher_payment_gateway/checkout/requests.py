"""What a visitor sent: a form, or a JSON document with the same names."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.module_loading import import_string

from voucher_payment_gateway.conf import NAME, gateway_settings

__all__ = [
    "FRAGMENT_HEADER",
    "UNREADABLE",
    "brings_own_token",
    "checkout_order",
    "fields_of",
    "sent_json",
    "wants_fragment",
    "wants_json",
]

JSON = "application/json"
UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError)
"""What comes of a body that is broken, too large, or cut off."""
FRAGMENT_HEADER = "Voucher-Fragment"
"""Asks for the block alone instead of a way back to the page, and says in an answer that it is one."""

OWN_TOKEN_SCHEMES = {"bearer", "dpop", "jwt", "token"}
"""What stands in ``Authorization`` because a program wrote it there. A browser adds Basic, Digest, Negotiate and NTLM
by itself, also to the form of another site; whatever is not known here may be such a scheme."""


def checkout_order(request: HttpRequest) -> Any:
    """Return the order that this visitor may pay, or None: the shop knows, the URL and the form never say."""
    path = gateway_settings().CHECKOUT_ORDER
    if not path:
        raise ImproperlyConfigured(f'{NAME}: CHECKOUT_ORDER must name a callable, "shop.checkout.order".')
    return import_string(path)(request)


def brings_own_token(request: HttpRequest) -> bool:
    """Whether no browser can have been led into sending this: a token that browsers never add, and no cookie at all.

    With any cookie it may be a proxy that turned the cookie of its own login into the token.
    """
    scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
    return scheme in OWN_TOKEN_SCHEMES and not request.headers.get("Cookie")


def sent_json(request: HttpRequest) -> bool:
    """Whether the body is a JSON document."""
    return request.content_type == JSON


def wants_json(request: HttpRequest) -> bool:
    """Whether the answer is to be a JSON document: asked for by ``Accept``, or the body was one."""
    return sent_json(request) or request.get_preferred_type(["text/html", JSON]) == JSON


def wants_fragment(request: HttpRequest) -> bool:
    """Whether the answer is to be the block alone."""
    return FRAGMENT_HEADER in request.headers


def fields_of(request: HttpRequest) -> Mapping[str, str]:
    """Return what was filled in. Raises BadRequest for JSON that is no object of texts and whole numbers."""
    if not sent_json(request):
        return request.POST.dict()
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(document, dict) or not all(map(_is_plain, document.values())):
        raise BadRequest("The body is not a JSON object of texts and whole numbers.")
    return {name: str(value) for name, value in document.items()}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
