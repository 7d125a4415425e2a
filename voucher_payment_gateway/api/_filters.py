"""The filters of a list, as the query of its call."""

import re
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from voucher_payment_gateway.api._keywords import with_defaults

Query = tuple[tuple[str, str], ...]

MAX_PER_PAGE = 1_000_000

_SURROGATE = re.compile("[\ud800-\udfff]")


class Filters(TypedDict, total=False):
    """The filters of a list. Whether the API obeys them is not promised."""

    created_from: datetime | None
    created_to: datetime | None
    order_number: str | None
    per_page: int | None


def query_of(call: str, filters: Filters) -> Query:
    """Return the query of the list ``call``. Raises TypeError or ValueError that names the wrong filter."""
    given = with_defaults(call, Filters, filters)
    query: list[tuple[str, str]] = []
    if (start := given["created_from"]) is not None:
        query.append(("filter[created_from]", _instant(start, "created_from")))
    if (end := given["created_to"]) is not None:
        # The reference shows whole seconds: rounding the end up keeps its last fraction inside.
        rounded = _instant(end, "created_to", timedelta(microseconds=999_999))
        query.append(("filter[created_to]", rounded))
    if (number := given["order_number"]) is not None:
        if not isinstance(number, str) or not number or _SURROGATE.search(number):
            raise ValueError("order_number: give a string of Unicode that is not empty")
        query.append(("filter[order_number]", number))
    if (per_page := given["per_page"]) is not None:
        if isinstance(per_page, bool) or not isinstance(per_page, int) or not 1 <= per_page <= MAX_PER_PAGE:
            raise ValueError(f"per_page: give a whole number from 1 to {MAX_PER_PAGE}")
        query.append(("per_page", str(per_page)))
    return tuple(query)


def _instant(value: datetime, name: str, more: timedelta = timedelta()) -> str:
    if not isinstance(value, datetime) or (offset := value.utcoffset()) is None:
        raise ValueError(f"{name}: give an aware datetime")
    try:
        said = value + more
        # RFC 3339 knows offsets of whole minutes only; local times of long ago have others.
        said = said.astimezone(UTC) if offset % timedelta(minutes=1) else said
    except OverflowError:
        said = None
    if said is None:
        raise ValueError(f"{name}: give an instant that is not the first or the last there is")
    return said.isoformat(timespec="seconds")
