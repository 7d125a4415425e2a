"""Settle: finish operations that are due, abandoned, or have an unknown outcome."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone

from voucher_payment_gateway.api.limits import patiently
from voucher_payment_gateway.conf import gateway_settings
from voucher_payment_gateway.connection import has_failed_since, openings
from voucher_payment_gateway.gateway.operations.execute import execute_due
from voucher_payment_gateway.gateway.operations.registry import HANDLERS
from voucher_payment_gateway.gateway.operations.schedule import lease_seconds
from voucher_payment_gateway.gateway.operations.transitions import mark_abandoned
from voucher_payment_gateway.gateway.records.conflicts import refuse_open_transaction
from voucher_payment_gateway.gateway.records.instance import refuse_other_instance
from voucher_payment_gateway.gateway.recovery.by_status import run_by_status
from voucher_payment_gateway.gateway.recovery.each import each
from voucher_payment_gateway.gateway.recovery.expire import erase_codes, lapse, without_operation
from voucher_payment_gateway.gateway.recovery.future import correct_future_instants
from voucher_payment_gateway.gateway.recovery.given_up import sell_given_up
from voucher_payment_gateway.gateway.recovery.last_sweep import record_sweep
from voucher_payment_gateway.gateway.recovery.postponed import run_postponed
from voucher_payment_gateway.gateway.recovery.queue import lease_each, lease_operation
from voucher_payment_gateway.gateway.recovery.remind import due_reminders, remind
from voucher_payment_gateway.gateway.recovery.renew import ending_holds, keep_alive, put_off
from voucher_payment_gateway.gateway.recovery.resolve import lease_rereading, read_again, resolve
from voucher_payment_gateway.gateway.recovery.sales import (
    due_deliveries,
    due_sales,
    give_up_unpaid,
    lease_sale,
    unpaid_sales,
)
from voucher_payment_gateway.gateway.recovery.tell_staff import tell_staff
from voucher_payment_gateway.gateway.recovery.threads import SweepThreads, threads_at_once
from voucher_payment_gateway.gateway.verbs.advance import advance
from voucher_payment_gateway.gateway.verbs.cancel import cancel, end_refunded
from voucher_payment_gateway.gateway.verbs.hand_over import hand_over_leased, lease_delivery
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherOperation, VoucherPayment
from voucher_payment_gateway.models.conditions import IS_NOT_ENDED, IS_OPEN
from voucher_payment_gateway.rules.states import GIVES_BACK, MONEY_KINDS, OPEN_STATES
from voucher_payment_gateway.telemetry import verb

__all__ = ["SettleReport", "deliver_due", "remind_due", "settle"]

MAX_LIMIT = 1_000_000
"""Maximum of ``limit``: the operations of each sort in one run."""

MAIL_SECONDS = 60.0
"""How long one run sends mails of each sort; the mail that is being sent then is finished."""


@dataclass(frozen=True)
class SettleReport:
    """The number of operations or payments that one run of ``settle`` processed, per step."""

    sent: int = 0
    """Due operations that were sent."""
    abandoned: int = 0
    """Operations whose lease expired; their outcome is unknown now."""
    found: int = 0
    """Unknown operations whose booking was found at the Voucher Cloud."""
    manual: int = 0
    """Unknown operations that need a person's decision."""
    cancelled: int = 0
    """Payments whose stored cancel request was carried out."""
    by_status: int = 0
    """Verbs that the status of an order asked for and that had not been run, with ``ON_STATUS``; refunds and
    cancellations that an event asked for while the vouchers that the order sold were being taken back."""
    renewed: int = 0
    """Reservations renewed before they ended, with ``RENEW_HOLDS``."""
    unpaid: int = 0
    """Sold vouchers that are deleted since their order was not paid within ``UNPAID_SALE_DAYS``."""
    sold: int = 0
    """Sold vouchers that were brought forward: created, activated or taken back."""
    delivered: int = 0
    """Codes of sold vouchers that were handed over."""
    reminded: int = 0
    """Recipients who were reminded that their voucher expires, with ``REMIND_DAYS``."""
    lapsed: int = 0
    """Payments whose reservation expired, so that nothing is held for them any more."""
    erased: int = 0
    """Stored codes that were erased at their expiry."""
    reviews: int = 0
    """Operations of which the trailing read found a surplus booking: a review is requested."""
    told: int = 0
    """Notices to staff about cases that need a person, with ``STAFF_NOTICES``."""
    unavailable: int = 0
    """Merchant accounts whose Voucher Cloud did not answer at the end: what they need is left to the next run."""
    still_open: int = 0
    """Operations that are not decided after this run."""


@verb
@patiently()
def settle(limit: int = 100, *, stop: Callable[[], bool] | None = None) -> SettleReport:
    """Finish up to ``limit`` operations of each sort, and return how many.

    Due operations are sent, abandoned ones become unknown, and unknown ones are resolved step by step: searched
    among the voucher's bookings, fenced or waited for, then recorded, sent again, or ended. With ``ON_STATUS`` the
    status of the orders of up to ``limit`` payments is looked at again: a bulk update is made up for, and a crash
    before a hook. Expired reservations lapse, and expired codes are erased. Instants that a clock which was ahead has
    written are corrected first. Several operations are worked on at the same time, each in a thread of its own, never
    two of one voucher (``SETTLE_THREADS``). The end of a run that was not stopped is stored: ``SETTLE_LATE_MINUTES``.
    Safe to run twice, and in several processes at once, which share the work. Call it often, for example every minute.
    Once ``stop`` returns true, the operations in flight are finished and no other begun; so it is once no Voucher Cloud
    answers any more, and what is left is due in the next run.

    Raises ValueError for a ``limit`` below 1, TransactionManagementError inside a transaction: an operation could not
    be committed before it is sent; UnavailableError (``other_instance``) where the database is not that of
    ``INSTANCE``. Nothing was sent or changed then.
    """
    _check(limit)
    correct_future_instants(limit)
    now, stopped = timezone.now(), stop or _never
    unavailable_accounts = partial(_unavailable_accounts, _openings())
    report = _take_steps(limit, now, stopped, _or_unavailable(stopped, unavailable_accounts))
    unavailable = unavailable_accounts()
    if unavailable:
        RunningEvents.settle_cut_short.log(accounts=unavailable)
    if not stopped():
        record_sweep()
    operations = VoucherOperation.current
    return replace(
        report,
        unavailable=len(unavailable),
        manual=operations.filter(state="manual", settled_at__gte=now).count(),
        still_open=operations.filter(IS_OPEN).count(),
    )


def _take_steps(
    limit: int, now: datetime, stopped: Callable[[], bool], stop: Callable[[], bool]
) -> SettleReport:
    """Take each step, one after the other. ``stop`` ends those that need the Voucher Cloud, ``stopped`` the others."""
    with SweepThreads(threads_at_once()) as threads:
        leased = partial(lease_each, limit=limit, at_once=threads.free)
        report = SettleReport(
            abandoned=each(lease_each(_abandoned(now), limit, lease_operation), _mark_abandoned, stopped),
            sent=each(leased(_open("due", now), lease=lease_operation), _send, stop, threads),
            found=each(leased(_open("unknown", now), lease=lease_operation), _resolve, stop, threads),
            cancelled=each(_cancel_requests(limit), _carry_out_cancel, stop, threads),
            by_status=run_by_status(limit, stop),
            renewed=each(leased(ending_holds(), lease=put_off), keep_alive, stop, threads),
            unpaid=each(unpaid_sales(limit), give_up_unpaid, stop),
            sold=each(leased(due_sales(), lease=lease_sale), advance, stop, threads),
            delivered=_deliver(limit, _for_a_minute(stopped)),
            reminded=each(due_reminders(limit), remind, _for_a_minute(stopped)),
            lapsed=lapse(limit),
            erased=erase_codes(limit),
            reviews=each(leased(_due_for_rereading(now), lease=lease_rereading), _read_again, stop, threads),
            told=tell_staff(_for_a_minute(stopped)),
        )
    late = sell_given_up(limit, stop) + run_postponed(limit, stop)
    return replace(report, by_status=report.by_status + late)


@patiently()
def deliver_due(limit: int = 100, *, stop: Callable[[], bool] | None = None) -> int:
    """Hand over up to ``limit`` codes of sold vouchers that are due, as ``settle`` does, and return how many.

    For a process of its own where mails are slow or many. Safe beside ``settle`` and other processes: each delivery
    is leased. Once ``stop`` returns true, the mail in flight is finished and no other begun. Raises as ``settle``;
    nothing was sent then.
    """
    _check(limit)
    return _deliver(limit, stop or _never)


def remind_due(limit: int = 100, *, stop: Callable[[], bool] | None = None) -> int:
    """Send up to ``limit`` reminders that are due with ``REMIND_DAYS``, as ``settle`` does, and return how many. As
    ``deliver_due`` else."""
    _check(limit)
    return each(due_reminders(limit), remind, stop or _never)


def _check(limit: int) -> None:
    if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit: give a whole number from 1 to {MAX_LIMIT}")
    refuse_open_transaction()
    refuse_other_instance()


def _open(state: str, now: datetime) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment", "sale").order_by("due_at", "pk")
    return operations.filter(IS_OPEN, state=state, due_at__lte=now, kind__in=HANDLERS)


def _abandoned(now: datetime) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment", "sale").order_by("due_at", "pk")
    lease_began = now - timedelta(seconds=lease_seconds())
    return operations.filter(IS_OPEN, state="sending", sending_at__lt=lease_began)


def _cancel_requests(limit: int) -> QuerySet[VoucherPayment]:
    """Return payments with a cancel request and no undecided operation. A refund refused since needs review first."""
    undecided = (
        Q(state__in=OPEN_STATES)
        | Q(kind__in=MONEY_KINDS, state="manual")
        | Q(kind__in=GIVES_BACK, state="refused", created_at__gte=OuterRef("cancel_requested_at"))
        | Q(state="refused", replacements__status__in=("ordered", "issued"))
    )
    requested = VoucherPayment.current.filter(IS_NOT_ENDED, cancel_requested_at__isnull=False)
    return without_operation(requested, undecided).order_by("cancel_requested_at", "pk")[:limit]


def _deliver(limit: int, stop: Callable[[], bool]) -> int:
    return each(lease_each(due_deliveries(), limit, lease_delivery), hand_over_leased, stop)


def _due_for_rereading(now: datetime) -> QuerySet[VoucherOperation]:
    operations = VoucherOperation.current.select_related("payment", "sale")
    return operations.filter(reread_at__lte=now).order_by("reread_at", "pk")


def _never() -> bool:
    return False


def _openings() -> dict[str, int]:
    return {name: openings(name) for name in gateway_settings().account_names}


def _unavailable_accounts(before: dict[str, int]) -> list[str]:
    """Return the accounts whose Voucher Cloud has not answered this run; ``before``: their openings at its begin."""
    return [name for name, count in before.items() if has_failed_since(name, count)]


def _or_unavailable(stop: Callable[[], bool], unavailable: Callable[[], list[str]]) -> Callable[[], bool]:
    """Return a ``stop`` that also ends a step once no Voucher Cloud answers: each operation would only wait in vain.
    Every run tries at least once, since nothing else may tell that the Voucher Cloud answers again."""
    return lambda: stop() or len(unavailable()) == len(gateway_settings().account_names)


def _for_a_minute(stop: Callable[[], bool]) -> Callable[[], bool]:
    """Return a ``stop`` that ends the step after a minute: a mail server that hangs must not hold up what moves money.
    The next run goes on with the others."""
    began = monotonic()
    return lambda: stop() or monotonic() - began > MAIL_SECONDS


def _send(operation: VoucherOperation) -> bool:
    execute_due(HANDLERS[operation.kind], operation, was_left_due=True)
    return True


def _mark_abandoned(operation: VoucherOperation) -> bool:
    """Set an operation whose lease expired to ``unknown``, never to due; a release has no outcome to wait for."""
    # K21: the lease expired, nothing of that written
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
