"""What the vouchers sold still owe: a snapshot for each day, by batch, and never one that was made up."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.contrib.auth.models import Permission
from django.db.models import F
from django.utils import timezone

from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.liability import (
    FIGURES,
    NoSnapshotError,
    missing_days,
    snapshot_of,
    take_snapshot,
)
from voucher_payment_gateway.models import VoucherLiability, VoucherOperation, VoucherSale

PAGE = "/admin/voucher_payment_gateway/voucherliability/"


def days_ago(count):
    return timezone.localdate() - timedelta(days=count)


def age(days):
    """Move what was done so far into the past."""
    moved = timedelta(days=days)
    VoucherOperation.objects.update(settled_at=F("settled_at") - moved)


def sums_of(day):
    return {row.batch: {name: getattr(row, name) for name in FIGURES} for row in snapshot_of(day)}


def sell(shop, kind, number):
    return gateway.activate(shop.order("50.00", number=number, note=f"{kind}=50.00"))[0]


def spend(shop, sale, amount, number):
    order = shop.order(amount, number=number)
    gateway.authorize(order, shop.cloud.voucher(sale.voucher_id).code)
    gateway.capture(order)
    return order


def test_each_day_has_what_happened_and_what_is_left_by_batch(seller):
    spring, other = sell(seller, "multi", "S-1"), sell(seller, "full", "S-2")
    age(1)
    order = spend(seller, spring, "20.00", "A-1")
    age(1)
    gateway.refund(order, "5.00")
    gateway.top_up(other, "10.00", key="bonus")
    VoucherSale.objects.filter(pk=spring.pk).update(valid_until=timezone.now() - timedelta(days=1))
    age(1)
    take_snapshot(days_ago(3))
    take_snapshot(days_ago(2))
    take_snapshot(days_ago(1))
    nothing = dict.fromkeys(FIGURES, D("0.00"))
    first = nothing | {"sold": D(50), "outstanding": D(50)}
    assert sums_of(days_ago(3)) == {"": first, "spring": first}
    assert sums_of(days_ago(2)) == {
        "": nothing | {"outstanding": D(50)},
        "spring": nothing | {"redeemed": D(20), "outstanding": D(30)},
    }
    assert sums_of(days_ago(1)) == {
        "": nothing | {"topped_up": D(10), "outstanding": D(60)},
        "spring": nothing | {"refunded": D(5), "expired": D(35), "outstanding": D(35), "breakage": D(35)},
    }


def test_a_missing_day_is_told_and_never_made_up(seller, run):
    assert "no gift vouchers sold" in run("voucher_liability")[0]
    VoucherLiability.objects.update(day=days_ago(4))
    sell(seller, "multi", "S-1")
    age(1)
    printed, told, code = run("voucher_liability")
    assert (code, "batch spring: outstanding 50.00 EUR, of it expired 0.00 EUR" in printed) == (0, True)
    assert f"No snapshot was taken of the 2 days from {days_ago(3)} to {days_ago(2)}." in told
    _, told, code = run("voucher_liability", "--at", days_ago(2))
    assert code == 1
    assert f"There is no snapshot of {days_ago(2)}. The nearest: {days_ago(4)} and {days_ago(1)}." in told
    with pytest.raises(NoSnapshotError, match="cannot be made up"):
        take_snapshot(days_ago(3))
    with pytest.raises(NoSnapshotError, match="has not ended"):
        take_snapshot(timezone.localdate())
    assert missing_days([date(2026, 5, 1), date(2026, 5, 4)]) == [date(2026, 5, 2), date(2026, 5, 3)]


def test_the_page_draws_the_days_and_tells_the_missing_ones(seller, client, django_user_model):
    for days, amount in ((9, 0), (8, 40), (5, 100), (4, 60)):
        VoucherLiability(day=days_ago(days), currency="EUR", outstanding=amount, breakage=amount // 2).save()
    user = django_user_model.objects.create_user("mia", is_staff=True)
    client.force_login(user)
    assert client.get(PAGE).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_voucherliability"))
    page = client.get(PAGE).text
    assert page.count("<polyline") == 4  # two lines, each with a gap
    assert 'points="0,160 0,160 144,96"' in page
    assert 'points="575,0 576,0 720,64"' in page
    assert "No snapshot was taken of 2 days" in page
    assert "€100.00" in page
    assert "<script" not in page.partition("<figure")[2].partition("</figure>")[0]
