"""An access token and the place where processes may share one."""

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from voucher_payment_gateway.unpicklable import Unpicklable

LIFETIME_WITHOUT_EXPIRY_SECONDS = 600.0
LONGEST_LIFETIME_SECONDS = 366 * 86400.0

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
        """A token that just came; a missing lifetime is taken as ten minutes, an absurd one is capped."""
        lasts = LIFETIME_WITHOUT_EXPIRY_SECONDS if lifetime_seconds is None else lifetime_seconds
        now = datetime.now(UTC)
        return cls(value, now, now + timedelta(seconds=min(max(lasts, 0.0), LONGEST_LIFETIME_SECONDS)))

    @property
    def lifetime(self) -> timedelta:
        return self.expires_at - self.issued_at

    def __copy__(self) -> "Token":
        return self

    def __deepcopy__(self, _: object) -> "Token":
        return self


class TokenStore(Protocol):
    """Where the processes of a shop may share a token, such as an encrypted cache. None of it has to work.

    Every exception is swallowed, and a token that turns out wrong is forgotten and fetched anew. All four are
    called in a thread of their own, which a call leaves behind where they hang.
    """

    def load(self, wait_seconds: float) -> Token | None:
        """Return the shared token or None. May wait so long for another process that is fetching one.

        Whoever gets None fetches a token and then calls ``save``, or ``give_up`` where none came.
        """

    def save(self, token: Token) -> None:
        """Share a token that just came."""

    def give_up(self) -> None:
        """Keep no other process waiting any longer: no token came."""

    def forget(self, token: Token) -> None:
        """Drop this token, and only this one: the API rejected it."""


@dataclass(frozen=True, slots=True)
class CachedToken:
    """A token in this process, with the instant from which it is renewed: drawn anew in every process."""

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
    """Return what a store gives if it can be used. Whatever else it gives may raise here: it is swallowed."""
    token: object = store.load(wait_seconds)
    if not isinstance(token, Token) or not is_sendable(token.value):
        return None
    cached = CachedToken.of(token)
    return cached if cached.is_usable() else None


def is_sendable(value: object) -> bool:
    """Whether a value can stand in an ``Authorization`` header without breaking out of it."""
    return isinstance(value, str) and _SENDABLE.fullmatch(value) is not None
