"""Parts of the settings dict that have keys of their own."""

import re
from ipaddress import ip_network
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["UNIX_SOCKET", "Limit", "Section", "ThrottleSettings"]

UNIX_SOCKET = "unix"
"""Among the trusted proxies: one that speaks to us through a socket without an address."""

SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Section(BaseModel):
    """Frozen, and it refuses keys that it does not know: a typing mistake must not go unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Limit(NamedTuple):
    """At most so many in so many seconds; written ``"5/10m"``."""

    most: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``text`` says. Raises ValueError for anything but a number, a stroke and a time."""
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,3})?([smhd])", text)
        if found is None:
            raise ValueError('must be a number and a time such as "5/10m" or "300/1h" (s, m, h or d)')
        return cls(int(found[1]), int(found[2] or 1) * SECONDS_OF[found[3]])


def _limit(text: str) -> str:
    Limit.parse(text)
    return text


def _network(text: str) -> str:
    if text != UNIX_SOCKET:
        try:
            ip_network(text)
        except ValueError:
            raise ValueError('must be an address, a network such as "10.0.0.0/8", or "unix"') from None
    return text


LimitText = Annotated[str, AfterValidator(_limit)]
NetworkText = Annotated[str, AfterValidator(_network)]


class ThrottleSettings(Section):
    """How many codes may be tried, and by whom. A limit that is None is none."""

    session: LimitText | None = "5/10m"
    account: LimitText | None = "10/1h"
    address: LimitText | None = "20/1h"
    everyone: LimitText | None = "300/1h"
    holds: LimitText | None = "60/1h"
    trusted_proxies: list[NetworkText] = []
    captcha: str = ""
    cache: str = "default"
    refusal_seconds: Annotated[float, Field(ge=0, le=5)] = 1.0
