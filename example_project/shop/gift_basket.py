"""The gift vouchers in the visitor's basket. The session holds them until the order is placed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import get_random_string

__all__ = ["MAX_GIFTS", "Gift", "GiftBasket"]

MAX_GIFTS = 20
KEY = "gifts"


@dataclass(frozen=True)
class Gift:
    """A gift voucher in the basket; with ``top_up`` money for the voucher sale of that primary key."""

    amount: Decimal
    recipient_email: str = ""
    recipient_name: str = ""
    message: str = ""
    deliver_on: date | None = None
    language: str = ""
    top_up: int | None = None
    hint: str = ""
    id: str = field(default_factory=lambda: get_random_string(8))

    @property
    def line(self) -> dict[str, Any]:
        """The fields of its order line."""
        return {name: value for name, value in asdict(self).items() if name not in ("id", "hint")}


class GiftBasket:
    """The gift vouchers of a session, in the order in which they were put in."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session
        self._stored: list[dict[str, Any]] = session.get(KEY, [])

    def __iter__(self) -> Iterator[Gift]:
        for stored in self._stored:
            day = stored["deliver_on"]
            read = {
                "amount": Decimal(stored["amount"]),
                "deliver_on": date.fromisoformat(day) if day else None,
            }
            yield Gift(**{**stored, **read})

    def __len__(self) -> int:
        return len(self._stored)

    @property
    def amount(self) -> Decimal:
        return sum((gift.amount for gift in self), Decimal("0.00"))

    def put(self, gift: Gift) -> None:
        """Put a gift voucher in; two top-ups of one voucher become one."""
        same = [each for each in self if gift.top_up and each.top_up == gift.top_up]
        for each in same:
            self.remove(each.id)
            gift = replace(gift, amount=gift.amount + each.amount)
        day = gift.deliver_on.isoformat() if gift.deliver_on else None
        self._write([*self._stored, {**asdict(gift), "amount": str(gift.amount), "deliver_on": day}])

    def remove(self, gift_id: str) -> bool:
        """Take a gift voucher out; return whether it was there."""
        kept = [stored for stored in self._stored if stored["id"] != gift_id]
        was_there = len(kept) < len(self._stored)
        self._write(kept)
        return was_there

    def _write(self, stored: list[dict[str, Any]]) -> None:
        self._stored = self._session[KEY] = stored
