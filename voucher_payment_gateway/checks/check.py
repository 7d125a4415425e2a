"""The form of one numbered check."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from voucher_payment_gateway.docs_url import docs_url

__all__ = ["SETTINGS", "Check"]

SETTINGS: Final = docs_url("reference/settings")


class Check(NamedTuple):
    """One number. E is an error, W a warning."""

    cure: str
    keys: tuple[str, ...] = ()
    """The settings whose wrong values ``conf.problems`` reports; it words those messages itself."""
    messages: Mapping[str, str] = MappingProxyType({})
    """The messages of our own checks, by a name for ``report``."""
