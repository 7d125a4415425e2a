"""An access token and the place where processes may share one."""

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from voucher_payment_gateway.unpicklable import Unpicklable

DEFAULT_LIFETIME_SECONDS = 600.0
MAX_LIFETIME_SECONDS = 366 * 86400.0

_SENDABLE = re.compile(r"[\x21-\x7e]{1,8192}")
_RANDOM = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Token(Unpicklable):
    """An access token of the Voucher Cloud. ``value`` is a secret: seal it before it is stored anywhere.

    It cannot be pickled.
    """

    value: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime

    @classmethod
    def issued_now(cls, value: str, lifetime_seconds: float | None) -> "Token":
        """Return a token issued now; a missing lifetime counts as ten minutes, an absurd one is capped."""
        lasts = DEFAULT_LIFETIME_SECONDS if lifetime_seconds is None else lifetime_seconds
        now = datetime.now(UTC)
        return cls(value, now, now + timedelta(seconds=min(max(lasts, 0.0), MAX_LIFETIME_SECONDS)))

    @property
    def lifetime(self) -> timedelta:
        return self.expires_at - self.issued_at

    def __copy__(self) -> "Token":
        return self

    def __deepcopy__(self, _: object) -> "Token":
        return self


class TokenStore(Protocol):
    """Where the processes of a shop may share a token, such as an encrypted cache. It may fail at any time.

    Every exception is swallowed, and a token that is rejected is forgotten and requested again. All four methods
    are called in a thread of their own; a call does not wait for one that hangs.
    """

    def load(self, wait_seconds: float) -> Token | None:
        """Return the shared token or None. May wait up to ``wait_seconds`` for another process that requests one.

        A caller that gets None requests a token, then calls ``save``, or ``give_up`` if that failed.
        """

    def save(self, token: Token) -> None:
        """Share a new token."""

    def give_up(self) -> None:
        """Let the processes that wait go on: the token request failed."""

    def forget(self, token: Token) -> None:
        """Drop this token, and only this one: the API rejected it."""


@dataclass(frozen=True, slots=True)
class CachedToken:
    """A token in this process, with the instant from which it is renewed: random, so that processes do not coincide."""

    token: Token
    renew_at: datetime

    @classmethod
    def of(cls, token: Token) -> "CachedToken":
        return cls(token, token.issued_at + token.lifetime * _RANDOM.uniform(0.75, 0.9))

    def is_usable(self) -> bool:
        margin = min(timedelta(seconds=30), self.token.lifetime / 10)
        return datetime.now(UTC) < self.token.expires_at - margin

    def is_due_for_renewal(self) -> bool:
        return datetime.now(UTC) >= self.renew_at


def load_shared(store: TokenStore, wait_seconds: float) -> CachedToken | None:
    """Return the token of a store if it is usable. Invalid values may raise: the caller swallows it."""
    token: object = store.load(wait_seconds)
    if not isinstance(token, Token) or not is_sendable(token.value):
        return None
    cached = CachedToken.of(token)
    return cached if cached.is_usable() else None


def is_sendable(value: object) -> bool:
    """Return whether a value can be sent in an ``Authorization`` header without header injection."""
    return isinstance(value, str) and _SENDABLE.fullmatch(value) is not None
