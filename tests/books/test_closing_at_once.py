"""Of several people who close overlapping periods at the same moment, one does."""

from datetime import timedelta

from django.utils import timezone

from tests.books.old_orders import spend
from tests.gateway.test_simultaneous_calls import at_once
from voucher_payment_gateway.books.periods import NotClosedError, close_period
from voucher_payment_gateway.models import VoucherClosedPeriod


def outcome(since, until, actor):
    try:
        return close_period(since, until, actor=actor).pk
    except NotClosedError as error:
        return str(error)


def close_at_once(*spans):
    return at_once(
        *[lambda each=each, name=str(name): outcome(*each, name) for name, each in enumerate(spans)]
    )


def test_of_overlapping_periods_one_is_closed(seller):
    seller.voucher("100.00")
    spend(seller, "GIFT-2000-ABCD", "20.00", "A-1")
    now = timezone.now() - timedelta(days=1)
    overlapping = [(now - timedelta(days=10 + days), now - timedelta(days=days)) for days in range(6)]
    told = close_at_once(*overlapping)
    assert [isinstance(each, int) for each in told].count(True) == 1
    assert VoucherClosedPeriod.objects.count() == 1
    assert all("It overlaps the closed period" in each for each in told if isinstance(each, str))


def test_one_period_is_closed_once_and_neighbours_are_both(seller):
    end = timezone.now() - timedelta(days=1)
    middle, start = end - timedelta(days=5), end - timedelta(days=10)
    told = close_at_once((start, middle), (start, middle), (middle, end), (middle, end))
    assert len(set(told)) == VoucherClosedPeriod.objects.count() == 2
    assert all(isinstance(each, int) for each in told)
