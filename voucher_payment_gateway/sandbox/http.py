"""Handle a request of the API: routing, authentication, scopes, bodies and errors, without any HTTP library."""

import base64
import binascii
from http import HTTPStatus

from voucher_payment_gateway.sandbox import clients
from voucher_payment_gateway.sandbox.messages import (
    MAX_BODY_BYTES,
    Request,
    Response,
    document_response,
    form_body,
    json_body,
    problem_response,
    query_of,
    segments_of,
)
from voucher_payment_gateway.sandbox.problems import ApiError, http_error, not_allowed
from voucher_payment_gateway.sandbox.records import Client
from voucher_payment_gateway.sandbox.routes import ROUTES, Call, Route, is_served
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["TOKEN_PATH", "handle"]

TOKEN_PATH = "/oauth/token"  # noqa: S105  a path
_CHALLENGE = ("WWW-Authenticate", "Bearer")


def handle(store: Store, request: Request, *, token_seconds: int) -> Response:
    """Process a request and return the answer; errors are answers too and are not raised."""
    try:
        if len(request.body) > MAX_BODY_BYTES:
            raise http_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        segments = segments_of(request)
        if request.path == TOKEN_PATH:
            return _token(store, request, token_seconds)
        with store.lock:
            route, ids = _find(store, request.method, segments)
        return _call(store, request, route, ids)
    except ApiError as problem:
        headers = [_CHALLENGE] if problem.status == HTTPStatus.UNAUTHORIZED else []
        return problem_response(problem, *headers)


def _call(store: Store, request: Request, route: Route, ids: dict[str, str]) -> Response:
    with store.lock:
        client = _client(store, request, route)
        query, body = query_of(request), {} if request.method == "GET" else json_body(request)
        host = request.headers.get("host", "localhost")
        url = f"http://{host}{request.path}"
        call = Call(store, client, ids, body, query, url, request.arrived_at)
        status, document = route.answer(call)
        return document_response(status, document)


def _find(store: Store, method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
    found = [(route, ids) for route in ROUTES if (ids := route.match(segments)) is not None]
    # OpenAPI prefers a literal path to a template: in /vouchers/recharge, "recharge" is no id.
    found = [(route, ids) for route, ids in found if not ids] or found
    served = [(route, ids) for route, ids in found if is_served(route, store)]
    for route, ids in served:
        if route.method == method:
            return route, ids
    if served or (found and store.behaviour.cancel_reservation == "not_allowed"):
        raise not_allowed([route.method for route, _ in served])
    raise http_error(HTTPStatus.NOT_FOUND)


def _client(store: Store, request: Request, route: Route) -> Client:
    if route.is_public:
        return store.state.clients[clients.LOCAL_CLIENT_ID]
    header = request.headers.get("authorization", "")
    client, granted = clients.client_of_token(
        store, header, http_error(HTTPStatus.UNAUTHORIZED, "Unauthenticated.")
    )
    if not granted.issuperset(route.scopes):
        raise http_error(HTTPStatus.FORBIDDEN, "Invalid scope(s) provided.")
    return client


def _token(store: Store, request: Request, token_seconds: int) -> Response:
    if request.method != "POST":
        raise not_allowed(["POST"])
    try:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise clients.OAuthError(400, "invalid_request", "The body must be form-encoded.")
        form = _basic_credentials(request) | form_body(request)
        with store.lock:
            return document_response(200, clients.grant_token(store, form, token_seconds))
    except ApiError as problem:
        error = clients.OAuthError(problem.status, "invalid_request", problem.message)
    except clients.OAuthError as refused:
        error = refused
    headers = [("WWW-Authenticate", "Basic")] if error.status == HTTPStatus.UNAUTHORIZED else []
    return document_response(
        error.status, {"error": error.error, "error_description": error.description}, *headers
    )


def _basic_credentials(request: Request) -> dict[str, str]:
    """Return the credentials of the header, which RFC 6749 2.3.1 allows as well as the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise clients.OAuthError(401, "invalid_client", "Client authentication failed.") from None
    return {"client_id": client_id, "client_secret": secret}
