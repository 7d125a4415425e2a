"""Notices to staff in trouble: a server that fails for days, settings that change, and a flood of cases."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone, translation

from tests.gateway.test_tell_staff import (  # noqa: F401  fixtures
    SECRET,
    documents,
    make_due,
    receiver,
    staff,
    unpaid,
)
from tests.mail_settings import mail_settings
from voucher_payment_gateway.gateway.recovery import tell_staff
from voucher_payment_gateway.models import VoucherDifference, VoucherStaffCase, VoucherStaffNotice

DIFFERENCES = 10_000


class FailingBackend(EmailBackend):
    """Sends nothing, and counts how often it was asked."""

    asked = 0

    def send_messages(self, messages):
        type(self).asked += 1
        raise TimeoutError


@pytest.fixture
def failing_mail(settings, monkeypatch):
    """The mail server does not answer, until this is called."""
    monkeypatch.setattr(FailingBackend, "asked", 0)
    working = mail_settings("django.core.mail.backends.locmem.EmailBackend")

    def use(backend):
        for name, value in backend.items():
            setattr(settings, name, value)

    use(mail_settings(f"{__name__}.FailingBackend"))
    return lambda: use(working)


def sweep():
    """The step of ``settle``, without the others."""
    return tell_staff.tell_staff(lambda: False)


def tell(gateway_settings, receiver, *channels):  # noqa: F811
    both = {"emails": ["ben@shop.example"], "webhook": receiver.url, "webhook_secret": SECRET}
    wanted = {name: value for name, value in both.items() if name.startswith(channels)}
    gateway_settings(SHOP_URL="https://shop.example", STAFF_NOTICES=wanted)


def told_numbers(receiver):  # noqa: F811
    return sorted(case["order_number"] for document in documents(receiver) for case in document["cases"])


def test_a_mail_server_that_hangs_costs_a_run_one_attempt_and_holds_up_no_webhook(
    staff,  # noqa: F811
    receiver,  # noqa: F811
    failing_mail,
):
    for number in range(4):
        unpaid(f"A-{number}")
        assert sweep() == 1  # the webhook
    assert FailingBackend.asked <= 4
    make_due()
    unpaid("A-4")
    before = FailingBackend.asked
    assert sweep() == 1
    assert FailingBackend.asked == before + 1
    assert told_numbers(receiver) == [f"A-{number}" for number in range(5)]
    failing_mail()
    make_due()
    assert sweep() == 5
    assert sum(message.body.count("Order A-") for message in mail.outbox) == 5


def test_what_waits_for_a_channel_that_was_removed_is_told_by_the_other(
    staff,  # noqa: F811
    receiver,  # noqa: F811
    gateway_settings,
    failing_mail,
):
    tell(gateway_settings, receiver, "email")
    unpaid()
    assert sweep() == 0
    tell(gateway_settings, receiver, "webhook")
    make_due()
    assert [sweep(), sweep(), sweep()] == [0, 1, 0]
    assert told_numbers(receiver) == ["A-1001"]
    failing_mail()
    tell(gateway_settings, receiver, "email", "webhook")
    assert sweep() == 0
    assert not VoucherStaffNotice.objects.filter(due_at__isnull=False).exists()


def test_what_the_other_channel_has_told_is_not_told_again(staff, receiver, gateway_settings, failing_mail):  # noqa: F811
    unpaid()
    assert sweep() == 1
    tell(gateway_settings, receiver, "webhook")
    make_due()
    assert [sweep(), sweep()] == [0, 0]
    assert not VoucherStaffNotice.objects.filter(due_at__isnull=False).exists()


def test_two_workers_with_different_channels_lose_nothing(staff, receiver, gateway_settings, failing_mail):  # noqa: F811
    """While settings are rolled out, each passes to its own channel what the other has written down."""
    receiver.status = 503
    unpaid()
    for channel in ("email", "webhook", "email"):
        tell(gateway_settings, receiver, channel)
        make_due()
        assert sweep() == 0
    failing_mail()
    receiver.status = 204
    for _ in range(2):
        make_due()
        sweep()
    assert [message.body.count("Order A-1001") for message in mail.outbox] == [1]


def test_a_notice_that_waited_for_a_month_is_tried_more_than_once(staff, receiver, gateway_settings):  # noqa: F811
    tell(gateway_settings, receiver, "webhook")
    receiver.status = 503
    unpaid()
    sweep()
    gateway_settings(STAFF_NOTICES=None)
    VoucherStaffNotice.objects.update(created_at=timezone.now() - timedelta(days=30))
    assert sweep() == 0
    tell(gateway_settings, receiver, "webhook")
    make_due()
    assert sweep() == 0
    receiver.status = 204
    make_due()
    assert sweep() == 1
    assert told_numbers(receiver) == ["A-1001", "A-1001", "A-1001"]


def test_a_case_of_a_kind_that_another_version_knows_does_not_stop_the_sweep(staff, receiver, monkeypatch):  # noqa: F811
    """While a new version is rolled out, an older worker leaves its notices to the new ones."""
    row = unpaid()
    receiver.status = 503
    sweep()
    receiver.status = 204
    make_due()
    with monkeypatch.context() as older:
        known = {kind: rows for kind, rows in tell_staff.CASES.items() if kind != "unpaid"}
        older.setattr(tell_staff, "CASES", known)
        assert sweep() == 0
    make_due()
    assert VoucherStaffCase.objects.get(subject_id=row.pk).ended_at is None
    assert sweep() == 1


def test_a_run_in_another_language_writes_in_that_of_the_shop(staff, receiver, settings):  # noqa: F811
    """As in a worker that serves tasks with the language of a request."""
    settings.LANGUAGE_CODE = "de"
    unpaid()
    with translation.override("en"):
        sweep()
    title = "Bestätigte Bestellungen, die der Gutschein nicht mehr bezahlt"
    assert title in mail.outbox[0].body
    assert documents(receiver)[0]["cases"][0]["title"] == title


if connection.vendor == "postgresql":  # SQLite compares by a tree

    def test_a_flood_that_stands_is_compared_by_no_loop_in_a_loop(staff, receiver, gateway_settings):
        """With little memory too: ``NOT IN`` is one look into a hash for each row only as long as the hash fits."""
        now = timezone.now()
        VoucherDifference.objects.bulk_create(
            VoucherDifference(
                kind="theirs_only", voucher_id=f"v-{number}", first_seen_at=now, last_seen_at=now
            )
            for number in range(DIFFERENCES)
        )
        assert sweep() == 2
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            cursor.execute("SET work_mem = '64kB'")
            changes = tell_staff._changes(now)
            cursor.execute(
                "EXPLAIN " + str(changes.query.sql_with_params()[0]), changes.query.sql_with_params()[1]
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
            cursor.execute("RESET work_mem")
        assert "Materialize" not in plan
        assert list(changes) == []
