"""Clients, their connect PINs and their access tokens."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from voucher_payment_gateway.sandbox.fields import Fields
from voucher_payment_gateway.sandbox.problems import ApiError
from voucher_payment_gateway.sandbox.records import Client, Pin, Token
from voucher_payment_gateway.sandbox.store import Store, fresh_id, fresh_word

__all__ = [
    "LOCAL_CLIENT_ID",
    "LOCAL_CLIENT_SECRET",
    "PIN_LIFETIME",
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
LOCAL_CLIENT_SECRET = "local-shop-secret"  # noqa: S105  public, valid for the local cloud only
LOCAL_GROUP_ID = "local-group"
SCOPES = ("read", "read-lists", "read-secrets", "use", "manage", "update", "recharge")
PIN_LIFETIME = timedelta(minutes=30)
"""Documented: guide, step 2."""


class OAuthError(Exception):
    """An error of the token endpoint, in the shape of RFC 6749."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description


def ensure_local_client(store: Store) -> None:
    """Ensure that the client with the well-known credentials exists, and that its secret is valid."""
    client = store.state.clients.get(LOCAL_CLIENT_ID)
    if client is None:
        store.state.clients[LOCAL_CLIENT_ID] = Client(
            LOCAL_CLIENT_ID,
            LOCAL_CLIENT_SECRET,
            "Local shop",
            LOCAL_GROUP_ID,
            list(SCOPES),
            "shop",
            store.now(),
        )
        store.mark_changed()
    elif client.secret != LOCAL_CLIENT_SECRET:
        client.secret = LOCAL_CLIENT_SECRET
        store.mark_changed()


def add_client(store: Store, scopes: Iterable[str], name: str, group_id: str, kind: str) -> Client:
    """Add a client with these scopes; an unknown scope raises ValueError."""
    wanted = list(scopes)
    if unknown := set(wanted) - set(SCOPES):
        raise ValueError(f"There is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}.")
    client = Client(fresh_id(), secrets.token_hex(20), name, group_id, wanted, kind, store.now())
    store.state.clients[client.id] = client
    store.mark_changed()
    return client


def issue_pin(store: Store, client_id: str) -> Pin:
    """Issue a PIN that connects this client, once, within 30 minutes. Raises KeyError for an unknown client."""
    client = store.state.clients[client_id]
    pin = Pin(fresh_word(6), client.id, store.now() + PIN_LIFETIME)
    store.state.pins[pin.pin] = pin
    store.mark_changed()
    return pin


def connect(store: Store, body: Mapping[str, Any]) -> Client:
    """Exchange a PIN for the client's credentials. ``POST /clients/connect``."""
    fields = Fields("CLIENT.CONNECT", body)
    given = fields.text("pin", required=True)
    fields.raise_errors()
    pin = store.state.pins.get(given)
    if pin is None or pin.used_at is not None or store.now() >= pin.valid_until:
        raise store.business_error("CLIENT", "connect_pin")
    client = store.state.clients[pin.client_id]
    pin.used_at = client.connected_at = store.now()
    if client.id == LOCAL_CLIENT_ID:
        client.secret = LOCAL_CLIENT_SECRET  # well known, also after a disconnect
    elif store.behaviour.connect_rotates_secret:
        client.secret = secrets.token_hex(20)
    store.mark_changed()
    return client


def disconnect(store: Store, client: Client) -> None:
    """Reset a client's credentials: its secret and all its tokens are invalid. ``POST /clients/disconnect``.

    A new PIN connects it again. Documented: reference page of the call.
    """
    client.secret, client.connected_at = secrets.token_hex(20), None
    _remove_tokens(store, [token for token in store.state.tokens.values() if token.client_id == client.id])
    store.mark_changed()


def grant_token(store: Store, form: Mapping[str, str], life_seconds: int) -> dict[str, Any]:
    """Return the answer to a token request (client credentials). ``POST /oauth/token``, at the host's root."""
    if form.get("grant_type") != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type", "The grant type must be client_credentials.")
    if len(form.get("client_type", "")) > 32:
        raise OAuthError(400, "invalid_request", "The client_type may not be greater than 32 characters.")
    client = store.state.clients.get(form.get("client_id", ""))
    given = form.get("client_secret", "").encode()
    if client is None or not secrets.compare_digest(client.secret.encode(), given):
        raise OAuthError(401, "invalid_client", "Client authentication failed.")
    wanted = form.get("scope", "").split() or client.scopes
    if set(wanted) - set(client.scopes):
        raise OAuthError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    now = store.now()
    _remove_tokens(store, [token for token in store.state.tokens.values() if now >= token.valid_until])
    token = Token(secrets.token_urlsafe(48), client.id, list(wanted), now + timedelta(seconds=life_seconds))
    store.state.tokens[token.value] = token
    store.mark_changed()
    return {"token_type": "Bearer", "expires_in": life_seconds, "access_token": token.value}


def client_of_token(store: Store, header: str, unauthenticated: ApiError) -> tuple[Client, frozenset[str]]:
    """Return the client that an Authorization header authenticates, and the scopes it has now."""
    scheme, _, value = header.partition(" ")
    token = store.state.tokens.get(value.strip())
    if scheme.lower() != "bearer" or token is None or store.now() >= token.valid_until:
        raise unauthenticated
    client = store.state.clients.get(token.client_id)
    if client is None:
        raise unauthenticated
    return client, frozenset(token.scopes) & frozenset(client.scopes)


def _remove_tokens(store: Store, tokens: Iterable[Token]) -> None:
    for token in tokens:
        del store.state.tokens[token.value]
