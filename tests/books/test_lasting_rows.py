"""A row of the books stays as it was, whatever becomes known of its voucher or payment later."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from tests.books.old_orders import spend
from voucher_payment_gateway import gateway
from voucher_payment_gateway.books.ledger import booking_rows
from voucher_payment_gateway.books.periods import check_period, close_period
from voucher_payment_gateway.management.bulk.importing import ImportedRow, import_voucher
from voucher_payment_gateway.models import VoucherClosedPeriod, VoucherOperation, VoucherPayment
from voucher_payment_gateway.opaque import Opaque

CODE = "GIFT-2000-ABCD"


def rows():
    now = timezone.now()
    return list(booking_rows(now - timedelta(days=60), now + timedelta(minutes=1)))


def close():
    """Move what was done to the day before yesterday, and close the days around it."""
    moved = {name: F(name) - timedelta(days=2) for name in ("settled_at", "sending_at")}
    VoucherOperation.objects.update(reread_at=None, **moved)
    now = timezone.now()
    close_period(now - timedelta(days=10), now - timedelta(days=1), actor="anna")


def is_as_it_was():
    return check_period(VoucherClosedPeriod.objects.get()).changed_at is None


@pytest.fixture
def closed(seller):
    """An order that a voucher of another seller has paid, in a closed period."""
    seller.voucher("100.00")
    order = spend(seller, CODE, "20.00", "A-1")
    close()
    return order


def test_a_voucher_that_is_imported_or_topped_up_later_changes_no_row(closed):
    before = rows()
    voucher_id = VoucherPayment.objects.get().voucher_id
    gateway.top_up(CODE, "5.00", key="bonus")
    assert rows()[:1] == before
    assert is_as_it_was()
    assert [row.origin for row in rows()] == ["", "topped_up"]
    gateway.refund(closed, "5.00")
    assert rows()[-1].origin == "topped_up"
    assert import_voucher(ImportedRow(voucher_id, "OLD-1", "", Opaque("")), "", "anna") == ""
    assert is_as_it_was()


def test_an_import_after_the_closing_changes_no_row(closed):
    before, voucher_id = rows(), VoucherPayment.objects.get().voucher_id
    assert import_voucher(ImportedRow(voucher_id, "OLD-1", "", Opaque("")), "", "anna") == ""
    assert rows() == before
    assert is_as_it_was()


def test_a_later_reservation_changes_no_row_of_a_charge(seller):
    voucher = seller.voucher("100.00")
    order = seller.order("50.00")
    gateway.authorize(order, CODE)
    gateway.capture(order, "20.00")
    close()
    before = rows()
    state = seller.cloud.store.state.vouchers[voucher.id]
    state.taxable, state.tax_rate = True, "19"
    gateway.capture(order, "30.00")
    assert rows()[:1] == before
    assert is_as_it_was()
    assert [row.vat_kind for row in rows()] == ["multi_purpose"] * 2
