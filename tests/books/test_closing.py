"""A period closes when every difference in it is explained, and not before. A whole month: ``test_month``."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from tests.books.month import period
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.periods import NotClosedError, close_period
from voucher_payment_gateway.management.instants import instant
from voucher_payment_gateway.models import VoucherClosedPeriod, VoucherDifference, VoucherOperation


@pytest.fixture
def charged(seller):
    """An order of 20.00 that a voucher has paid, some hours ago."""
    seller.voucher("100.00")
    order = seller.order("20.00")
    gateway.authorize(order, "GIFT-2000-ABCD")
    gateway.capture(order)
    age(hours=8)
    return order


def age(**duration):
    """Move our operations into the past. The Voucher Cloud's clock stays with ours: its instants are compared too."""
    names = ("created_at", "sending_at", "settled_at")
    VoucherOperation.objects.update(**{name: F(name) - timedelta(**duration) for name in names})


def close(run, *arguments):
    since, until = period()
    return run("voucher_bookings", "--since", since, "--until", until, "--close", "--by", "anna", *arguments)


def test_an_unexplained_difference_keeps_it_open_until_it_is_explained(seller, charged, run):
    reference = VoucherOperation.objects.get(kind="charge").reference
    seller.cloud.charge(seller.cloud.reserve("GIFT-2000-ABCD", "20.00"), reference)
    _, told, code = close(run)
    assert code == 2
    assert "1 differences of this period are not explained" in told
    assert not VoucherClosedPeriod.objects.exists()
    gateway.explain(VoucherDifference.objects.get(), "Sent twice by the proxy.", actor="anna")
    assert close(run)[2] == 0
    assert VoucherClosedPeriod.objects.get().closed_by == "anna"


def test_a_difference_of_another_time_is_none_of_this_period(seller, charged):
    since, _ = period()
    reference = VoucherOperation.objects.get(kind="charge").reference
    age(days=10)
    seller.cloud.charge(seller.cloud.reserve("GIFT-2000-ABCD", "20.00"), reference)
    assert close_period(since, timezone.now() - timedelta(days=5), actor="anna")
    assert VoucherDifference.objects.get().kind == "theirs_only"
    with pytest.raises(NotClosedError, match="1 differences"):
        close_period(timezone.now() - timedelta(days=5), timezone.now() - timedelta(hours=1), actor="anna")


def test_an_operation_without_an_outcome_keeps_it_open(seller, charged):
    VoucherOperation.objects.filter(kind="charge").update(
        **{"state": "unknown", "remote_id": "", "settled_at": None, "due_at": timezone.now()}
    )
    with pytest.raises(NotClosedError, match="1 operations that were sent before its end"):
        close_period(*period(), actor="anna")


def test_a_period_that_has_not_ended_and_one_that_overlaps_are_refused(seller, charged):
    since, until = period()
    with pytest.raises(NotClosedError, match="has not ended"):
        close_period(since, timezone.now() + timedelta(days=1), actor="anna")
    with pytest.raises(ValueError, match=r"^actor: "):
        close_period(since, until, actor=" ")
    closed = close_period(since, until, actor="anna")
    with pytest.raises(NotClosedError, match="overlaps"):
        close_period(since + timedelta(days=1), until, actor="anna")
    assert close_period(since, until, actor="ben").pk == closed.pk
    assert closed.closed_by == "anna"


def test_a_closed_period_says_when_its_figures_change(seller, charged, run, caplog):
    since, until = period()
    span = ("--since", since, "--until", until)
    assert "not closed" in run("voucher_bookings", *span)[1]
    close_period(since, until, actor="anna")
    _, told, code = run("voucher_bookings", *span)
    assert (code, "by anna." in told) == (0, True)
    VoucherOperation.objects.filter(kind="charge").update(amount="30.00")
    for _ in range(2):
        printed, told, code = run("voucher_bookings", *span)
        assert code == 1
        assert "its figures have changed since: charge EUR: 1, 20.00 → 1, 30.00." in told
        assert "30.00" in printed
    assert [record.levelname for record in caplog.records if "closed period" in record.message] == ["ERROR"]
    VoucherOperation.objects.filter(kind="charge").update(amount="20.00", actor="eve")
    assert "their rows are not" in run("voucher_bookings", *span)[1]
    VoucherOperation.objects.filter(kind="charge").update(actor="")
    assert run("voucher_bookings", *span)[2] == 0
    assert VoucherClosedPeriod.objects.get().changed_at is None


def test_a_closed_period_is_told_in_the_time_zone_of_the_shop(seller, run, settings):
    """As the admin shows it: in Berlin November begins while it is October in UTC."""
    settings.TIME_ZONE = "Europe/Berlin"
    close_period(instant("2025-11-01"), instant("2025-12-01"), actor="anna")
    VoucherClosedPeriod.objects.update(closed_at=datetime(2025, 12, 1, 23, 30, tzinfo=UTC))
    told = run("voucher_bookings", "--since", "2025-11-01", "--until", "2025-12-01")[1]
    assert told.startswith(
        "2025-11-01T00:00:00+01:00 – 2025-12-01T00:00:00+01:00: closed at 2025-12-02 00:30"
    )


def test_what_cannot_be_compared_is_not_closed(seller, charged, run):
    seller.cloud.faults.next("before:503", method="GET", times=99)
    _, told, code = close(run)
    assert code == 2
    assert "is not closed" in told
    assert not VoucherClosedPeriod.objects.exists()
