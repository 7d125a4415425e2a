"""The stored cursor of a sweep: each run goes on where the last one ended, so it reads a bounded number of rows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.models import VoucherGatewayState

__all__ = ["behind", "next_rows"]


def next_rows(
    name: str, rows_after: Callable[[str], QuerySet[Any]], limit: int, *, by: str = "updated_at"
) -> list[Any]:
    """Return the next rows and move the cursor ``name``; none where another worker has just taken them.

    ``rows_after`` returns the rows behind a cursor, by the instant ``by`` and primary key; all for an empty one, from
    which it begins again at the end.
    """
    state = VoucherGatewayState.current.filter(name=name)
    cursor = state.values_list("value", flat=True).first() or ""
    found = list(rows_after(cursor)[:limit])
    if cursor and not found:
        found = list(rows_after("")[:limit])
    end = f"{getattr(found[-1], by).isoformat()} {found[-1].pk}" if len(found) == limit else ""
    return found if end == cursor or _move(name, cursor, end) else []


def behind(
    rows: QuerySet[Any], cursor: str, since: datetime | None = None, *, by: str = "updated_at"
) -> QuerySet[Any]:
    """Return those of ``rows`` that stand behind ``cursor``. ``since`` is the instant from which on they are swept."""
    if not cursor:
        return rows
    text, _, pk = cursor.partition(" ")
    instant = datetime.fromisoformat(text)
    following = Q(**{f"{by}__gt": instant}) | Q(pk__gt=int(pk))
    return rows.filter(following, **{f"{by}__gte": max(instant, since or instant)})


def _move(name: str, cursor: str, end: str) -> bool:
    """Move the cursor if no other worker has done so; return whether it was moved."""
    if VoucherGatewayState.current.filter(name=name, value=cursor).update(value=end):
        return True
    if cursor:
        return False
    try:
        with transaction.atomic(using=database()):
            VoucherGatewayState.current.create(name=name, value=end)
    except IntegrityError:
        return False
    return True
