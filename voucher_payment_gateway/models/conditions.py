"""Conditions of partial indexes, as literals, for the queries that use these indexes.

SQLite uses a partial index only if the query repeats its condition; parameters do not count as a repetition.
"""

from typing import Any

from django.db.models import F, Lookup, Q

from voucher_payment_gateway.rules.states import (
    HELD_BEFORE,
    MONEY_KINDS,
    NOT_ENDED,
    OPEN_STATES,
)

__all__ = [
    "BOOKS",
    "ENDED_WITHOUT_CODE",
    "HAS_CODE",
    "IS_FAILED",
    "IS_HELD",
    "IS_MANUAL",
    "IS_NOT_ACTIVE",
    "IS_NOT_ENDED",
    "IS_NOT_SOLD",
    "IS_NOT_VALID",
    "IS_OPEN",
    "IS_REFUSED_REFUND",
    "IS_UNPAID",
    "WAS_CONCLUDED",
    "WAS_HELD",
    "InLiterals",
    "IsLiteral",
]

ENDED_WITHOUT_CODE = ("selected", "lapsed", "captured", "refunded")
"""Statuses in which nothing more can be charged once the code is erased. What is held can be charged without it, and
what was cancelled is not wanted."""


class InLiterals(Lookup):
    """``column IN (…)`` with the values as literals in the statement, not as parameters."""

    lookup_name = "in_literals"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, parameters = self.process_lhs(compiler, connection)
        literals = ", ".join(f"'{value}'" for value in self.rhs)
        return f"{column} IN ({literals})", parameters


class IsLiteral(Lookup):
    """``column = '…'`` with the value as a literal."""

    lookup_name = "is_literal"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = '{self.rhs}'", parameters


IS_OPEN = InLiterals(F("state"), OPEN_STATES)
"""Operations whose outcome is open. For ``vpg_operation_due``."""

BOOKS = InLiterals(F("kind"), MONEY_KINDS)
"""Operations that book on a voucher. With ``.exclude(remote_id="")`` for ``vpg_operation_booking_once``."""

IS_NOT_ENDED = InLiterals(F("status"), NOT_ENDED)
"""Payments that a requested cancel still applies to. With ``cancel_requested_at__isnull=False`` for
``vpg_payment_wish``."""

WAS_HELD = InLiterals(F("status"), HELD_BEFORE)
"""Payments that hold their voucher or may hold it again. For ``vpg_payment_ending``."""

IS_NOT_ACTIVE = InLiterals(F("status"), ("ordered", "issued"))
"""Sales whose voucher was not activated yet. With ``target="issued"`` for ``vpg_sale_unpaid``."""

IS_HELD = IsLiteral(F("status"), "authorized")
"""Payments that hold their voucher. For ``vpg_payment_dead``."""

IS_MANUAL = IsLiteral(F("state"), "manual")
"""Operations that a person has to decide. For ``vpg_operation_manual``."""

IS_FAILED = IsLiteral(F("status"), "failed")
"""Payments or sales that failed. For ``vpg_payment_failed`` and ``vpg_sale_failed``."""

IS_NOT_VALID = Q(IS_FAILED) | Q(
    Q(due_at__isnull=True), IsLiteral(F("status"), "issued"), IsLiteral(F("target"), "active")
)
"""Sales that failed, and those whose activation was refused, so that nothing more follows by itself. For
``vpg_sale_failed``."""

HAS_CODE = ~Q(IsLiteral(F("sealed_code"), ""))
"""Payments whose code is stored. For ``vpg_payment_code_kept``."""

IS_UNPAID = Q(
    confirmed_at__isnull=False, cancel_requested_at__isnull=True, amount_agreed__gt=F("amount_captured")
) & (
    Q(IsLiteral(F("status"), "failed"))
    | Q(IsLiteral(F("sealed_code"), ""), InLiterals(F("status"), ENDED_WITHOUT_CODE))
)
"""Confirmed payments that ended without what was agreed. For ``vpg_payment_unpaid``."""

IS_REFUSED_REFUND = Q(IsLiteral(F("kind"), "refund"), IsLiteral(F("state"), "refused"))
"""Refunds that were refused. For ``vpg_operation_refund_refused``."""

WAS_CONCLUDED = ~Q(IsLiteral(F("concluded_by"), ""))
"""Operations that a person has decided. For ``vpg_operation_concluded``."""

IS_NOT_SOLD = ~Q(IsLiteral(F("origin"), "sold"))
"""Sales of vouchers that were given, imported or issued in bulk. For ``vpg_sale_not_sold``."""
