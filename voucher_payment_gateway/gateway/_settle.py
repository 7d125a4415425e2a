"""Settle: finish what is due, was abandoned, or has an unknown outcome."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from voucher_payment_gateway.connection import voucher_cloud
from voucher_payment_gateway.exceptions import OutcomeUnknownError, RefusedError, VoucherGatewayError
from voucher_payment_gateway.gateway._announce import announce
from voucher_payment_gateway.gateway._cancel import RELEASE, cancel
from voucher_payment_gateway.gateway._capture import CHARGE
from voucher_payment_gateway.gateway._operations import Kind, book, lease_seconds, next_try, of, resume, take
from voucher_payment_gateway.gateway._orders import OutdatedError, database
from voucher_payment_gateway.gateway._refund import REFUND
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.rules.evidence import Evidence, charge_evidence, refund_evidence
from voucher_payment_gateway.rules.states import OPEN_STATES
from voucher_payment_gateway.signals import payment_needs_review

__all__ = ["SettleReport", "settle"]

logger = logging.getLogger("voucher_payment_gateway")

Row = TypeVar("Row", VoucherOperation, VoucherPayment)

KINDS: dict[str, Kind] = {"charge": CHARGE, "refund": REFUND, "cancel": RELEASE}


@dataclass(frozen=True)
class SettleReport:
    """What one run of ``settle`` did, in numbers of operations."""

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
    still_open: int = 0
    """Operations that are due or unknown after this run."""


def settle(limit: int = 100) -> SettleReport:
    """Finish up to ``limit`` operations of each sort and say what was done.

    Due operations are sent, abandoned ones become unknown, unknown ones are looked up among the voucher's
    bookings: found, they are booked; not found, they stay unknown and are looked up again later. Safe to run
    twice, and in several processes at once. Call it outside of a transaction, often (every minute).
    """
    now = timezone.now()
    report = SettleReport(
        abandoned=_each(_abandoned(now, limit), _give_up_waiting),
        sent=_each(_open("due", now, limit), _send),
        found=_each(_open("unknown", now, limit), _look_up),
        cancelled=_each(_wishes(limit), _carry_out_wish),
    )
    operations = VoucherOperation.objects.using(database())
    return replace(
        report,
        manual=operations.filter(state="manual", settled_at__gte=now).count(),
        still_open=operations.filter(state__in=OPEN_STATES).count(),
    )


def _open(state: str, now: datetime, limit: int) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.objects.using(database()).select_related("payment")
    return operations.filter(state=state, due_at__lte=now, kind__in=KINDS).order_by("due_at", "pk")[:limit]


def _abandoned(now: datetime, limit: int) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.objects.using(database()).select_related("payment")
    given_up = now - timedelta(seconds=lease_seconds())
    return operations.filter(state="sending", sending_at__lt=given_up).order_by("pk")[:limit]


def _wishes(limit: int) -> QuerySet[VoucherPayment]:
    operations = VoucherOperation.objects.filter(payment=OuterRef("pk"))
    return VoucherPayment.objects.using(database()).filter(
        ~Exists(operations.filter(state__in=OPEN_STATES)),
        ~Exists(operations.filter(kind="refund", state__in=("refused", "manual"))),
        cancel_requested_at__isnull=False,
        status__in=("selected", "authorized", "captured"),
    )[:limit]


def _each(rows: Iterable[Row], do: Callable[[Row], bool]) -> int:
    """Do it for each row, and count where it was done; one that fails does not stop the others."""
    done = 0
    for row in rows:
        try:
            done += do(row)
        except VoucherGatewayError as error:
            logger.warning("settle: %s ended with %s", row, error.code)
        except OutdatedError:
            continue  # somebody else has just taken it
    return done


def _send(operation: VoucherOperation) -> bool:
    resume(KINDS[operation.kind], operation)
    return True


def _give_up_waiting(operation: VoucherOperation) -> bool:
    """A lease that ran out means unknown, never: send again. A release has no outcome to wait for."""
    if operation.kind == "cancel":
        return take(operation, state="succeeded", settled_at=timezone.now())
    return take(operation, state="unknown", error_code="abandoned", due_at=operation.sending_at)


def _look_up(operation: VoucherOperation) -> bool:
    """Look for the booking of an unknown operation; say whether it was found."""
    if not take(operation, due_at=next_try(operation)):
        return False
    try:
        evidence = _evidence(operation)
    except RefusedError as error:
        raise OutcomeUnknownError(code="bookings_unreadable", http_status=error.http_status) from None
    if evidence.verdict == "found":
        return book(KINDS[operation.kind], operation, evidence.remote_id)
    if evidence.verdict == "ambiguous" and take(
        operation, state="manual", error_code="ambiguous_bookings", settled_at=timezone.now()
    ):
        announce(payment_needs_review, of(operation), operation.amount)
    return False


def _evidence(operation: VoucherOperation) -> Evidence:
    booked = VoucherOperation.objects.using(database()).filter(voucher_id=operation.voucher_id)
    ours = set(booked.exclude(pk=operation.pk).exclude(remote_id="").values_list("remote_id", flat=True))
    bookings = voucher_cloud().list_voucher_charges(operation.voucher_id)
    if operation.kind == "charge":
        return charge_evidence(bookings, reference=operation.reference, amount=operation.amount, ours=ours)
    rows = list(bookings)
    charge = next((row for row in rows if row.id == operation.target_id), None)
    return refund_evidence(
        rows,
        amount=operation.amount,
        baseline=operation.baseline or (),
        ours=ours,
        reference=operation.reference,
        client_id=(charge and charge.client_id) or "",
    )


def _carry_out_wish(payment: VoucherPayment) -> bool:
    cancel(payment, reason="cancelled while an operation was under way")
    return True
