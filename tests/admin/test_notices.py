"""Notices to staff: who may look sees which were sent, wait or were given up; no page changes one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from voucher_payment_gateway.models import VoucherStaffCase, VoucherStaffNotice

LIST = "/admin/voucher_payment_gateway/voucherstaffnotice/"
VIEW = "view_voucherstaffnotice"
NOW = timezone.now()


@pytest.fixture
def notices(transactional_db):
    """One of each sort, by name."""
    ends = {
        "sent": {"sent_at": NOW},
        "waiting": {"due_at": NOW, "error": "status_503"},
        "given-up": {"given_up_at": NOW, "error": "TimeoutError", "attempts": 31},
        "ended": {},
    }
    return {
        name: VoucherStaffNotice.objects.create(batch=uuid4(), channel="mail", created_at=NOW, **end)
        for name, end in ends.items()
    }


def test_what_was_given_up_or_waits_is_found(notices, desk):
    clerk = desk(VIEW).client
    shown = {
        end: list(clerk.get(LIST, {"end": end}).context["cl"].result_list) for end in ("given_up", "waiting")
    }
    assert shown == {"given_up": [notices["given-up"]], "waiting": [notices["waiting"]]}
    assert list(clerk.get(LIST).context["cl"].result_list) == [*notices.values()][::-1]
    assert "TimeoutError" in clerk.get(LIST).text


def test_a_notice_says_of_what_it_was(notices, desk):
    told = notices["given-up"]
    for number in range(3):
        VoucherStaffCase.objects.create(
            kind="unpaid", subject_id=number, episode=1, batch=told.batch, found_at=NOW,
            ended_at=NOW + timedelta(days=1) if number else None,
        )  # fmt: skip
    page = desk(VIEW).client.get(f"{LIST}{told.pk}/change/").text
    assert "3 × Confirmed orders that the gift voucher does not pay any more" in page
    with translation.override("de"):
        assert (
            "3 × Bestätigte Bestellungen"
            in desk(VIEW, name="eva").client.get(f"{LIST}{told.pk}/change/").text
        )


def test_no_page_changes_one_and_the_permission_is_its_own(notices, desk, admin_client):
    address = f"{LIST}{notices['waiting'].pk}/change/"
    assert admin_client.post(address, {"error": ""}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{notices['sent'].pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk("view_voucherpayment").client.get(LIST).status_code == 403
    assert desk(VIEW, name="eva").client.get(LIST, {"claim": notices["sent"].claim}).status_code == 400


def test_the_list_is_not_counted_and_what_has_no_index_is_looked_for_among_the_newest(
    notices, desk, monkeypatch
):
    monkeypatch.setattr("voucher_payment_gateway.admin.window.WINDOW", 1)
    clerk = desk(VIEW).client
    with CaptureQueriesContext(connection) as statements:
        clerk.get(LIST)
    assert not [each["sql"] for each in statements if "COUNT(" in each["sql"]]
    page = clerk.get(LIST, {"end": "given_up"})
    assert list(page.context["cl"].result_list) == []
    assert "were looked through" in page.text
    assert list(clerk.get(LIST, {"end": "waiting"}).context["cl"].result_list) == [notices["waiting"]]
