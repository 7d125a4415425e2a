"""Tell staff of the cases that need a person: each once, by mail, by a webhook, or both (``STAFF_NOTICES``).

Cases are written down before anything is sent, with one notice for each way. A notice is leased before it is sent and
noted after it: only a crash between the two, or a worker that stands still for longer, sends it once more, with the
same key.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import CharField, Max, Q, QuerySet, Value
from django.utils import timezone

from voucher_payment_gateway.cases import CASES
from voucher_payment_gateway.conf import StaffNotices, gateway_settings
from voucher_payment_gateway.delivery.staff_cases import Notice, notice_of
from voucher_payment_gateway.delivery.staff_mail import send_staff_mail
from voucher_payment_gateway.delivery.staff_webhook import WebhookNotTakenError, send_staff_webhook
from voucher_payment_gateway.gateway.records.conflicts import database
from voucher_payment_gateway.log_events import RunningEvents
from voucher_payment_gateway.models import VoucherStaffCase, VoucherStaffNotice
from voucher_payment_gateway.rules.timing import MAX_BACKOFF_SECONDS, next_attempt_at

__all__ = ["GIVE_UP", "LEASE", "tell_staff"]

LEASE = timedelta(minutes=5)
"""How long a worker has for one notice, before another one sends it."""

GIVE_UP = timedelta(days=1)
"""How long a notice is tried. The cases stay on the page "needs attention"."""

MIN_ATTEMPTS = 5
"""A notice is tried this often, however old it is: it may have waited while no worker ran or nothing was to be told."""

MAX_FOUND = 10_000
"""Cases that one run begins or ends; the next run goes on."""

AT_ONCE = 500
"""Rows that one statement names."""

LATEST = timedelta(seconds=2 * MAX_BACKOFF_SECONDS)
"""An attempt further in the future was planned by a clock that was ahead: it is due."""

SENDERS: dict[str, Callable[[Notice, StaffNotices], None]] = {
    "mail": send_staff_mail,
    "webhook": send_staff_webhook,
}


class _Found(NamedTuple):
    what: str
    kind: str
    pk: int


def tell_staff(stop: Callable[[], bool]) -> int:
    """Write down which cases are new and which have ended, and send the notices that are due; return how many were
    sent. One statement where nothing is open, none without ``STAFF_NOTICES``. What fails is logged and tried again."""
    to = gateway_settings().STAFF_NOTICES
    if to is None:
        return 0
    now = timezone.now()
    found = [_Found(*row) for row in _changes(now)]
    _end([row for row in found if row.what == "ended"], now)
    new = sorted(row for row in found if row.what == "new")
    due = Q(pk__in=[row.pk for row in found if row.what == "due"])
    if new:
        due |= Q(batch=_write_down(new, to, now))
    notices = list(_notices().filter(due, _is_due(now)).order_by("due_at", "pk")) if found else []
    for notice in notices:
        if notice.channel not in to.channels:
            _hand_over(notice, to, now)
    return _send_each([notice for notice in notices if notice.channel in to.channels], to, stop)


def _cases() -> Any:
    return VoucherStaffCase.current


def _notices() -> Any:
    return VoucherStaffNotice.current


def _changes(now: datetime) -> QuerySet[Any]:
    """Return in one statement the notices that are due, the subjects whose open case has ended, and those that have
    become a case.

    Both by ``EXCEPT``, which sorts or hashes however many there are: for ``NOT IN`` a database compares each row with
    each case once they outgrow its memory, and for ``NOT EXISTS`` while its statistics are from before a flood.
    """
    ended, new = [], []
    for kind, rows in CASES.items():
        open_cases = _cases().filter(kind=kind, ended_at=None)
        ended.append(
            _marked("ended", kind, open_cases, "subject_id")
            .difference(_marked("ended", kind, rows(now)))
            .order_by()
        )
        new.append(
            _marked("new", kind, rows(now))
            .difference(_marked("new", kind, open_cases, "subject_id"))
            .order_by()
        )
    due = _marked("due", "", _notices().filter(_is_due(now)))
    changes: QuerySet[Any] = due.union(*ended, *new, all=True).order_by()
    return changes[:MAX_FOUND]


def _is_due(now: datetime) -> Q:
    """Return the condition that no worker is sending a notice, and its next attempt is due."""
    return (Q(due_at__lte=now) | Q(due_at__gt=now + LATEST)) & Q(due_at__isnull=False)


def _marked(what: str, kind: str, rows: Any, pk: str = "pk") -> Any:
    marked = rows.order_by().annotate(change=_text(what), of_kind=_text(kind))
    return marked.values_list("change", "of_kind", pk)


def _text(value: str) -> Value:
    return Value(value, output_field=CharField())


def _end(found: list[_Found], now: datetime) -> None:
    for kind, pks in _by_kind(found):
        _cases().filter(kind=kind, subject_id__in=pks, ended_at=None).update(ended_at=now)


def _standing(notice: VoucherStaffNotice, now: datetime) -> list[VoucherStaffCase]:
    """Return the cases of a notice that need a person still, the newest first."""
    told = list(_cases().filter(batch=notice.batch, ended_at=None).order_by("-pk"))
    standing = {
        (kind, pk)
        for kind in {case.kind for case in told}
        for pks in _batches([case.subject_id for case in told if case.kind == kind])
        for pk in CASES[kind](now).filter(pk__in=pks).order_by().values_list("pk", flat=True)
    }
    return [case for case in told if (case.kind, case.subject_id) in standing]


def _write_down(new: list[_Found], to: StaffNotices, now: datetime) -> UUID:
    """Write cases and notices together, and return their batch. A case that another run wrote first is left to it."""
    batch, last = uuid4(), _last_episodes(new)
    cases = [
        VoucherStaffCase(
            kind=row.kind,
            subject_id=row.pk,
            episode=last.get((row.kind, row.pk), 0) + 1,
            batch=batch,
            found_at=now,
        )
        for row in new
    ]
    with transaction.atomic(using=database()):
        _cases().bulk_create(cases, ignore_conflicts=True, batch_size=AT_ONCE)
        if _cases().filter(batch=batch).exists():
            _write_notices(batch, to, now)
    return batch


def _last_episodes(new: list[_Found]) -> dict[tuple[str, int], int]:
    """Return the last episode of each subject that was a case before, by kind and primary key."""
    return {
        (kind, pk): episode
        for kind, pks in _by_kind(new)
        for pk, episode in _cases()
        .filter(kind=kind, subject_id__in=pks)
        .order_by()
        .values_list("subject_id")
        .annotate(last=Max("episode"))
    }


def _by_kind(found: list[_Found]) -> Iterator[tuple[str, list[int]]]:
    """Yield each kind with the primary keys of its rows, as many as one statement names."""
    for kind in sorted({row.kind for row in found}):
        for pks in _batches([row.pk for row in found if row.kind == kind]):
            yield kind, pks


def _batches(pks: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(pks), AT_ONCE):
        yield pks[begin : begin + AT_ONCE]


def _hand_over(notice: VoucherStaffNotice, to: StaffNotices, now: datetime) -> None:
    """Let the channels that are set tell what waits for one that no longer is; not again what they have told."""
    with transaction.atomic(using=database()):
        if not _change(notice, claim=uuid4(), due_at=None):
            return
        _write_notices(notice.batch, to, now)
        closed = _notices().filter(batch=notice.batch, channel__in=to.channels, due_at=None)
        closed.filter(sent_at=None, given_up_at=None).update(due_at=now)


def _write_notices(batch: UUID, to: StaffNotices, now: datetime) -> None:
    """Write a notice for each channel that has none of this batch."""
    _notices().bulk_create(
        (
            VoucherStaffNotice(batch=batch, channel=channel, created_at=now, due_at=now)
            for channel in to.channels
        ),
        ignore_conflicts=True,
    )


def _send_each(notices: list[VoucherStaffNotice], to: StaffNotices, stop: Callable[[], bool]) -> int:
    """Send the notices, and return how many were sent. A channel that fails is left to the next run: a mail server that
    hangs costs one timeout, and holds up no webhook."""
    count, failing = 0, set()
    for notice in notices:
        if stop():
            break
        if notice.channel in failing or not _lease(notice):
            continue
        try:
            is_sent = _send(notice, to)
        except Exception as error:  # whatever a mail server, or a template of the shop, may raise
            _note_failure(
                notice, str(error) if isinstance(error, WebhookNotTakenError) else type(error).__name__
            )
            failing.add(notice.channel)
        else:
            _change(notice, due_at=None, **({"sent_at": timezone.now(), "error": ""} if is_sent else {}))
            count += is_sent
    return count


def _lease(notice: VoucherStaffNotice) -> bool:
    """Keep other workers from a notice while it is sent; return False if another one was first."""
    return _change(notice, claim=uuid4(), due_at=timezone.now() + LEASE, attempts=notice.attempts + 1)


def _send(notice: VoucherStaffNotice, to: StaffNotices) -> bool:
    """Send one notice; return False if its cases ended before."""
    now = timezone.now()
    if cases := _standing(notice, now):
        SENDERS[notice.channel](notice_of(notice.batch, cases, now), to)
    return bool(cases)


def _change(notice: VoucherStaffNotice, **fields: Any) -> bool:
    """Change a notice, unless another worker has claimed it since it was read (compare-and-set)."""
    if not _notices().filter(pk=notice.pk, claim=notice.claim, due_at__isnull=False).update(**fields):
        return False
    for name, value in fields.items():
        setattr(notice, name, value)
    return True


def _note_failure(notice: VoucherStaffNotice, reason: str) -> None:
    """Plan the next attempt, or give up a notice that was tried for a day."""
    now = timezone.now()
    due_at = next_attempt_at(now, notice.created_at)
    is_last = due_at > notice.created_at + GIVE_UP and notice.attempts >= MIN_ATTEMPTS
    (RunningEvents.notice_given_up if is_last else RunningEvents.notice_not_sent).log(
        channel=notice.channel,
        notice=str(notice.batch),
        cases=_cases().filter(batch=notice.batch, ended_at=None).count(),
        problem=reason,
    )
    ending = {"due_at": None, "given_up_at": now} if is_last else {"due_at": due_at}
    _change(notice, error=reason[:100], **ending)
