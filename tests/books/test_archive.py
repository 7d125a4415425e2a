"""Old orders leave the ledger whole, with their sums; what is still needed stays, and the books read the same."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.books.month import period
from tests.books.old_orders import BEFORE, YEAR, before, spend
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.archive import archive
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.liability import take_snapshot
from voucher_payment_gateway.books.periods import check_period, close_period
from voucher_payment_gateway.exceptions import WrongStateError
from voucher_payment_gateway.models import (
    VoucherArchivedOperation,
    VoucherArchivedOrder,
    VoucherDifference,
    VoucherOperation,
    VoucherPayment,
    VoucherSale,
)


def everything():
    now = timezone.now()
    return list(booking_rows(now - 2 * YEAR, now))


def moved():
    return set(VoucherArchivedOrder.objects.values_list("order_number", flat=True))


def test_the_books_and_reconcile_read_the_archive_too(seller, old):
    rows, since = everything(), timezone.now() - 2 * YEAR
    closed = close_period(since, timezone.now() - BEFORE, actor="anna")
    count = VoucherOperation.objects.count()
    report = archive(before(), actor="anna", check=True)
    assert (report.orders, report.operations, moved()) == (4, count, set())
    assert archive(before(), actor="anna").operations == count
    assert VoucherOperation.objects.count() == 0
    assert everything() == rows
    assert check_period(closed).changed_at is None
    order = VoucherArchivedOrder.objects.get(order_number="A-1")
    assert order.sums["charge EUR"] == {"count": 1, "sum": "20.00"}
    assert order.sums["refund EUR"] == {"count": 1, "sum": "5.00"}
    assert order.archived_by == "anna"
    assert VoucherArchivedOperation.objects.get(kind="refund").more["reference"] != ""
    spend(seller, "GIFT-2000-ABCD", "10.00", "A-9")  # the same voucher again
    seller.later(hours=1)
    assert gateway.reconcile(*period()) == []
    assert gateway.reconcile(since, timezone.now()) == []
    assert archive(before()).orders == 0


def test_a_snapshot_counts_what_was_archived(old):
    archive(before())
    (row,) = take_snapshot(timezone.localdate() - timedelta(days=1))
    assert (row.outstanding, row.breakage) == (50, 50)


def test_money_of_an_archived_order_is_not_given_back_in_silence(old):
    archive(before())
    for verb in (gateway.refund, gateway.cancel):
        with pytest.raises(WrongStateError, match="were archived"):
            verb(old[0])
    assert VoucherOperation.objects.count() == 0
    assert VoucherPayment.objects.get(order_number="A-1").amount_refundable == 15


def test_what_is_still_needed_stays(seller, old):
    VoucherOperation.objects.filter(order_number="A-1", kind="refund").update(state="manual")
    VoucherPayment.objects.filter(order_number="A-2").update(updated_at=timezone.now())
    VoucherSale.objects.update(valid_until=None)
    operation = VoucherOperation.objects.get(order_number="A-3", kind="charge")
    now = timezone.now()
    VoucherDifference(
        kind="theirs_only",
        voucher_id="x",
        operation=operation,
        sentence="",
        first_seen_at=now,
        last_seen_at=now,
    ).save()
    report = archive(before())
    assert (report.orders, report.kept, moved()) == (0, 4, set())


def test_an_order_with_many_sales_is_asked_for_by_its_number(old):
    """A batch of ``voucher_issue`` is one order, and a statement has a maximum of parameters: 32,766 on SQLite."""
    sale, given = VoucherSale.objects.get(), []
    for number in range(100):
        VoucherSale(
            **{
                name: getattr(sale, name)
                for name in ("order_number", "amount", "currency", "status", "valid_until")
            },
            key=f"batch-{number}",
        ).save()
    VoucherSale.objects.update(updated_at=sale.updated_at)

    def count(execute, sql, parameters, many, context):
        given.append(len(parameters or ()))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(count):
        assert archive(before(), check=True).orders == 4
    assert max(given) < 100


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_kill_between_loses_and_doubles_nothing(old):
    def die(execute, sql, parameters, many, context):
        if sql.startswith("DELETE") and "voucheroperation" in sql and moved() == {"S-1", "A-1"}:
            raise Killed
        return execute(sql, parameters, many, context)

    rows = everything()
    with connection.execute_wrapper(die), pytest.raises(Killed):
        archive(before())
    assert moved() < {"S-1", "A-1", "A-2", "A-3"}
    live = set(VoucherOperation.objects.values_list("pk", flat=True))
    archived = set(VoucherArchivedOperation.objects.values_list("pk", flat=True))
    assert live
    assert archived
    assert live & archived == set()
    assert everything() == rows
    archive(before())
    assert moved() == {"S-1", "A-1", "A-2", "A-3"}
    assert everything() == rows


def test_a_late_date_is_refused(seller, run):
    _, told, code = run("voucher_archive", "--before", timezone.now() - timedelta(days=30))
    assert (code, "at least 90 days ago" in told) == (2, True)
    printed, _, code = run("voucher_archive", "--before", "2020-01-01", "--check")
    assert (code, printed) == (0, "0 orders with 0 operations would be archived, 0 older ones kept.\n")
