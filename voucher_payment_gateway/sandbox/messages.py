"""Requests and answers without any HTTP library, with their parsing and serialisation."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from voucher_payment_gateway.sandbox.problems import ApiError, http_error

__all__ = [
    "MAX_BODY_BYTES",
    "Delivery",
    "Request",
    "Response",
    "document_response",
    "form_body",
    "json_body",
    "problem_response",
    "query_of",
    "segments_of",
]

MAX_BODY_BYTES = 1024 * 1024
"""In bytes: a request with more than this is answered with 413."""

MAX_DIGITS = 1000

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Delivery:
    """How an answer is sent; ``whole`` is the normal way, every other one is a fault.

    ``seconds`` is the wait before a ``whole`` answer, or between the bytes of a ``drip``.
    """

    how: Literal["whole", "drop", "reset", "hang", "refused", "drip", "truncated", "huge"] = "whole"
    seconds: float = 0.0


@dataclass(frozen=True)
class Request:
    """A request: ``target`` is path and query as sent, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    arrived_at: datetime | None = None
    """When it was received, for a request that is processed later."""

    @property
    def path(self) -> str:
        """The path as sent, percent-encoded, without the query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Response:
    """An answer; ``Content-Length`` is added when it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Delivery = field(default_factory=Delivery)


def document_response(status: int, document: Mapping[str, Any], *headers: tuple[str, str]) -> Response:
    """Return an answer with a JSON document, or without a body for status 204."""
    if status == HTTPStatus.NO_CONTENT:
        return Response(status)
    body = json.dumps(document).encode()
    return Response(
        status, body, (("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers)
    )


def problem_response(problem: ApiError, *headers: tuple[str, str]) -> Response:
    """Return the error document of a problem."""
    return document_response(problem.status, problem.document(), *problem.headers, *headers)


def segments_of(request: Request) -> tuple[str, ...]:
    """Return the decoded parts of the path; a part may hold an encoded slash. Raises ApiError 400."""
    return tuple(_decoded(part) for part in request.path.split("/")[1:])


def query_of(request: Request) -> dict[str, str]:
    """Return the query; the last of repeated names counts. Raises ApiError 400."""
    return _pairs(request.target.partition("?")[2])


def form_body(request: Request) -> dict[str, str]:
    """Return a form-encoded body. Raises ApiError 400."""
    try:
        return _pairs(request.body.decode("ascii"))
    except UnicodeDecodeError:
        raise http_error(HTTPStatus.BAD_REQUEST, "The body is not form-encoded.") from None


def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body, empty where there is no body. Raises ApiError 400 or 415."""
    if not request.body:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise http_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
    try:
        document = json.loads(request.body, parse_constant=_no_constant, parse_int=_integer)
        # A lone surrogate is a valid JSON string but cannot be encoded.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise http_error(HTTPStatus.BAD_REQUEST, "The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise http_error(HTTPStatus.BAD_REQUEST, "The body must be a JSON object.")
    return document


def _pairs(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {_decoded(name.replace("+", " ")): _decoded(value.replace("+", " ")) for name, _, value in pairs}


def _decoded(text: str) -> str:
    try:
        if not _BAD_PERCENT.search(text):
            return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        pass
    raise http_error(HTTPStatus.BAD_REQUEST, "The address or form is not valid percent-encoding.")


def _integer(digits: str) -> int:
    """Return the number; of one beyond all bounds, which Python does not read, the first digits: too large as well."""
    return int(digits[:MAX_DIGITS])


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")
