"""Conditions of partial indexes, for queries that are to use them: written out as the index has them.

SQLite takes a partial index only where the query repeats its condition, and a list of parameters repeats nothing.
"""

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func

from voucher_payment_gateway.rules.states import MONEY_KINDS, NOT_ENDED, OPEN_STATES

__all__ = ["BOOKS", "IS_NOT_ENDED", "IS_OPEN"]


def _written_out(name: str, values: Iterable[str]) -> Func:
    words = ", ".join(f"'{value}'" for value in values)
    return Func(F(name), template=f"%(expressions)s IN ({words})", output_field=BooleanField())


IS_OPEN = _written_out("state", OPEN_STATES)
"""Of operations: not decided yet. For ``vpg_operation_due``."""

BOOKS = _written_out("kind", MONEY_KINDS)
"""Of operations: a booking on a voucher. With ``.exclude(remote_id="")`` for ``vpg_operation_booking_once``."""

IS_NOT_ENDED = _written_out("status", NOT_ENDED)
"""Of payments: a wish to cancel is still to be carried out. With ``cancel_requested_at__isnull=False`` for
``vpg_payment_wish``."""
