"""Clients, their connect PINs and their access tokens."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.problems import ApiError
from voucher_payment_gateway.sandbox.records import Client, Pin, Token
from voucher_payment_gateway.sandbox.store import Books, fresh_id, fresh_word

__all__ = [
    "LOCAL_CLIENT_ID",
    "LOCAL_CLIENT_SECRET",
    "PIN_LIFE",
    "SCOPES",
    "OAuthError",
    "add_client",
    "client_of_token",
    "connect",
    "disconnect",
    "ensure_local_client",
    "grant_token",
    "issue_pin",
]

LOCAL_CLIENT_ID = "local-shop"
LOCAL_CLIENT_SECRET = "local-shop-secret"  # noqa: S105  known to everybody, opens nothing but the local cloud
LOCAL_GROUP_ID = "local-group"
SCOPES = ("read", "read-lists", "read-secrets", "use", "manage", "update", "recharge")
PIN_LIFE = timedelta(minutes=30)
"""Documented: guide, step 2."""


class OAuthError(Exception):
    """An error of the token endpoint, in the shape of RFC 6749."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description


def ensure_local_client(books: Books) -> None:
    """Have the client with the well-known credentials there, with all scopes; connected, if it was not."""
    client = books.state.clients.get(LOCAL_CLIENT_ID)
    if client is None:
        books.state.clients[LOCAL_CLIENT_ID] = Client(
            LOCAL_CLIENT_ID,
            LOCAL_CLIENT_SECRET,
            "Local shop",
            LOCAL_GROUP_ID,
            list(SCOPES),
            "shop",
            books.now(),
        )
        books.touch()
    elif client.secret != LOCAL_CLIENT_SECRET:
        client.secret = LOCAL_CLIENT_SECRET
        books.touch()


def add_client(books: Books, scopes: Iterable[str], name: str, group_id: str, kind: str) -> Client:
    """Add a client with these scopes; an unknown scope raises ValueError."""
    wanted = list(scopes)
    if unknown := set(wanted) - set(SCOPES):
        raise ValueError(f"There is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}.")
    client = Client(fresh_id(), secrets.token_hex(20), name, group_id, wanted, kind, books.now())
    books.state.clients[client.id] = client
    books.touch()
    return client


def issue_pin(books: Books, client_id: str) -> Pin:
    """Issue a PIN that connects this client once within 30 minutes. Raises KeyError for an unknown client."""
    client = books.state.clients[client_id]
    pin = Pin(fresh_word(6), client.id, books.now() + PIN_LIFE)
    books.state.pins[pin.pin] = pin
    books.touch()
    return pin


def connect(books: Books, body: Mapping[str, Any]) -> Client:
    """Exchange a PIN for the client's credentials. ``POST /clients/connect``."""
    fields = Fields("CLIENT.CONNECT", body)
    given = fields.text("pin", required=True)
    fields.done()
    pin = books.state.pins.get(given)
    if pin is None or pin.used_at is not None or books.now() >= pin.valid_until:
        raise books.refuse("CLIENT", "connect_pin")
    client = books.state.clients[pin.client_id]
    pin.used_at = client.connected_at = books.now()
    if client.id == LOCAL_CLIENT_ID:
        client.secret = LOCAL_CLIENT_SECRET  # well known, also after a disconnect
    elif books.behaviour.connect_rotates_secret:
        client.secret = secrets.token_hex(20)
    books.touch()
    return client


def disconnect(books: Books, client: Client) -> None:
    """Reset a client's credentials: its secret and all its tokens are invalid. ``POST /clients/disconnect``.

    A new PIN connects it again. Documented: reference page of the call.
    """
    client.secret, client.connected_at = secrets.token_hex(20), None
    _remove_tokens(books, [token for token in books.state.tokens.values() if token.client_id == client.id])
    books.touch()


def grant_token(books: Books, form: Mapping[str, str], life_seconds: int) -> dict[str, Any]:
    """Answer a token request (client credentials). ``POST /oauth/token``, at the host's root."""
    if form.get("grant_type") != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type", "The grant type must be client_credentials.")
    if len(form.get("client_type", "")) > 32:
        raise OAuthError(400, "invalid_request", "The client_type may not be greater than 32 characters.")
    client = books.state.clients.get(form.get("client_id", ""))
    given = form.get("client_secret", "").encode()
    if client is None or not secrets.compare_digest(client.secret.encode(), given):
        raise OAuthError(401, "invalid_client", "Client authentication failed.")
    wanted = form.get("scope", "").split() or client.scopes
    if set(wanted) - set(client.scopes):
        raise OAuthError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    now = books.now()
    _remove_tokens(books, [token for token in books.state.tokens.values() if now >= token.valid_until])
    token = Token(secrets.token_urlsafe(48), client.id, list(wanted), now + timedelta(seconds=life_seconds))
    books.state.tokens[token.value] = token
    books.touch()
    return {"token_type": "Bearer", "expires_in": life_seconds, "access_token": token.value}


def client_of_token(books: Books, header: str, unauthenticated: ApiError) -> tuple[Client, frozenset[str]]:
    """Return the client that an Authorization header speaks for, and its scopes at this moment."""
    scheme, _, value = header.partition(" ")
    token = books.state.tokens.get(value.strip())
    if scheme.lower() != "bearer" or token is None or books.now() >= token.valid_until:
        raise unauthenticated
    client = books.state.clients.get(token.client_id)
    if client is None:
        raise unauthenticated
    return client, frozenset(token.scopes) & frozenset(client.scopes)


def _remove_tokens(books: Books, tokens: Iterable[Token]) -> None:
    for token in tokens:
        del books.state.tokens[token.value]
