"""Settle: finish what is due, was abandoned, or has an unknown outcome."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.operations.transitions import StaleOperationError, mark_abandoned
from voucher_payment_gateway.gateway.records.conflicts import ConflictError, refuse_open_transaction
from voucher_payment_gateway.gateway.recovery.expire import erase_codes, lapse, without_operation
from voucher_payment_gateway.gateway.recovery.queue import lease_each
from voucher_payment_gateway.gateway.recovery.renew import ending_holds, keep_alive
from voucher_payment_gateway.gateway.recovery.resolve import read_again, resolve
from voucher_payment_gateway.gateway.verbs.cancel import cancel, end_refunded
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN
from voucher_payment_gateway.rules.states import OPEN_STATES

__all__ = ["SettleReport", "settle"]

logger = logging.getLogger("voucher_payment_gateway")

MAX_LIMIT = 1_000_000
"""So many operations of each sort are settled in one run at most."""

Row = TypeVar("Row", VoucherOperation, VoucherPayment)


@dataclass(frozen=True)
class SettleReport:
    """What one run of ``settle`` did, in numbers of operations or payments."""

    sent: int = 0
    """Due operations that were carried out."""
    abandoned: int = 0
    """Operations whose worker did not come back; their outcome is unknown now."""
    found: int = 0
    """Unknown operations whose booking was found at the Voucher Cloud."""
    manual: int = 0
    """Unknown operations that a person must decide."""
    cancelled: int = 0
    """Payments whose stored wish to cancel was carried out."""
    renewed: int = 0
    """Reservations made again before they ended, where ``RENEW_HOLDS`` says so."""
    lapsed: int = 0
    """Payments whose reservation is dead, so that nothing is held for them any more."""
    erased: int = 0
    """Stored codes whose time was over."""
    reviews: int = 0
    """Operations that a later read showed to be booked once too often: a person is asked to look."""
    still_open: int = 0
    """Operations that are due or unknown after this run."""


def settle(limit: int = 100, *, stop: Callable[[], bool] | None = None) -> SettleReport:
    """Finish up to ``limit`` operations of each sort and say what was done.

    Due operations are sent, abandoned ones become unknown, and unknown ones are resolved step by step: looked up
    among the voucher's bookings, fenced or waited for, then booked, sent again, or given up. Dead reservations lapse,
    and codes are erased when their time is over. Safe to run twice, and in several processes at once, which share the
    work. Call it often, such as every minute. Once ``stop`` says so, what is under way is finished, and nothing else is
    sent.

    Raises ValueError for a ``limit`` below 1, TransactionManagementError inside of a transaction: what it sends could
    not be committed before.
    """
    if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit: give a whole number from 1 to {MAX_LIMIT}")
    refuse_open_transaction()
    now, stop = timezone.now(), stop or _never
    report = SettleReport(
        abandoned=_each(lease_each(_abandoned(now), limit), _mark_abandoned, stop),
        sent=_each(lease_each(_open("due", now), limit), _send, stop),
        found=_each(lease_each(_open("unknown", now), limit), _resolve, stop),
        cancelled=_each(_cancel_requests(limit), _carry_out_cancel, stop),
        renewed=_each(ending_holds()[:limit], keep_alive, stop),
        lapsed=lapse(limit),
        erased=erase_codes(limit),
        reviews=_each(_due_for_rereading(now, limit), _read_again, stop),
    )
    operations = VoucherOperation.current
    return replace(
        report,
        manual=operations.filter(state="manual", settled_at__gte=now).count(),
        still_open=operations.filter(IS_OPEN).count(),
    )


def _open(state: str, now: datetime) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment").order_by("due_at", "pk")
    return operations.filter(IS_OPEN, state=state, due_at__lte=now, kind__in=HANDLERS)


def _abandoned(now: datetime) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment").order_by("due_at", "pk")
    given_up = now - timedelta(seconds=lease_seconds())
    return operations.filter(IS_OPEN, state="sending", sending_at__lt=given_up)


def _cancel_requests(limit: int) -> QuerySet[VoucherPayment]:
    """Payments to be cancelled whose operations are decided; not those whose refund a person has to look at."""
    undecided = (
        Q(state__in=OPEN_STATES)
        | Q(kind__in=("charge", "refund"), state="manual")
        | Q(kind="refund", state="refused", created_at__gte=OuterRef("cancel_requested_at"))
    )
    wishes = VoucherPayment.current.filter(IS_NOT_ENDED, cancel_requested_at__isnull=False)
    return without_operation(wishes, undecided).order_by("cancel_requested_at", "pk")[:limit]


def _due_for_rereading(now: datetime, limit: int) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment")
    return operations.filter(reread_at__lte=now).order_by("reread_at", "pk")[:limit]


def _never() -> bool:
    return False


def _each(rows: Iterable[Row], do: Callable[[Row], bool], stop: Callable[[], bool]) -> int:
    """Do it for each row, and count where it was done; one that fails does not stop the others."""
    done, waiting = 0, iter(rows)
    while not stop() and (row := next(waiting, None)) is not None:
        try:
            done += do(row)
        except VoucherGatewayError as error:
            logger.warning("settle: %s ended with %s", row, error.code)
        except (ConflictError, StaleOperationError):
            continue  # somebody else has just taken it
        except Exception as error:
            logger.error("settle: %s failed: %s", row, type(error).__name__)
    return done


def _send(operation: VoucherOperation) -> bool:
    execute_due(HANDLERS[operation.kind], operation)
    return True


def _mark_abandoned(operation: VoucherOperation) -> bool:
    """A lease that ran out means unknown, never: send again. A release has no outcome to wait for."""
    # K21: the lease ran out, nothing written of it
    return mark_abandoned(operation)


def _resolve(operation: VoucherOperation) -> bool:
    return resolve(HANDLERS[operation.kind], operation)


def _read_again(operation: VoucherOperation) -> bool:
    return read_again(HANDLERS[operation.kind], operation)


def _carry_out_cancel(payment: VoucherPayment) -> bool:
    if payment.status == "refunded":
        end_refunded(payment)
    else:
        cancel(payment, reason="cancelled while an operation was under way")
    return True
