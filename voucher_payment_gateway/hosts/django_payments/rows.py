"""The host's ``Payment`` rows: read, locked, and brought into step with the ledger of the gateway.

The ledger is right by definition. A row's ``status`` and ``captured_amount`` follow from it:

    ========================================= ==========================================
    the gift vouchers of a row                 the row
    ========================================= ==========================================
    confirmed, nothing charged yet             ``preauth``
    charged, not refunded in full              ``confirmed``; ``captured_amount`` is what was kept
    charged and refunded in full               ``refunded``
    released after ``preauth``                 ``refunded``, as the host defines ``release``
    failed, or lapsed for good                 ``rejected``
    ========================================= ==========================================
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import router, transaction
from django.db.models import F
from payments import PaymentError, PaymentStatus, get_payment_model
from payments.core import provider_factory

from voucher_payment_gateway import gateway
from voucher_payment_gateway.exceptions import VoucherGatewayError, WrongStateError
from voucher_payment_gateway.models import VoucherPayment
from voucher_payment_gateway.money import ZERO
from voucher_payment_gateway.order_lookup import find_order
from voucher_payment_gateway.orders import known_number

__all__ = [
    "CAPTURE_KEY",
    "IS_PAID",
    "UNPAID",
    "bring_all_into_step",
    "bring_into_step",
    "find",
    "has_vouchers",
    "in_verb",
    "locked",
    "refresh",
    "require",
    "standing",
    "vouchers_of",
]

UNPAID = (PaymentStatus.WAITING, PaymentStatus.INPUT)
"""The customer may still enter a gift voucher."""

IS_PAID = (PaymentStatus.PREAUTH, PaymentStatus.CONFIRMED)

CAPTURE_KEY = "capture"
"""The host charges a row once: a second click, or a retry after a crash, answers as the first call did."""

FOLLOWED = ("status", "captured_amount", "total")
"""The columns that the gateway's ledger decides, or that may have been changed since a row was read."""

_in_verb: ContextVar[frozenset[Any]] = ContextVar("voucher_payment_gateway.in_verb", default=frozenset())
"""The rows of which a verb of the host is running: the host sets their status itself, and sends its signal once."""


@dataclass(frozen=True)
class Standing:
    """What the ledger says about a row, in units of its currency with two places."""

    kept: Decimal
    """Charged and not refunded."""
    was_charged: bool
    agreed: Decimal
    """Promised by confirmed vouchers and not charged yet."""
    is_broken: bool
    """Whether a voucher failed, or lapsed for good."""

    def status(self, before: str) -> str:
        """Return the status of a row that had the status ``before``."""
        if self.kept > ZERO:
            return str(PaymentStatus.CONFIRMED)
        if self.was_charged:
            return str(PaymentStatus.REFUNDED)
        if self.agreed > ZERO:
            return str(PaymentStatus.PREAUTH) if before in UNPAID else before
        if before in IS_PAID:
            return str(PaymentStatus.REJECTED if self.is_broken else PaymentStatus.REFUNDED)
        return before


def find(order_number: str) -> Any:
    """Return the row with this order number, or None where it is that of no row."""
    found = find_order(order_number)
    return found if isinstance(found, get_payment_model()) else None


def has_vouchers(payment: Any) -> bool:
    """Return whether gift vouchers pay, or once paid, this row."""
    return bool(vouchers_of(payment).exists())


def vouchers_of(payment: Any) -> Any:
    """Return the gateway's payments of this row, oldest first."""
    return VoucherPayment.current.of_order(known_number(payment), payment.created).order_by("pk")


def standing(payment: Any) -> Standing:
    """Return what the ledger says now."""
    cover, statuses = gateway.cover(payment), list(vouchers_of(payment).values_list("status", flat=True))
    return Standing(
        kept=cover.kept,
        was_charged=cover.captured > ZERO,
        agreed=cover.agreed,
        is_broken=any(status in ("failed", "lapsed") for status in statuses),
    )


def refresh(payment: Any) -> None:
    """Read again what another process may have changed, where it was written: a replica may lag behind."""
    payment.refresh_from_db(using=_database(payment), fields=FOLLOWED)


def require(payment: Any, *statuses: str) -> None:
    """Read the row again. Raises WrongStateError unless it has one of ``statuses``; nothing was sent."""
    given = payment.status
    refresh(payment)
    if payment.status not in statuses:
        raise WrongStateError(
            f"The payment was {given} when it was read and is {payment.status} now. Nothing was sent."
        )


@contextmanager
def locked(payment: Any) -> Iterator[Any]:
    """Lock the row for the block, in a transaction, and yield it as it is now. Nothing is sent meanwhile."""
    rows, database = type(payment)._base_manager.filter(pk=payment.pk), _database(payment)
    with transaction.atomic(using=database):
        # written first: SQLite has no row locks, and refuses a write after another one was committed since a read
        rows.using(database).update(captured_amount=F("captured_amount"))
        yield rows.using(database).get()


@contextmanager
def in_verb(payment: Any) -> Iterator[None]:
    """Leave the status of the row to the host while the block runs. After an error of the gateway, which is raised as
    the host's PaymentError, the row is brought into step."""
    token = _in_verb.set(_in_verb.get() | {payment.pk})
    try:
        try:
            yield
        finally:
            _in_verb.reset(token)
    except VoucherGatewayError as error:
        bring_into_step(payment)
        raise PaymentError(str(error), code=error.code) from error


def bring_into_step(payment: Any) -> bool:
    """Make the row say what the ledger says, and ``payment`` too; return whether anything was changed.

    The host's signal ``status_changed`` is sent for a new status. With ``preauth`` the charge of a variant that
    captures at once is written, in the same transaction. What a partial charge left of a voucher is let go:
    the host charges a row once. Nothing is done for a row without gift vouchers.
    """
    if not has_vouchers(payment):
        return False
    now = standing(payment)
    if now.was_charged and now.agreed > ZERO:
        _let_go_of_the_rest(payment)
        now = standing(payment)
    refresh(payment)
    if not _differs(payment, now):
        return False
    with locked(payment) as row:
        _write(row, standing(row))  # read under the lock: the last writer has read the newest
    refresh(payment)
    return True


def _differs(row: Any, now: Standing) -> bool:
    is_left_to_host = row.pk in _in_verb.get()
    return row.captured_amount != now.kept or not (is_left_to_host or row.status == now.status(row.status))


def _write(row: Any, now: Standing) -> None:
    if row.captured_amount != now.kept:
        row.captured_amount = now.kept
        row.save(update_fields=["captured_amount"])
    status = now.status(row.status)
    if status != row.status and row.pk not in _in_verb.get():
        row.change_status(status)
        if status == PaymentStatus.PREAUTH and provider_factory(row.variant, row)._capture:
            # committed with the status, and sent then: a crash loses neither
            gateway.capture(row, key=CAPTURE_KEY)


def _let_go_of_the_rest(payment: Any) -> None:
    with suppress(VoucherGatewayError):  # another charge of it is open: its end brings the row into step
        gateway.cancel(payment, refund=False, reason="the rest of a partial capture")


def bring_all_into_step(since: datetime) -> int:
    """Bring the rows into step whose vouchers changed ``since`` then, and return how many were changed: a process that
    was killed between the ledger and the row left them behind."""
    changed = VoucherPayment.current.filter(updated_at__gte=since).order_by()
    numbers = changed.values_list("order_number", flat=True).distinct()
    rows = (find(number) for number in sorted(numbers))
    return sum(bring_into_step(row) for row in rows if row is not None)


def _database(payment: Any) -> str:
    return str(router.db_for_write(type(payment), instance=payment))
