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
from django.db.models import CharField, F, Max, Q, QuerySet, Value
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
    found = [_Found(*row) for row in _changes(now, to)]
    if ended := [row.pk for row in found if row.what == "ended"]:
        _cases().filter(pk__in=ended, ended_at=None).update(ended_at=now)
    new = sorted(row for row in found if row.what == "new")
    due = Q(pk__in=[row.pk for row in found if row.what == "due"])
    if new:
        due |= Q(batch=_write_down(new, to, now))
    notices = list(_notices().filter(due, _is_due(now)).order_by("pk")) if found else []
    return sum(_send(notice, to) for notice in notices if not stop())


def _cases() -> Any:
    return VoucherStaffCase.current


def _notices() -> Any:
    return VoucherStaffNotice.current


def _changes(now: datetime, to: StaffNotices) -> QuerySet[Any]:
    """Return in one statement the notices that are due, the open rows whose case has ended, and the cases that no open
    row stands for."""
    due = _marked("due", _notices().filter(_is_due(now), channel__in=to.channels), F("channel"))
    ended = [_marked("ended", _ended(kind, rows(now)), _text(kind)) for kind, rows in CASES.items()]
    new = [_marked("new", _not_open(kind, rows(now)), _text(kind)) for kind, rows in CASES.items()]
    changes: QuerySet[Any] = due.union(*ended, *new, all=True).order_by()
    return changes[:MAX_FOUND]


def _is_due(now: datetime) -> Q:
    """Return the condition that no worker is sending a notice, and its next attempt is due."""
    return (Q(due_at__lte=now) | Q(due_at__gt=now + LATEST)) & Q(due_at__isnull=False)


def _marked(what: str, rows: Any, kind: Any) -> Any:
    marked = rows.order_by().annotate(change=_text(what), of_kind=kind)
    return marked.values_list("change", "of_kind", "pk")


def _text(value: str) -> Value:
    return Value(value, output_field=CharField())


def _not_open(kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows that no open case stands for.

    By ``NOT IN``, one look into a hash for each: what PostgreSQL chooses for ``NOT EXISTS`` depends on statistics, and
    a flood comes before these.
    """
    return rows.exclude(pk__in=_cases().filter(kind=kind, ended_at=None).order_by().values("subject_id"))


def _ended(kind: str, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the open cases of a kind whose row is none any more."""
    ended: QuerySet[Any] = _cases().filter(kind=kind, ended_at=None)
    return ended.exclude(subject_id__in=rows.order_by().values("pk"))


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
            _notices().bulk_create(
                VoucherStaffNotice(batch=batch, channel=channel, created_at=now, due_at=now)
                for channel in to.channels
            )
    return batch


def _last_episodes(new: list[_Found]) -> dict[tuple[str, int], int]:
    """Return the last episode of each subject that was a case before, by kind and primary key."""
    return {
        (kind, pk): episode
        for kind in {row.kind for row in new}
        for pks in _batches([row.pk for row in new if row.kind == kind])
        for pk, episode in _cases()
        .filter(kind=kind, subject_id__in=pks)
        .order_by()
        .values_list("subject_id")
        .annotate(last=Max("episode"))
    }


def _batches(pks: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(pks), AT_ONCE):
        yield pks[begin : begin + AT_ONCE]


def _send(notice: VoucherStaffNotice, to: StaffNotices) -> bool:
    """Send one notice, unless another worker does so just now; return whether it was sent."""
    now = timezone.now()
    if not _change(notice, claim=uuid4(), due_at=now + LEASE, attempts=notice.attempts + 1):
        return False
    cases = _standing(notice, now)
    if not cases:  # they ended before
        return _change(notice, due_at=None) and False
    try:
        SENDERS[notice.channel](notice_of(notice.batch, cases, now), to)
    except WebhookNotTakenError as error:
        return _note_failure(notice, str(error), len(cases))
    except Exception as error:  # whatever a mail server, or a template of the shop, may raise
        return _note_failure(notice, type(error).__name__, len(cases))
    _change(notice, due_at=None, sent_at=timezone.now(), error="")
    return True


def _change(notice: VoucherStaffNotice, **fields: Any) -> bool:
    """Change a notice, unless another worker has claimed it since it was read (compare-and-set)."""
    if not _notices().filter(pk=notice.pk, claim=notice.claim, due_at__isnull=False).update(**fields):
        return False
    for name, value in fields.items():
        setattr(notice, name, value)
    return True


def _note_failure(notice: VoucherStaffNotice, reason: str, count: int) -> bool:
    """Plan the next attempt, or give up a notice that was tried for a day."""
    now = timezone.now()
    due_at = next_attempt_at(now, notice.created_at)
    is_last = due_at > notice.created_at + GIVE_UP
    (RunningEvents.notice_given_up if is_last else RunningEvents.notice_not_sent).log(
        channel=notice.channel, notice=str(notice.batch), cases=count, problem=reason
    )
    if not is_last:
        _change(notice, due_at=due_at, error=reason[:100])
        return False
    _change(notice, due_at=None, given_up_at=now, error=reason[:100])
    return False
