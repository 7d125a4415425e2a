"""Parts of the settings dict that have keys of their own."""

import re
from ipaddress import ip_network
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = [
    "UNIX_SOCKET",
    "ApiBehaviour",
    "Limit",
    "OrderFieldNames",
    "ProxyHeader",
    "Section",
    "ThrottleSettings",
]

UNIX_SOCKET = "unix"
"""In ``trusted_proxies``: a proxy that connects through a Unix socket, which has no address."""

SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Section(BaseModel):
    """Frozen; refuses unknown keys, so that a misspelt one is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OrderFieldNames(Section):
    """The attributes of the shop's order: fields, properties, or paths such as ``"customer.currency"``."""

    number: str = Field("number", description="the order number")
    total: str = Field("total", description="the total of the order, in units of its currency")
    currency: str = Field("currency", description="the ISO 4217 code of the currency")
    created: str | None = Field(
        None, description="when the order came into being, if it is then that its number is given"
    )


class ApiBehaviour(Section):
    """Undocumented behaviour of the remote API, as far as the operator knows it. None means: not known."""

    second_charge: Literal["refuse", "same", "book_again"] | None = Field(
        None, description="a second charge of one reservation"
    )
    open_reservation_lowers_balance: bool | None = Field(
        None, description="whether an open reservation lowers the voucher's balance"
    )
    order_number_filter: Literal["exact", "prefix", "ignored"] | None = Field(
        None, description="how lists are filtered by order number"
    )
    list_lag_seconds: Annotated[float, Field(ge=0)] | None = Field(
        None, description="the delay until a booking appears in the lists, in seconds"
    )
    refund_limit: Literal["up_to", "less_than"] | None = Field(
        None, description="whether the full amount of a charge can be refunded"
    )
    refund_limit_shrinks: bool | None = Field(
        None, description="whether earlier refunds lower the limit of the next one"
    )
    refund_carries_order_number: bool | None = Field(
        None, description="whether a refund has the order number of its charge"
    )
    refund_to_unusable_voucher: Literal["accept", "refuse"] | None = Field(
        None, description="a refund to an expired or inactive voucher"
    )
    cancel_reservation: Literal["absent", "not_allowed", "works"] | None = Field(
        None, description="the call that ends a reservation"
    )
    create_id_field: Literal["id", "custom_id", "both"] | None = Field(
        None, description="the field for a voucher id of your own"
    )
    post_status: int | None = Field(None, description="the HTTP status of a successful POST")


class Limit(NamedTuple):
    """A maximum of ``most`` events within ``seconds``; written ``"5/10m"``."""

    most: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``text``. Raises ValueError unless it is a number, a slash and a time."""
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


ProxyHeader = Literal["X-Forwarded-For", "Forwarded"]
LimitText = Annotated[str, AfterValidator(_limit)]
NetworkText = Annotated[str, AfterValidator(_network)]


class ThrottleSettings(Section):
    """Limits on guessing codes. None in place of a limit switches it off."""

    session: LimitText | None = Field("5/10m", description="failures of one session")
    account: LimitText | None = Field("10/1h", description="failures of one user who is logged in")
    address: LimitText | None = Field("20/1h", description="failures from one address; of IPv6 the /64")
    everyone: LimitText | None = Field("300/1h", description="failures of all visitors together")
    holds: LimitText | None = Field("60/1h", description="reservations made from one address")
    trusted_proxies: list[NetworkText] = Field(
        [], description="proxies whose X-Forwarded-For or Forwarded is believed"
    )
    proxy_header: ProxyHeader | None = Field(
        None, description="the header that these proxies write; the other one is not read"
    )
    captcha: str = Field("", description="takes the request and returns True where a captcha was just solved")
    cache: str = Field("default", description="the cache that holds the counters")
    refusal_seconds: Annotated[float, Field(ge=0, le=5)] = Field(
        1.0, description="the minimum time from the start of an attempt until its code is refused, in seconds"
    )
