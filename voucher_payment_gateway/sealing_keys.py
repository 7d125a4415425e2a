"""What a sealing key must be: a Fernet key that cannot be guessed."""

from base64 import urlsafe_b64decode
from itertools import pairwise

__all__ = ["PUBLISHED_KEYS", "key_problem"]

PUBLISHED_KEYS = frozenset(
    {
        "ZGVtby1rZXktbmV2ZXItdXNlLWluLXByb2R1Y3Rpb24=",  # of the example shop
        "dHV0b3JpYWwta2V5LW5ldmVyLWluLXByb2R1Y3Rpb24=",  # of the tutorial
    }
)
"""Keys that anyone can read. They seal in the environment "local" alone, where no voucher is worth anything."""

KEY_BYTES = 32

MIN_DIFFERENT_BYTES = 17
"""32 random bytes have fewer different ones in one of 10¹³ keys; a half that is written twice always has."""


def key_problem(key: str, *, is_local: bool) -> str:
    """Return why ``key`` cannot seal codes, or an empty text. No part of it is repeated."""
    if not _is_fernet_key(key):
        return "is not a Fernet key of 32 url-safe base64 bytes"
    if key in PUBLISHED_KEYS:
        return "" if is_local else "can be read in the documentation"
    return "can be guessed" if _is_guessable(urlsafe_b64decode(key)) else ""


def _is_fernet_key(key: str) -> bool:
    """Return whether the library would take it. It is not loaded for this: the settings are read by processes that
    never seal a code."""
    try:
        return len(urlsafe_b64decode(key)) == KEY_BYTES
    except ValueError:
        return False


def _is_guessable(key: bytes) -> bool:
    """Return whether a person has made it up: few different bytes, equal steps from one to the next, or plain text."""
    steps = {(following - byte) % 256 for byte, following in pairwise(key)}
    return len(set(key)) < MIN_DIFFERENT_BYTES or len(steps) == 1 or _is_text(key)


def _is_text(key: bytes) -> bool:
    return key.isascii() and key.decode().isprintable()
