"""Staff is told of each case that needs a person: once, by mail and by a webhook, and of no case that has ended."""

import json
import logging
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from tests.admin.test_attention import trouble  # noqa: F401  a fixture
from tests.admin.test_lists import payment
from tests.docs.pages import DOCS, blocks, page, plain, rows, section
from tests.gateway.test_budget import Cost
from tests.gateway.test_query_plans import Statements
from tests.gateway.test_simultaneous_calls import at_once
from tests.gateway.webhook_receiver import webhook_receiver
from tests.ledger_rows import fill
from tests.mail_settings import mail_settings
from voucher_payment_gateway import gateway
from voucher_payment_gateway.cases import CASES
from voucher_payment_gateway.gateway.recovery.tell_staff import MIN_ATTEMPTS
from voucher_payment_gateway.models import (
    VoucherOperation,
    VoucherPayment,
    VoucherStaffCase,
    VoucherStaffNotice,
)

SECRET = "a secret of staff, longer than 32 characters"
ATTENTION = "https://shop.example/admin/voucher_payment_gateway/voucherpayment/attention/"


@pytest.fixture
def receiver():
    with webhook_receiver() as server:
        yield server


@pytest.fixture
def staff(shop, gateway_settings, receiver):
    """The shop whose staff is told by mail and webhook; call it for a run of ``settle``."""
    told = {"emails": ["ben@shop.example"], "webhook": receiver.url, "webhook_secret": SECRET}
    gateway_settings(SHOP_URL="https://shop.example", STAFF_NOTICES=told)
    return lambda: gateway.settle().told


def unpaid(number="A-1001"):
    return payment(number, status="failed", amount_captured=0)


def dealt_with(row, *, is_done=True):
    VoucherPayment.objects.filter(pk=row.pk).update(cancel_requested_at=timezone.now() if is_done else None)


def make_due():
    """Let the time come of every notice that waits for its next attempt, or whose lease has not ended."""
    VoucherStaffNotice.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def documents(receiver):
    return [json.loads(body) for _, _, body in receiver.received]


def test_a_case_is_told_once_by_mail_and_webhook(staff, receiver):
    row = unpaid()
    assert [staff(), staff()] == [2, 0]
    (message,), (document,) = mail.outbox, documents(receiver)
    assert (message.to, message.subject) == (["ben@shop.example"], "Gift vouchers: 1 case needs a person")
    url = "https://shop.example/admin/voucher_payment_gateway/voucherpayment/order/?number=A-1001"
    assert f"Order A-1001, €10.00\n{url}\n" in message.body
    assert ATTENTION in message.body
    case = VoucherStaffCase.objects.get()
    assert document == {
        "version": 1,
        "id": str(case.batch),
        "shop_url": "https://shop.example",
        "attention_url": ATTENTION,
        "total": 1,
        "counts": {"unpaid": 1},
        "cases": [
            {
                "id": f"unpaid-{row.pk}-1",
                "kind": "unpaid",
                "title": "Confirmed orders that the gift voucher does not pay any more",
                "order_number": "A-1001",
                "account": "",
                "amount": "10.00",
                "currency": "EUR",
                "since": case.found_at.isoformat(),
                "url": url,
            }
        ],
    }


def test_the_signature_is_verified_as_the_documentation_says(staff, receiver):
    unpaid()
    staff()
    ((_, headers, body),) = receiver.received
    (example,) = [block for block in blocks(DOCS / "how-to/tell-staff.md") if "verify" in block.options]
    exec(example.text, names := {})
    is_authentic, signature = names["is_authentic"], headers["Voucher-Signature"]
    assert is_authentic(SECRET, signature, body)
    assert not is_authentic(SECRET, signature, body + b" ")
    assert not is_authentic("another secret", signature, body)
    signed_at = int(signature.partition(",")[0].removeprefix("t="))
    assert not is_authentic(SECRET, signature.replace(f"t={signed_at}", f"t={signed_at - 301}"), body)
    assert headers["Idempotency-Key"] == json.loads(body)["id"]
    assert headers["Content-Type"] == "application/json"


def test_every_kind_is_told_and_nothing_of_a_customer_or_a_code(staff, trouble, receiver, client, admin_user):  # noqa: F811
    staff()
    (document,), (message,) = documents(receiver), mail.outbox
    assert {case["kind"] for case in document["cases"]} == set(CASES)
    assert document["total"] == sum(len(rows(timezone.now())) for rows in CASES.values())
    for secret in ("ada@example.org", "ABCD"):
        assert secret not in message.body + json.dumps(document)
    client.force_login(admin_user)
    for case in document["cases"]:
        path = case["url"].removeprefix("https://shop.example")
        assert client.get(path.partition("#")[0]).status_code == 200, case
        assert case["url"] in message.body


def test_the_page_names_every_kind():
    told = section(page("how-to/tell-staff.md"), "What is told")
    assert [plain(kind) for kind, _ in rows(told)] == list(CASES)


def test_a_case_that_comes_back_is_told_again(staff, receiver):
    row = unpaid()
    assert staff() == 2
    dealt_with(row)
    assert staff() == 0
    dealt_with(row, is_done=False)
    assert staff() == 2
    ids = [case["id"] for document in documents(receiver) for case in document["cases"]]
    assert ids == [f"unpaid-{row.pk}-1", f"unpaid-{row.pk}-2"]


def test_a_case_that_ended_before_it_was_sent_is_not_told(staff, receiver):
    first, second = unpaid("A-1"), unpaid("A-2")
    receiver.status = 503
    assert staff() == 1  # the mail
    dealt_with(first)
    receiver.status = 204
    make_due()
    assert staff() == 1
    assert [case["order_number"] for case in documents(receiver)[-1]["cases"]] == ["A-2"]
    receiver.status = 503
    third = unpaid("A-3")
    staff()
    dealt_with(third)
    make_due()
    count = len(receiver.received)
    assert staff() == 0
    assert len(receiver.received) == count
    assert not VoucherStaffNotice.objects.filter(due_at__isnull=False).exists()
    assert second.pk in VoucherStaffCase.objects.filter(ended_at=None).values_list("subject_id", flat=True)


def test_a_flood_is_one_mail_and_one_post(staff, receiver):
    for number in range(60):
        unpaid(f"A-{number}")
    assert staff() == 2
    (message,), (document,) = mail.outbox, documents(receiver)
    assert message.subject == "Gift vouchers: 60 cases need a person"
    assert message.body.count("Order A-") == len(document["cases"]) == 50
    assert "and 10 more. All together:\n\n60 × Confirmed orders that" in message.body
    assert document["total"] == 60
    assert document["cases"][0]["order_number"] == "A-59"


def test_four_sweeps_at_once_send_once(staff, receiver):
    for number in range(20):
        unpaid(f"A-{number}")
    at_once(*[staff] * 4)
    staff()
    told = [case["order_number"] for document in documents(receiver) for case in document["cases"]]
    assert sorted(told) == sorted(f"A-{number}" for number in range(20))
    assert sum(message.body.count("Order A-") for message in mail.outbox) == 20


class CrashError(BaseException):
    """The end of the process at this point: nothing catches it."""


class CrashingBackend(EmailBackend):
    """Ends the process before or after it sends."""

    moment = ""

    def send_messages(self, messages):
        if self.moment == "before":
            raise CrashError
        count = super().send_messages(messages)
        if self.moment == "after":
            raise CrashError
        return count


@pytest.mark.parametrize(("moment", "mails"), [("before", 1), ("after", 2)])
def test_a_crash_loses_no_notice_and_repeats_one_at_most(staff, settings, monkeypatch, moment, mails):
    for name, value in mail_settings(f"{__name__}.CrashingBackend").items():
        setattr(settings, name, value)
    monkeypatch.setattr(CrashingBackend, "moment", moment)
    unpaid()
    with pytest.raises(CrashError):
        staff()
    monkeypatch.setattr(CrashingBackend, "moment", "")
    assert staff() == 1  # the webhook; the mail is leased
    make_due()
    assert [staff(), staff()] == [1, 0]
    assert len(mail.outbox) == mails
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 1


def test_a_case_that_was_written_down_by_a_run_that_stopped_is_told_by_the_next(staff):
    unpaid()
    assert gateway.settle(stop=lambda: True).told == 0
    assert VoucherStaffNotice.objects.filter(attempts=0).count() == 2
    assert [staff(), staff()] == [2, 0]


def test_a_webhook_whose_answer_was_lost_is_sent_again_with_the_same_key(staff, receiver, monkeypatch):
    monkeypatch.setattr("voucher_payment_gateway.api.webhook.DEADLINE_SECONDS", 0.3)
    receiver.answers.clear()
    unpaid()
    assert staff() == 1
    assert VoucherStaffNotice.objects.get(channel="webhook").error == "no_answer"
    receiver.answers.set()
    make_due()
    assert staff() == 1
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.received]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_redirect_is_not_followed(staff, receiver):
    receiver.status, receiver.location = 307, f"{receiver.url}/elsewhere"
    unpaid()
    staff()
    assert [path for path, _, _ in receiver.received] == ["/hook"]
    assert VoucherStaffNotice.objects.get(channel="webhook").error == "status_307"


def test_a_notice_is_tried_with_backoff_and_given_up_after_a_day(staff, receiver, caplog):
    receiver.status = 500
    unpaid()
    staff()
    notice = VoucherStaffNotice.objects.get(channel="webhook")
    assert timedelta(seconds=20) < notice.due_at - timezone.now() <= timedelta(seconds=30)
    staff()
    assert len(receiver.received) == 1
    VoucherStaffNotice.objects.update(
        created_at=timezone.now() - timedelta(hours=23, minutes=30), attempts=MIN_ATTEMPTS - 1
    )
    make_due()
    with caplog.at_level(logging.ERROR, "voucher_payment_gateway"):
        staff()
    assert "about 1 gift voucher cases was given up: status_500" in caplog.text
    assert SECRET not in caplog.text
    notice.refresh_from_db()
    assert (notice.due_at, notice.sent_at, notice.attempts) == (None, None, MIN_ATTEMPTS)
    assert notice.given_up_at is not None


def test_an_attempt_that_a_wrong_clock_has_planned_is_made(staff, receiver):
    receiver.status = 500
    unpaid()
    staff()
    VoucherStaffNotice.objects.filter(channel="webhook").update(due_at=timezone.now() + timedelta(days=1))
    receiver.status = 204
    assert staff() == 1


def test_a_worker_without_an_admin_tells_without_links(staff, receiver, settings):
    del settings.ROOT_URLCONF
    unpaid()
    assert staff() == 2
    (document,) = documents(receiver)
    assert (document["attention_url"], document["cases"][0]["url"]) == ("", "")
    assert "Order A-1001, €10.00\n" in mail.outbox[0].body
    assert "what to do:" not in mail.outbox[0].body  # it would name no page


def test_the_mail_is_written_in_the_language_of_the_shop(staff, settings):
    settings.LANGUAGE_CODE = "de"
    unpaid()
    staff()
    assert mail.outbox[0].subject == "Gutscheine: 1 Fall braucht einen Menschen"
    assert "Bestellung A-1001, 10,00\N{NO-BREAK SPACE}€" in mail.outbox[0].body


def test_a_sweep_costs_one_statement_more_where_nothing_is_open(shop, staff, gateway_settings):
    staff()
    with Cost(shop) as cost:
        staff()
    gateway_settings(STAFF_NOTICES=None)
    staff()
    with Cost(shop) as without:
        staff()
    assert len(cost.statements) == len(without.statements) + 1
    assert writes(cost) == writes(without)
    assert (mail.outbox, VoucherStaffCase.objects.count()) == ([], 0)


def writes(cost):
    return [sql for sql in cost.statements if not sql.startswith(("SELECT", "(SELECT", "SHOW"))]


if connection.vendor != "mysql":  # whose plans are not read

    def test_a_sweep_finds_cases_by_what_is_open_only(shop, staff):
        fill("default", 20_000)
        VoucherOperation.objects.filter(pk=1).update(
            state="unknown", due_at=timezone.now() + timedelta(hours=1)
        )
        unpaid()
        with Statements() as statements:
            assert staff() == 2
        walks = [(sql, step) for sql, step in statements.walks if step[1] != "vpg_difference_open"]
        assert walks == []
