"""The lists: newest first, never counted, with the filters that a clerk needs."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from voucher_payment_gateway.models import VoucherDifference, VoucherOperation, VoucherPayment, VoucherSale

LIST = "/admin/voucher_payment_gateway/voucherpayment/"
SALES = "/admin/voucher_payment_gateway/vouchersale/"
NOW = timezone.now()


def payment(number, **fields):
    given = {
        "order_number": number,
        "currency": "EUR",
        "code_hint": "ABCD",
        "code_fingerprint": f"f-{number}",
        "voucher_id": f"v-{number}",
        "status": "captured",
        "amount_agreed": D(10),
        "amount_captured": D(10),
        "confirmed_at": NOW,
    }
    return VoucherPayment.objects.create(**given | fields)


def operation(of, **fields):
    given = {"order_number": of.order_number, "number": 1, "voucher_id": of.voucher_id, "kind": "charge"}
    return VoucherOperation.objects.create(payment=of, amount=D(10), currency="EUR", **given | fields)


def numbers(page):
    return [row.order_number for row in page.context["cl"].result_list]


@pytest.fixture
def payments(transactional_db):
    """One of each sort. Holds are short, so they count from this very test, not from when its module was read."""
    now = timezone.now()
    payment("paid")
    held = {
        "status": "authorized",
        "amount_captured": 0,
        "amount_authorized": D(10),
        "reservation_id": "r-1",
        "reservation_dead_at": now + timedelta(minutes=25),
    }
    payment("failed", status="failed", amount_captured=0)
    payment("lapsed-for-good", status="lapsed", amount_captured=0)
    payment("taken-off", status="failed", amount_captured=0, cancel_requested_at=NOW)
    operation(payment("unknown", **held), state="unknown")
    operation(
        payment("decided"), state="succeeded", remote_id="b-1", concluded_by="ben", conclusion="was there"
    )
    payment("lapsing", **held, sealed_code="x", code_kept_until=NOW + timedelta(days=1))
    payment("kept-long", **held, sealed_code="x", code_kept_until=NOW + timedelta(days=9))
    payment("lapsing-without-code", **held | {"reservation_dead_at": now + timedelta(minutes=10)})
    payment("unconfirmed", **held, confirmed_at=None)
    payment(
        "entered", status="selected", amount_captured=0, amount_agreed=0, confirmed_at=None, sealed_code="x",
        code_kept_until=NOW + timedelta(days=9),
    )  # fmt: skip
    gone = payment("gone")
    VoucherDifference.objects.create(
        payment=gone, order_number="gone", voucher_id="v-gone", kind="order_gone", sentence="…",
        first_seen_at=NOW, last_seen_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("unpaid", ["lapsed-for-good", "failed"]),
        ("unknown", ["unknown"]),
        ("decided", ["decided"]),
        ("lapsing", ["lapsing-without-code", "lapsing"]),
        ("unconfirmed", ["entered", "unconfirmed"]),
        ("gone", ["gone"]),
    ],
)
def test_a_filter_finds_its_payments_newest_first(payments, desk, chosen, expected):
    assert numbers(desk().payments(attention=chosen)) == expected


def test_a_difference_that_was_explained_is_not_to_be_looked_at(payments, desk):
    VoucherDifference.objects.update(explained_at=NOW)
    assert numbers(desk().payments(attention="gone")) == []


def test_newest_first_and_by_no_column(payments, desk):
    clerk = desk()
    newest = list(VoucherPayment.objects.order_by("-pk").values_list("order_number", flat=True))
    assert numbers(clerk.payments()) == newest
    assert numbers(clerk.payments(o="4")) == newest
    assert "?o=" not in clerk.payments().text


def test_a_status_is_chosen_with_its_newest_first(payments, desk):
    assert numbers(desk().payments(status__exact="failed")) == ["taken-off", "failed"]


def test_what_has_no_index_is_looked_for_among_the_newest_alone(payments, desk, monkeypatch):
    clerk = desk()
    assert "were looked through" not in clerk.payments(status__exact="authorized").text
    monkeypatch.setattr("voucher_payment_gateway.admin.window.WINDOW", 9)
    page = clerk.payments(status__exact="captured")
    assert numbers(page) == ["gone", "decided"]
    assert "entries were looked through" in page.text
    assert numbers(clerk.payments(status__exact="failed")) == ["taken-off", "failed"]
    assert numbers(clerk.payments(attention="unpaid")) == ["lapsed-for-good", "failed"]  # however old
    assert "were looked through" not in clerk.payments().text


def test_the_last_days_are_chosen(payments, desk):
    VoucherPayment.objects.exclude(order_number="paid").update(created_at=NOW - timedelta(days=3))
    clerk = desk()
    assert numbers(clerk.payments(created="1")) == ["paid"]
    assert len(numbers(clerk.payments(created="7"))) == VoucherPayment.objects.count()
    assert len(numbers(clerk.payments(created="x"))) == VoucherPayment.objects.count()


def test_pages_lead_to_older_and_newer_rows(transactional_db, desk):
    for number in range(120):
        payment(f"A-{number}")
    clerk = desk()
    first, second, third = (clerk.payments(**({"p": p} if p > 1 else {})) for p in (1, 2, 3))
    assert [numbers(page)[0] for page in (first, second, third)] == ["A-119", "A-69", "A-19"]
    assert [len(numbers(page)) for page in (first, second, third)] == [50, 50, 20]
    assert ("?p=2" in first.text, "Newer" in first.text) == (True, False)
    assert ("?p=1" in second.text, "?p=3" in second.text) == (True, True)
    assert "Older" not in third.text
    for beyond in ("4", "101", "0", "x", "9" * 30):
        assert clerk.payments(p=beyond).status_code in (200, 302), beyond


def test_nothing_is_counted(payments, desk):
    clerk = desk()
    clerk.payments()
    with CaptureQueriesContext(connection) as queries:
        clerk.payments(attention="unpaid")
        clerk.payments(status__exact="captured")
        clerk.client.get(SALES, {"delivered": "failed"})
    assert [query["sql"] for query in queries if "COUNT(" in query["sql"] or "DISTINCT" in query["sql"]] == []


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize(
    "path", ["voucherpayment", "vouchersale", "voucherdifference", "voucherpayment/attention"]
)
def test_the_number_of_statements_does_not_depend_on_the_rows(
    transactional_db, desk, django_assert_num_queries, path, count
):
    for number in range(count):
        of = payment(f"A-{number}", status="failed", amount_captured=0)
        operation(of, state="manual", settled_at=NOW)
        VoucherSale.objects.create(
            order_number=f"S-{number}", key="a", amount=10, currency="EUR", status="failed",
            deliver_due_at=NOW, delivery_error="timeout",
        )  # fmt: skip
        VoucherDifference.objects.create(
            voucher_id=f"v-{number}", kind="theirs_only", sentence="…", first_seen_at=NOW, last_seen_at=NOW
        )
    clerk = desk()
    address = f"/admin/voucher_payment_gateway/{path}/"
    clerk.client.get(address)
    # session, user, two of permissions; then one for a list, nine for the sections of what needs attention
    with django_assert_num_queries(13 if path.endswith("attention") else 5):
        assert clerk.client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status__exact": "failed"}, ["S-failed"]),
        ({"origin__exact": "bulk"}, ["S-bulk"]),
        ({"delivered": "done"}, ["S-bulk"]),
        ({}, ["S-failed", "S-bulk"]),
    ],
)
def test_sales_are_filtered(transactional_db, desk, query, expected):
    for number, fields in {
        "S-bulk": {"status": "active", "origin": "bulk", "delivered_at": NOW},
        "S-failed": {"status": "failed"},
    }.items():
        VoucherSale.objects.create(order_number=number, key="a", amount=10, currency="EUR", **fields)
    assert numbers(desk().client.get(SALES, query)) == expected
