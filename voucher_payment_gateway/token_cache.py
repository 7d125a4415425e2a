"""The access token in Django's cache, sealed, so that all processes of a shop share one.

A cache that is down, flushed or corrupt costs a token request, never a checkout.
Without ``SEALING_KEYS`` nothing is stored.
"""

import hashlib
import json
import secrets
import time
from datetime import UTC, datetime

from django.core.cache import cache

from voucher_payment_gateway.api import Token
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.sealing import seal_text, unseal_text
from voucher_payment_gateway.short_memory import leaving_no_connection, truth

__all__ = ["TokenCache"]

FETCH_TIMEOUT_SECONDS = 10
"""Timeout of one process that requests a token, after which another one tries too."""

WAIT_TIMEOUT_SECONDS = 3.0
POLL_SECONDS = 0.02


class TokenCache:
    """Shares the token of one client of one Voucher Cloud: a ``TokenStore`` for the API client."""

    def __init__(self, base_url: str, client_id: str) -> None:
        name = hashlib.sha256(f"{base_url} {client_id}".encode()).hexdigest()[:32]
        self._key = f"voucher_payment_gateway.token.{name}"
        self._fetching = f"{self._key}.fetching"
        self._mark = ""

    @leaving_no_connection()
    def load(self, wait_seconds: float = WAIT_TIMEOUT_SECONDS) -> Token | None:
        """Return the shared token. Without one, one process gets None at once and requests it; the others wait for it,
        up to ``wait_seconds`` and three seconds at most."""
        late_at = time.monotonic() + wait_seconds
        token = self._read()
        # Counted from the first response of the cache: a cold process may need seconds to reach it.
        patient_until = min(late_at, time.monotonic() + WAIT_TIMEOUT_SECONDS)
        while token is None and gateway_settings().SEALING_KEYS:
            # Set before the add: one that took effect although it raised can be undone.
            self._mark = secrets.token_hex(8)
            if truth(cache.add(self._fetching, self._mark, FETCH_TIMEOUT_SECONDS)):
                return self._saved_meanwhile()
            if time.monotonic() + POLL_SECONDS > patient_until:
                break
            time.sleep(POLL_SECONDS)
            token = self._read()
        return token

    def _saved_meanwhile(self) -> Token | None:
        """Read once more: another process may have saved a token between our read and our add."""
        token = self._read()
        if token is not None:
            cache.delete(self._fetching)
        return token

    @leaving_no_connection()
    def save(self, token: Token) -> None:
        """Share a new token until it expires."""
        lasts = (token.expires_at - datetime.now(UTC)).total_seconds()
        sealed = seal_text(
            json.dumps([token.value, token.issued_at.isoformat(), token.expires_at.isoformat()])
        )
        if sealed and lasts > 0:
            cache.set(self._key, sealed, lasts)
        cache.delete(self._fetching)

    @leaving_no_connection()
    def give_up(self) -> None:
        """Let another process request a token at once. The mark of another process stays."""
        if self._mark and cache.get(self._fetching) == self._mark:
            cache.delete(self._fetching)

    @leaving_no_connection()
    def forget(self, token: Token) -> None:
        """Drop this token, unless a newer one has replaced it."""
        if (shared := self._read()) and shared.value == token.value:
            cache.delete(self._key)

    def _read(self) -> Token | None:
        sealed = cache.get(self._key)
        opened = unseal_text(sealed) if isinstance(sealed, str) else None
        if opened is None:
            return None
        value, issued_at, expires_at = json.loads(opened)
        return Token(value, datetime.fromisoformat(issued_at), datetime.fromisoformat(expires_at))
