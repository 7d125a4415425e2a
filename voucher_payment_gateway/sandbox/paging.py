"""Lists: pages, date filters and the Laravel envelope around them (API 1.8, "Get a list of …")."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from voucher_payment_gateway.sandbox.problems import FieldError, unprocessable
from voucher_payment_gateway.sandbox.records import Booking, Voucher
from voucher_payment_gateway.sandbox.store import Store

__all__ = ["envelope", "within"]

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_Row = TypeVar("_Row", Voucher, Booking)
_PER_PAGE = 25
_MAX_NUMBER = 10**9


def within(store: Store, query: Mapping[str, str]) -> Callable[[datetime], bool]:
    """Return the predicate of ``filter[created_from]`` and ``filter[created_to]``, both bounds included.

    The server compares the instants it shows: whole seconds of its own clock.
    """
    offset = timedelta(seconds=store.behaviour.clock_offset_seconds)
    earliest = _instant(query, "filter[created_from]") or datetime.min.replace(tzinfo=UTC)
    latest = _instant(query, "filter[created_to]") or datetime.max.replace(tzinfo=UTC)
    return lambda created_at: earliest <= (created_at + offset).replace(microsecond=0) <= latest


def envelope(
    store: Store,
    query: Mapping[str, str],
    path: str,
    rows: Sequence[_Row],
    document: Callable[[_Row], dict[str, Any]],
) -> dict[str, Any]:
    """Return one page of ``rows`` (given oldest first); links contain the page only, as in the example."""
    page = _number(query, "page", 1)
    per_page = min(_number(query, "per_page", _PER_PAGE), store.behaviour.largest_page)
    if store.behaviour.list_order == "newest_first":
        rows = rows[::-1]
    last_page = max(1, -(-len(rows) // per_page))
    start = (page - 1) * per_page
    shown = rows[start : start + per_page]
    return {
        "data": [document(row) for row in shown],
        "links": {
            "first": f"{path}?page=1",
            "last": f"{path}?page={last_page}",
            "prev": f"{path}?page={page - 1}" if page > 1 else None,
            "next": f"{path}?page={page + 1}" if page < last_page else None,
        },
        "meta": {
            "current_page": page,
            "per_page": per_page,
            "from": start + 1 if shown else None,
            "to": start + len(shown) if shown else None,
            "last_page": last_page,
            "total": len(rows),
            "path": path,
        },
    }


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) < _MAX_NUMBER:
        return int(text)
    raise _invalid(name, "integer", f"The {name} must be an integer of at least 1.")


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _invalid(name, "date", f"The {name} is not a valid date.")


def _invalid(name: str, rule: str, message: str) -> Exception:
    # Both lists are below /vouchers; the code is invented.
    return unprocessable("VOUCHER.LIST", [FieldError("VOUCHER.INVALID", name, rule, message)])
