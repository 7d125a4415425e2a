"""Codes and PINs at rest: encrypted as long as a payment may need them, and recognised by a fingerprint.

Keys come from ``SEALING_KEYS``: the first one seals, all of them unseal, so a new key is put in front.
Without a key nothing is stored; fingerprints then use Django's ``SECRET_KEY``. The library is imported with the first
code that is sealed or opened, not when Django starts.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.encoding import force_bytes

from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.unpicklable import Unpicklable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

__all__ = [
    "Secret",
    "fingerprint",
    "fingerprints",
    "hint",
    "is_under_first_key",
    "reseal",
    "seal",
    "seal_text",
    "unseal",
    "unseal_text",
]

HINT_LENGTH = 4


@dataclass(frozen=True, init=False, repr=False)
class Secret(Unpicklable):
    """The code that a customer typed and, if the voucher has one, its PIN. Nothing shows them, and it cannot be
    pickled."""

    code: Opaque
    pin: Opaque
    _sealed: tuple[str, str] = field(compare=False)
    """The first key when it was sealed, and the sealed text."""

    def __init__(self, code: str | Opaque, pin: str | Opaque = "") -> None:
        object.__setattr__(self, "code", Opaque(code))
        object.__setattr__(self, "pin", Opaque(pin))
        object.__setattr__(self, "_sealed", ("", ""))

    def __repr__(self) -> str:
        return "<hidden>"

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _: object) -> "Secret":
        return self


@strip_traceback
def seal(secret: Secret) -> str:
    """Return the sealed secret for the database, or an empty string if no key is set. The same object is sealed once
    under one key: a verb stores it in a new row, and again with its hold."""
    key = next(iter(gateway_settings().SEALING_KEYS), "")
    sealed_under, sealed = secret._sealed
    if sealed_under != key:
        sealed = seal_text(json.dumps([secret.code.reveal(), secret.pin.reveal()]))
        object.__setattr__(secret, "_sealed", (key, sealed))
    return sealed


@strip_traceback
def unseal(sealed: str) -> Secret | None:
    """Return the secret, or None if nothing is stored or no key opens it."""
    opened = unseal_text(sealed)
    return None if opened is None else Secret(*json.loads(opened))


def seal_text(text: str) -> str:
    """Return ``text`` sealed under the first key, or an empty string if no key is set."""
    keys = _fernets()
    return keys[0].encrypt(text.encode()).decode() if keys else ""


def unseal_text(sealed: str) -> str | None:
    """Return the text that was sealed under any of the keys, or None."""
    from cryptography.fernet import InvalidToken, MultiFernet

    keys = _fernets()
    if not sealed or not keys:
        return None
    try:
        return MultiFernet(keys).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def is_under_first_key(sealed: str) -> bool:
    """Return whether the first key opens it. A sealed text does not name its key, so the key has to be tried."""
    from cryptography.fernet import InvalidToken

    try:
        _fernets()[0].decrypt(sealed.encode())
    except (InvalidToken, IndexError):
        return False
    return True


def reseal(sealed: str) -> str | None:
    """Return the same text sealed under the first key, or None if no key opens it."""
    from cryptography.fernet import InvalidToken, MultiFernet

    try:
        return MultiFernet(_fernets()).rotate(sealed.encode()).decode()
    except InvalidToken:
        return None


@strip_traceback
def fingerprint(code: Opaque | str) -> str:
    """Return the fingerprint that identifies a code without storing it: a keyed hash under the first key."""
    return _keyed_hash(_all_keys()[0], Opaque(code))


@strip_traceback
def fingerprints(code: Opaque | str) -> list[str]:
    """Return the fingerprints of a code under every key: it is recognised after a rotation of keys, and after the
    first key was set."""
    return [_keyed_hash(key, Opaque(code)) for key in _all_keys()]


@strip_traceback
def hint(code: Opaque | str) -> str:
    """Return the last characters of a code, to show to people: at most four, and at most half of it."""
    text = Opaque(code).reveal()
    return text[-min(HINT_LENGTH, len(text) // 2) :] if len(text) > 1 else ""


def _all_keys() -> list[str | bytes]:
    return [*gateway_settings().SEALING_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _keyed_hash(key: str | bytes, code: Opaque) -> str:
    return hmac.digest(_fingerprint_key(key), code.reveal().encode(), "sha256").hex()


@lru_cache(maxsize=16)
def _fingerprint_key(key: str | bytes) -> bytes:
    return hmac.digest(force_bytes(key), b"voucher_payment_gateway.fingerprint", "sha256")


def _fernets() -> "Sequence[Fernet]":
    return _fernets_of(tuple(gateway_settings().SEALING_KEYS))


@lru_cache(maxsize=4)
def _fernets_of(keys: tuple[str, ...]) -> "tuple[Fernet, ...]":
    from cryptography.fernet import Fernet

    return tuple(Fernet(key) for key in keys)
