"""Conditions of partial indexes, for queries that are to use them: written out as the index has them.

SQLite takes a partial index only where the query repeats its condition, and a list of parameters repeats nothing.
"""

from typing import Any

from django.db.models import F, Lookup

from voucher_payment_gateway.rules.states import MONEY_KINDS, NOT_ENDED, OPEN_STATES

__all__ = ["BOOKS", "IS_NOT_ENDED", "IS_OPEN"]


class WrittenOut(Lookup):
    """Whether a column has one of some fixed words, with the words in the statement and not among its parameters."""

    lookup_name = "written_out"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, parameters = self.process_lhs(compiler, connection)
        words = ", ".join(f"'{word}'" for word in self.rhs)
        return f"{column} IN ({words})", parameters


IS_OPEN = WrittenOut(F("state"), OPEN_STATES)
"""Of operations: not decided yet. For ``vpg_operation_due``."""

BOOKS = WrittenOut(F("kind"), MONEY_KINDS)
"""Of operations: a booking on a voucher. With ``.exclude(remote_id="")`` for ``vpg_operation_booking_once``."""

IS_NOT_ENDED = WrittenOut(F("status"), NOT_ENDED)
"""Of payments: a wish to cancel is still to be carried out. With ``cancel_requested_at__isnull=False`` for
``vpg_payment_wish``."""
